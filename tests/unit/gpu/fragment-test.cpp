// fragment-test.cpp - tiles and fragments: a product of two matrices, emulated.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/Alignment.h"
#include "passes/lower/gpu/kernel/SharedTile.h"
#include "tests/emulate/Emulator.h"
#include "tests/unit/gpu/fixture.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include "gtest/gtest.h"

#include <random>

using namespace mlir;
using namespace heed::cuda;
namespace emulate = heed::emulate;
using heed::test::Elements;

namespace {

/// What of the kernel is left out, to see that it is missed.
enum class Fault { none, wait, barrier };

/// c = a·bᵀ, 16×16 = 16×K · K×16 by one warp of two; c is f32.
struct Product {
  int64_t columns;            // K
  int64_t rows;               // of b that exist, the others are zeros
  bool isTransposed = false;  // b is K×16
  bool isFloat = false;       // a and b are f32, else f16
  bool isColumnMajor = false; // b's columns lie in memory
  Fault fault = Fault::none;

  int64_t bColumns() const { return isTransposed ? 16 : columns; }
  const char *element() const { return isFloat ? "f32" : "f16"; }
};

/// A as a tile of C, from global memory: columns 8·step … of `columns`. Past the
/// last stands the last, for rows of B that are zeros.
FragmentA loadFloats(KernelBuilder &k, const Lane &lane,
                     const GlobalTensor &tensor, int64_t columns,
                     int64_t step) {
  FragmentC tile;
  for (unsigned i = 0; i < 4; ++i) {
    Value row = k.add(lane.group, k.i32(8 * rowOf(i)));
    Value column = k.add(k.mul(lane.quad, k.i32(2)), k.i32(8 * step + i % 2));
    column = k.min(column, k.i32(columns - 1));
    Value offset =
        k.add(k.mul(k.widen(row), tensor.strides[0]), k.widen(column));
    tile[i] =
        k.loadVector(k.b.getF32Type(), 1,
                     k.advance(tensor.pointer, k.mul(offset, k.i64(4))))[0];
  }
  return packA(k, k.b.getF32Type(), tile);
}

OwningOpRef<ModuleOp> makeProduct(const Product &p) {
  MLIRContext &context = heed::test::context();
  context.loadDialect<memref::MemRefDialect, gpu::GPUDialect, LLVM::LLVMDialect,
                      NVVM::NVVMDialect, arith::ArithDialect, func::FuncDialect,
                      scf::SCFDialect>();
  OpBuilder b(&context);
  Location loc = b.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(b, loc);
  b.setInsertionPointToEnd(module->getBody());
  auto element =
      cast<FloatType>(p.isFloat ? Type(b.getF32Type()) : Type(b.getF16Type()));
  int64_t bytes = p.isFloat ? 4 : 2;
  auto matrix = [&](int64_t rows, int64_t columns, Type type) {
    return MemRefType::get({rows, columns}, type);
  };
  int64_t padded = llvm::alignTo(p.columns, kStepBytes / bytes);
  auto bType = p.isColumnMajor ? matrix(p.bColumns(), p.rows, element)
                               : matrix(p.rows, p.bColumns(), element);
  auto function = func::FuncOp::create(
      b, loc, "main",
      b.getFunctionType({matrix(16, p.columns, element), bType,
                         matrix(16, 16, b.getF32Type())},
                        {}));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToEnd(body);

  constexpr unsigned kThreads = 64;
  KernelBuilder k(b, loc, getKernelModule(*module, "sm_80"), "product",
                  kThreads);
  Lane lane = buildLane(k);
  Value shared = k.sharedMemory();
  SharedTile aTile{16, padded, bytes, 0};
  SharedTile bTile =
      p.isTransposed
          ? SharedTile{llvm::alignTo(padded, 16), 16, bytes, aTile.bytes()}
          : SharedTile{16, padded, bytes, aTile.bytes()};
  auto copy = [&](unsigned argument, const SharedTile &tile, int64_t columns,
                  Value rows, bool isColumnMajor) {
    Value memref = body->getArgument(argument);
    GlobalTensor tensor = k.tensor(memref);
    Value outer = k.mul(tensor.strides[0], k.i64(bytes)), inner = k.i64(bytes);
    TileSource source{tensor.pointer, outer, Value(),
                      columns,        rows,  rowUnitBytes(memref, 1)};
    if (isColumnMajor) {
      source.rowBytes = inner, source.columnBytes = outer;
      source.unitBytes = bytes;
    }
    copyTile(k, lane, kThreads, shared, tile, source);
  };
  copy(0, aTile, p.columns, Value(), false);
  copy(1, bTile, p.bColumns(), k.i32(p.rows), p.isColumnMajor);
  commitCopies(k);
  if (p.fault != Fault::wait)
    NVVM::CpAsyncWaitGroupOp::create(k.b, loc, 0);
  if (p.fault != Fault::barrier)
    NVVM::Barrier0Op::create(k.b, loc);

  Value zero = k.f32(0);
  FragmentC c[2] = {{zero, zero, zero, zero}, {zero, zero, zero, zero}};
  Value aAddress = addressOfA(k, lane, shared, aTile, k.i32(0));
  Value bAddress = p.isTransposed ? addressOfColumns(k, lane, shared, bTile)
                                  : addressOfRows(k, lane, shared, bTile);
  bool takesTiles = p.isFloat && p.isTransposed;
  GlobalTensor aTensor = k.tensor(body->getArgument(0));
  for (int64_t step = 0; step < padded * bytes / kStepBytes; ++step) {
    FragmentA a = takesTiles ? loadFloats(k, lane, aTensor, p.columns, step)
                             : loadA(k, aAddress, step);
    auto halves = p.isTransposed ? loadColumns(k, bAddress, bTile, 0, step)
                                 : loadRows(k, bAddress, bTile, 0, step);
    for (unsigned n : {0, 1})
      c[n] = multiply(k, element, a, halves[n], c[n]);
  }
  GlobalTensor out = k.tensor(body->getArgument(2));
  // Columns of b by rows lie in tiles one after the other.
  LaneColumns columns = columnsOfLane(p.isTransposed ? bytes : 2);
  k.ifThen(k.lessThan(lane.warp, k.i32(1)), [&] {
    for (unsigned row : {0, 1})
      for (int64_t first = 0; first < 16; first += 8 * columns.tiles)
        for (int64_t i = 0; i < columns.width; ++i) {
          int64_t tile = first / 8 + columns.tileOf(i);
          Value column =
              k.add(k.mul(lane.quad, k.i32(columns.width)), k.i32(first + i));
          Value offset = k.add(
              k.mul(k.add(lane.group, k.i32(8 * row)), k.i32(16)), column);
          k.storeVector(c[tile][2 * row + columns.elementOf(i)],
                        k.advance(out.pointer, k.mul(offset, k.i32(4))));
        }
  });
  k.finish({b.getIndexAttr(1), b.getIndexAttr(1), b.getIndexAttr(1)},
           aTile.bytes() + bTile.bytes());
  func::ReturnOp::create(b, loc);
  if (failed(verify(*module)))
    return {};
  return module;
}

/// The largest error of c beside Σ|a·b|.
double runProduct(const Product &p, llvm::function_ref<double()> draw,
                  emulate::Report &report) {
  auto module = makeProduct(p);
  EXPECT_TRUE(module);
  if (!module)
    return 0;
  int64_t bColumns = p.bColumns();
  Elements a(p.element(), 16 * p.columns), b(p.element(), p.rows * bColumns);
  for (int64_t i = 0; i < 16 * p.columns; ++i)
    a.set(i, draw());
  for (int64_t i = 0; i < p.rows * bColumns; ++i)
    b.set(i, draw());
  std::vector<float> c(16 * 16, -1);
  std::vector<int64_t> bShape{p.rows, bColumns};
  if (p.isColumnMajor)
    std::swap(bShape[0], bShape[1]);
  report = emulate::run(*module, "main",
                        {{a.data(), {16, p.columns}, a.bytes()},
                         {b.data(), bShape, b.bytes()},
                         {c.data(), {16, 16}, 4}});
  double worst = 0;
  for (int64_t m = 0; m < 16; ++m)
    for (int64_t n = 0; n < 16; ++n) {
      double sum = 0, magnitude = 0x1p-100;
      for (int64_t k = 0; k < p.columns; ++k) {
        int64_t row = p.isTransposed ? k : n, column = p.isTransposed ? n : k;
        if (row >= p.rows)
          continue;
        double product = a.get(m * p.columns + k) *
                         b.get(p.isColumnMajor ? column * p.rows + row
                                               : row * bColumns + column);
        sum += product, magnitude += std::abs(product);
      }
      worst = std::max(worst, std::abs(c[m * 16 + n] - sum) / magnitude);
    }
  return worst;
}

/// Small integers: products and sums are exact.
emulate::Report runExact(const Product &p) {
  emulate::Report report;
  int64_t i = 0;
  auto draw = [&] { return double(i++ * 7 % 11 - 5); };
  double error = runProduct(p, draw, report);
  if (p.fault == Fault::none) {
    EXPECT_EQ(error, 0);
    EXPECT_TRUE(report.errors.empty()) << report.errors[0];
  }
  return report;
}

class Products
    : public testing::TestWithParam<std::tuple<int64_t, bool, bool>> {
protected:
  int64_t columns = std::get<0>(GetParam());
  bool isFloat = std::get<1>(GetParam());
  bool isColumnMajor = std::get<2>(GetParam());
};

TEST_P(Products, OfRows) {
  EXPECT_EQ(
      runExact({columns, 16, false, isFloat, isColumnMajor}).bankConflicts, 0);
}

TEST_P(Products, OfColumns) {
  EXPECT_EQ(
      runExact({columns, columns, true, isFloat, isColumnMajor}).bankConflicts,
      0);
}

// What is no multiple of a step is filled up with zeros; what is none of 16
// bytes is copied by 8, 4 or 2.
INSTANTIATE_TEST_SUITE_P(
    Columns, Products,
    testing::Combine(testing::Values(16, 24, 32, 40, 72, 80, 128, 256, 1, 4, 20,
                                     33, 50),
                     testing::Bool(), testing::Bool()),
    [](const auto &info) {
      std::string columns = std::to_string(std::get<0>(info.param));
      std::string element = std::get<1>(info.param) ? "_f32" : "_f16";
      return columns + element +
             (std::get<2>(info.param) ? "_column_major" : "");
    });

TEST(SharedTile, RowsPastTheLastAreZeros) {
  for (bool isColumnMajor : {false, true})
    for (bool isFloat : {false, true})
      runExact({64, 11, false, isFloat, isColumnMajor});
}

// tf32 alone has 11 bits: an error of 2^-11 in each factor.
TEST(Fragment, ProductsOfFloatsAreThoseOfF32) {
  std::mt19937 engine(3);
  std::uniform_real_distribution<double> distribution(-1, 1);
  for (bool isTransposed : {false, true}) {
    emulate::Report report;
    double error = runProduct(
        {64, 64, isTransposed, true}, [&] { return distribution(engine); },
        report);
    EXPECT_TRUE(report.errors.empty());
    EXPECT_LE(error, 0x1p-20);
  }
}

bool says(const emulate::Report &report, llvm::StringRef reason) {
  return llvm::any_of(report.errors, [&](const std::string &error) {
    return llvm::StringRef(error).contains(reason);
  });
}

TEST(Emulator, SeesThatACopyIsNotAwaited) {
  EXPECT_TRUE(says(runExact({64, 16, false, false, false, Fault::wait}),
                   "read before its copy was awaited"));
}

TEST(Emulator, SeesThatABarrierIsMissing) {
  emulate::Report report =
      runExact({64, 16, false, false, false, Fault::barrier});
  // The first warp reads what the second has not even begun to copy.
  EXPECT_TRUE(says(report, "read before it was written") ||
              says(report, "race"));
}

TEST(Chip, SharedMemoryAndInstructionSet) {
  EXPECT_EQ(getChip("sm_80")->sharedBytes, 163 * 1024);
  EXPECT_EQ(getChip("sm_90a")->ptxVersion, 80u);
  EXPECT_EQ(getChip("sm_89")->sharedBytes, 99 * 1024);
  EXPECT_FALSE(getChip("sm_75"));
  EXPECT_FALSE(getChip("gfx942"));
}

} // namespace
