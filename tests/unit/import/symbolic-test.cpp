// symbolic-test.cpp - sizes as polynomials: exact equality, quotients, bounds.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/import/Error.h"
#include "tools/lib/import/Symbolic.h"

#include <gtest/gtest.h>

using namespace heed::import;

namespace {

struct Symbolic : testing::Test {
  SymTable syms;
  Sym n = syms.dimension(), h = syms.dimension(), w = syms.dimension();
};

TEST_F(Symbolic, EqualPolynomialsAreEqual) {
  EXPECT_EQ((n + h) * (n + h), n * n + Sym(2) * n * h + h * h);
  EXPECT_EQ(n - n, Sym(0));
  EXPECT_NE(n, h);
  EXPECT_EQ((Sym(3) * Sym(4)).constant(), 12);
  EXPECT_FALSE((n * Sym(4)).constant());
}

TEST_F(Symbolic, ExactQuotient) {
  EXPECT_EQ((Sym(12) * n * h).exactQuotient(Sym(4) * h), Sym(3) * n);
  EXPECT_EQ((n * n - h * h).exactQuotient(n + h), n - h);
  EXPECT_FALSE((n * h + Sym(1)).exactQuotient(n));
  EXPECT_FALSE((Sym(6) * n).exactQuotient(4));
  EXPECT_FALSE(n.exactQuotient(0));
}

TEST_F(Symbolic, FloorDivisionTakesOutWhatDivides) {
  EXPECT_EQ(syms.floorDiv(Sym(4) * n + Sym(7), 4), n + Sym(1));
  EXPECT_EQ(syms.floorDiv(Sym(-7), 2), Sym(-4));
  EXPECT_EQ(syms.floorDiv(n * h, n), h);
  // The same division is the same atom.
  EXPECT_EQ(syms.floorDiv(n - Sym(1), 2), syms.floorDiv(n - Sym(1), 2));
}

TEST_F(Symbolic, TwoStridedConvolutionsAreOneDivision) {
  // floor((floor((n − 1) / 2) + 1 − 1) / 2) + 1 = floor((n − 1) / 4) + 1
  Sym once = syms.floorDiv(n - Sym(1), 2) + Sym(1);
  Sym twice = syms.floorDiv(once - Sym(1), 2) + Sym(1);
  EXPECT_EQ(twice, syms.floorDiv(n - Sym(1), 4) + Sym(1));
}

TEST_F(Symbolic, MinAndMaxFoldWhereBoundsDecide) {
  EXPECT_EQ(syms.max(n, 0), n);
  EXPECT_EQ(syms.min(n + h, n), n);
  EXPECT_EQ(syms.max(n + Sym(1), n), n + Sym(1));
  EXPECT_NE(syms.max(n, h), n);
  EXPECT_EQ(syms.max(n, h), syms.max(h, n));
}

TEST_F(Symbolic, LowerBounds) {
  EXPECT_EQ(syms.lowerBound(n * h + Sym(2)), 2);
  EXPECT_FALSE(syms.lowerBound(n - h));
  EXPECT_FALSE(syms.lowerBound(syms.value()));
  // n − min(1, n) and n − n / 2 are never negative.
  EXPECT_GE(*syms.lowerBound(n - syms.min(1, n)), 0);
  EXPECT_GE(*syms.lowerBound(n - syms.floorDiv(n, 2)), 0);
}

TEST_F(Symbolic, BoundsThatAreCheckedHold) {
  EXPECT_NE(syms.min(n, 1), Sym(1));
  syms.raiseBound(n + Sym(2), 3);
  EXPECT_EQ(syms.min(n, 1), Sym(1));
  syms.raiseBound(n, 0); // no weaker than it was
  EXPECT_EQ(syms.lowerBound(n), 1);
  syms.raiseBound(n * h, 5); // nothing that a size alone could keep
  EXPECT_EQ(syms.lowerBound(h), 0);
}

TEST_F(Symbolic, OverflowIsAnError) {
  Sym big(int64_t(1) << 40);
  EXPECT_THROW(big * big, ImportError);
  EXPECT_THROW(Sym(INT64_MAX) + Sym(1), ImportError);
  EXPECT_THROW(syms.floorDiv(n, 0), ImportError);
}

TEST_F(Symbolic, GrowthIsBounded) {
  Sym sum(1);
  for (int i = 0; i < 12; ++i)
    sum = sum + syms.dimension();
  Sym power = sum;
  EXPECT_THROW(
      {
        for (int i = 0; i < 12; ++i)
          power = power * sum;
      },
      ImportError);
}

} // namespace
