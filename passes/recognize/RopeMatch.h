// RopeMatch.h - one anchor of a rotary embedding: what was matched, or why not,
// and its rewrite.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_ROPEMATCH_H
#define HEED_PASSES_RECOGNIZE_ROPEMATCH_H

#include "passes/recognize/Element.h"
#include "passes/recognize/GateExcitation.h"

namespace heed::recognize {

/// A tensor put together along one dimension, by a concatenation or by slices
/// that are inserted one after the other.
struct Parts {
  mlir::Value whole;
  int64_t dim;
  llvm::SmallVector<mlir::Value, 3> values; // of static size along dim
};
std::optional<Parts> asParts(mlir::Value value);

/// One place of an index: a factor, or a known number below `size`.
struct Digit {
  Factor factor = 0;
  int64_t size = 0, value = -1;
  bool isKnown() const { return value >= 0; }
  bool operator==(const Digit &o) const {
    return isKnown() == o.isKnown() &&
           (isKnown() ? size == o.size && value == o.value
                      : factor == o.factor);
  }
};
using Digits = llvm::SmallVector<Digit, 4>;

/// ±root[dims], where neighbouring known digits are one.
struct Leaf {
  mlir::Value root;
  llvm::SmallVector<Digits, 4> dims;
  int sign = 1;
};

/// sign · left · right.
struct Summand {
  int sign;
  Leaf left, right;
};

/// Reads elements where the first two parts of the anchor stand for the values 0
/// and 1 of a factor, the half: the first and the second elements of the pairs.
class PairReader {
public:
  PairReader(const Parts &anchor, FactorTable &table)
      : anchor(anchor), table(table) {}

  /// The dims of the anchor's first two parts together, half and pairs apart;
  /// empty until it was met.
  const Access &dims() const { return anchorDims; }
  Factor half() const { return halfFactor; }
  /// An element of the anchor on the way up; false where it is read in two ways.
  bool meet(const TensorView &view);
  /// The anchor's part at its dims, one of the two.
  Element partOf(int second) const;

  /// The element as a sum of at most two products of two tensors' elements.
  bool expand(Element element, int second, int sign,
              llvm::SmallVectorImpl<Summand> &sum);
  /// The element of the tensor behind movement, slices, signs and the anchor.
  std::optional<Leaf> leafOf(Element element, int second);

private:
  std::optional<Element> partAt(const Element &element, int second);
  std::optional<TensorView> stepUpSlice(const TensorView &view);
  Leaf normalise(const TensorView &view, int second, int sign) const;

  const Parts &anchor;
  FactorTable &table;
  Access anchorDims;
  Factor halfFactor = 0;
  llvm::DenseMap<Factor, int64_t> known; // the factors that are numbers
};

/// The place where two leaves of one root differ, by a known digit: `first` and
/// first + 1 of `size`.
struct PairDigit {
  size_t dim, place;
  int64_t size, first;
};
/// Null place: they do not differ. None: in another way.
struct PairDifference {
  std::optional<PairDigit> digit;
};
std::optional<PairDifference> differ(const Leaf &first, const Leaf &second);

/// A table as read for the first elements; `digit` tells it from the second
/// elements' where it has a number for each element.
struct RopeTable {
  Leaf first;
  std::optional<PairDigit> digit;
};

struct RopeMatch {
  mlir::Value result; // what is replaced, of these dims
  Access dims;
  Factor half;
  Leaf x; // of the first elements
  PairDigit digit;
  bool interleaved;
  Factors pairs; // the factors of a pair's index, inside the rotated dimension
  RopeTable cos, sin;
  /// Where elements pass through: all of the dimension, a factor of `dims`, and
  /// x by it.
  struct Whole {
    Factor factor;
    Leaf x;
  };
  std::optional<Whole> whole;
};

/// The embedding at an anchor; or why it is none. Neither where nothing looks
/// like one.
struct RopeAttempt {
  std::optional<RopeMatch> match;
  std::optional<Refusal> refusal;
};
RopeAttempt matchRope(const Parts &anchor, FactorTable &table);

/// Takes in what passes through beside the rotated elements: the third part of
/// the anchor, or the second of a concatenation with the result.
void extendRope(RopeMatch &match, PairReader &reader, const Parts &anchor,
                FactorTable &table);

/// The embedding as an op before `match.result`, in its shape, at the place of
/// its anchor; null if it has no such form.
mlir::Value buildRope(mlir::OpBuilder &b, mlir::Location anchor,
                      const RopeMatch &match, FactorTable &table);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_ROPEMATCH_H
