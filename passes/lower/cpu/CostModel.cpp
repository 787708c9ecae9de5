// CostModel.cpp - the constants by which schedules on the CPU are chosen.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/CostModel.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/lower/cpu/VectorLoop.h"

using namespace mlir;

namespace heed::lower {

/// From so many scalar operations on, about 10 µs of them, the runtime forks
/// (runtime/support/Parallel.cpp); a fork and join takes 2 to 3 µs.
constexpr int64_t kForkCost = 32768;

/// Vector code moves 16 elements in the
/// time of 1 to 4 scalar operations, from the L2 or the L3: a loop over 64 K
/// elements (256 KiB, 4 µs) is the first to gain by a fork.
constexpr int64_t kElementsPerScalarOp = 2;

/// Multiply-adds out of the L1 or L2: 16 in half a cycle to two.
constexpr int64_t kMultiplyAddsPerScalarOp = 4;

/// A call of the library costs 1 to 2 µs, the time of 64 K multiply-adds of
/// simple vector code. Products beyond these are worth a packed kernel.
constexpr int64_t kNativeMultiplyAdds = 8 << 20;

/// Weights up to here stay in the L2 from image to image; larger ones are read
/// once for all images by a product of matrices.
constexpr int64_t kResidentWeightBytes = 512 << 10;

/// A loop of `total` scalar operations; 0: they are not known.
static void buildCosted(OpBuilder &b, Location loc, ValueRange sizes,
                        int64_t total,
                        function_ref<void(OpBuilder &, ValueRange)> body) {
  if (sizes.empty())
    return body(b, {});
  Values zeros(sizes.size(), buildIndex(b, loc, 0));
  Values ones(sizes.size(), buildIndex(b, loc, 1));
  auto loop = scf::ParallelOp::create(
      b, loc, zeros, sizes, ones,
      [&](OpBuilder &b, Location, ValueRange indices) { body(b, indices); });
  int64_t trips = 1;
  for (Value size : sizes)
    trips *= getConstantIntValue(size).value_or(0);
  if (total > 0 && trips > 0)
    loop->setAttr(kCostAttr,
                  b.getIndexAttr(std::max<int64_t>(1, total / trips)));
}

void buildStreaming(OpBuilder &b, Location loc, ValueRange sizes,
                    int64_t elements,
                    function_ref<void(OpBuilder &, ValueRange)> body) {
  buildCosted(b, loc, sizes, elements / kElementsPerScalarOp, body);
}

void buildComputing(OpBuilder &b, Location loc, ValueRange sizes,
                    int64_t multiplyAdds,
                    function_ref<void(OpBuilder &, ValueRange)> body) {
  int64_t cost = multiplyAdds / kMultiplyAddsPerScalarOp;
  if (multiplyAdds == 0 || cost >= kForkCost)
    return buildCosted(b, loc, sizes, cost, body);
  buildNest(b, loc, sizes, {},
            [&](OpBuilder &b, ValueRange indices, ValueRange) -> Values {
              body(b, indices);
              return {};
            });
}

bool isNativeExcitation(int64_t multiplyAdds, int64_t weightBytes,
                        int64_t images) {
  return multiplyAdds <= kNativeMultiplyAdds &&
         (images == 1 || weightBytes <= kResidentWeightBytes);
}

} // namespace heed::lower
