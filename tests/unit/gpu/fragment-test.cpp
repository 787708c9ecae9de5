// fragment-test.cpp - tiles and fragments: a product of two matrices, emulated.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/SharedTile.h"
#include "tests/emulate/Emulator.h"
#include "tests/unit/gpu/fixture.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace heed::cuda;
namespace emulate = heed::emulate;

namespace {

/// What of the kernel is left out, to see that it is missed.
enum class Fault { none, wait, barrier };

/// c = a·bᵀ, 16×16 = 16×K · K×16 by one warp of four: a and b are f16, c is
/// f32; `rows` of b exist, the others are zeros. With `isTransposed`, b is
/// K×16.
OwningOpRef<ModuleOp> makeProduct(int64_t columns, int64_t rows,
                                  bool isTransposed, Fault fault) {
  MLIRContext &context = heed::test::context();
  context.loadDialect<memref::MemRefDialect, gpu::GPUDialect, LLVM::LLVMDialect,
                      NVVM::NVVMDialect, arith::ArithDialect, func::FuncDialect,
                      scf::SCFDialect>();
  OpBuilder b(&context);
  Location loc = b.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(b, loc);
  b.setInsertionPointToEnd(module->getBody());
  auto matrix = [&](int64_t rows, int64_t columns, Type type) {
    return MemRefType::get({rows, columns}, type);
  };
  int64_t padded = llvm::alignTo(columns, 16);
  Type half = b.getF16Type();
  auto bType =
      isTransposed ? matrix(rows, 16, half) : matrix(rows, columns, half);
  auto function =
      func::FuncOp::create(b, loc, "main",
                           b.getFunctionType({matrix(16, columns, half), bType,
                                              matrix(16, 16, b.getF32Type())},
                                             {}));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToEnd(body);

  constexpr unsigned kThreads = 64;
  KernelBuilder k(b, loc, getKernelModule(*module, "sm_80"), "product",
                  kThreads);
  Lane lane = buildLane(k);
  Value shared = k.sharedMemory();
  SharedTile aTile{16, padded, 0};
  SharedTile bTile = isTransposed ? SharedTile{padded, 16, aTile.bytes()}
                                  : SharedTile{16, padded, aTile.bytes()};
  auto copy = [&](unsigned argument, const SharedTile &tile, int64_t columns,
                  Value rows) {
    GlobalTensor tensor = k.tensor(body->getArgument(argument));
    TileSource source{tensor.pointer, k.mul(tensor.strides[0], k.i64(2)),
                      columns, rows};
    copyTile(k, lane, kThreads, shared, tile, source);
  };
  copy(0, aTile, columns, Value());
  copy(1, bTile, isTransposed ? 16 : columns, k.i32(rows));
  commitCopies(k);
  if (fault != Fault::wait)
    NVVM::CpAsyncWaitGroupOp::create(k.b, loc, 0);
  if (fault != Fault::barrier)
    NVVM::Barrier0Op::create(k.b, loc);

  Value zero = k.f32(0);
  FragmentC c[2] = {{zero, zero, zero, zero}, {zero, zero, zero, zero}};
  Value aAddress = addressOfA(k, lane, shared, aTile, k.i32(0));
  Value bAddress = isTransposed ? addressOfColumns(k, lane, shared, bTile)
                                : addressOfRows(k, lane, shared, bTile);
  for (int64_t step = 0; step < padded / 16; ++step) {
    FragmentA a = loadA(k, aAddress, step);
    auto halves = isTransposed ? loadColumns(k, bAddress, bTile, 0, step)
                               : loadRows(k, bAddress, bTile, 0, step);
    for (unsigned n : {0, 1})
      c[n] = multiply(k, cast<FloatType>(half), a, halves[n], c[n]);
  }
  GlobalTensor out = k.tensor(body->getArgument(2));
  k.ifThen(k.lessThan(lane.warp, k.i32(1)), [&] {
    for (unsigned n : {0, 1})
      for (unsigned i = 0; i < 4; ++i) {
        Value row = k.add(lane.group, k.i32(8 * rowOf(i)));
        Value column = k.add(k.mul(lane.quad, k.i32(2)), k.i32(8 * n + i % 2));
        Value offset = k.mul(k.add(k.mul(row, k.i32(16)), column), k.i32(4));
        LLVM::StoreOp::create(k.b, loc, c[n][i],
                              k.advance(out.pointer, offset));
      }
  });
  k.finish({b.getIndexAttr(1), b.getIndexAttr(1), b.getIndexAttr(1)},
           aTile.bytes() + bTile.bytes());
  func::ReturnOp::create(b, loc);
  if (failed(verify(*module)))
    return {};
  return module;
}

/// Small integers: their products and sums are exact.
std::vector<uint16_t> integers(int64_t count, int seed) {
  std::vector<uint16_t> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = emulate::toHalf((i * 7 + seed) % 11 - 5, /*isBF16=*/false);
  return values;
}

float element(const std::vector<uint16_t> &values, int64_t at) {
  return emulate::fromHalf(values[at], /*isBF16=*/false);
}

emulate::Report runProduct(int64_t columns, int64_t rows, bool isTransposed,
                           Fault fault = Fault::none) {
  auto module = makeProduct(columns, rows, isTransposed, fault);
  EXPECT_TRUE(module);
  if (!module)
    return {};
  int64_t bColumns = isTransposed ? 16 : columns;
  std::vector<uint16_t> a = integers(16 * columns, 1),
                        b = integers(rows * bColumns, 4);
  std::vector<float> c(16 * 16, -1);
  emulate::Report report = emulate::run(*module, "main",
                                        {{a.data(), {16, columns}, 2},
                                         {b.data(), {rows, bColumns}, 2},
                                         {c.data(), {16, 16}, 4}});
  if (fault != Fault::none)
    return report;
  for (int64_t m = 0; m < 16; ++m)
    for (int64_t n = 0; n < 16; ++n) {
      float sum = 0;
      for (int64_t k = 0; k < columns; ++k) {
        int64_t row = isTransposed ? k : n, column = isTransposed ? n : k;
        if (row < rows)
          sum +=
              element(a, m * columns + k) * element(b, row * bColumns + column);
      }
      EXPECT_EQ(c[m * 16 + n], sum) << m << ", " << n;
    }
  return report;
}

class Product : public testing::TestWithParam<int64_t> {};

TEST_P(Product, OfRows) {
  emulate::Report report = runProduct(GetParam(), 16, false);
  EXPECT_TRUE(report.errors.empty()) << report.errors[0];
  EXPECT_EQ(report.bankConflicts, 0);
}

TEST_P(Product, OfColumns) {
  emulate::Report report = runProduct(GetParam(), GetParam(), true);
  EXPECT_TRUE(report.errors.empty()) << report.errors[0];
  EXPECT_EQ(report.bankConflicts, 0);
}

// Multiples of 8 that are none of 16 are filled up with zeros.
INSTANTIATE_TEST_SUITE_P(Columns, Product,
                         testing::Values(16, 24, 32, 40, 72, 80, 128, 256));

TEST(SharedTile, RowsPastTheLastAreZeros) {
  EXPECT_TRUE(runProduct(64, 11, false).errors.empty());
}

bool says(const emulate::Report &report, llvm::StringRef reason) {
  return llvm::any_of(report.errors, [&](const std::string &error) {
    return llvm::StringRef(error).contains(reason);
  });
}

TEST(Emulator, SeesThatACopyIsNotAwaited) {
  EXPECT_TRUE(says(runProduct(64, 16, false, Fault::wait),
                   "read before its copy was awaited"));
}

TEST(Emulator, SeesThatABarrierIsMissing) {
  emulate::Report report = runProduct(64, 16, false, Fault::barrier);
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
