// CostedLoops.cpp - parallel loops that know what they cost
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/CostedLoops.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/lower/cpu/VectorLoop.h"
#include "runtime/cost/CostModel.h"

using namespace mlir;

namespace heed::lower {

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
  buildCosted(b, loc, sizes, cost::costOfStreaming(elements), body);
}

void buildComputing(OpBuilder &b, Location loc, ValueRange sizes,
                    int64_t multiplyAdds,
                    function_ref<void(OpBuilder &, ValueRange)> body) {
  int64_t total = cost::costOfComputing(multiplyAdds);
  if (multiplyAdds == 0 || total >= cost::kForkCost)
    return buildCosted(b, loc, sizes, total, body);
  buildNest(b, loc, sizes, {},
            [&](OpBuilder &b, ValueRange indices, ValueRange) -> Values {
              body(b, indices);
              return {};
            });
}

} // namespace heed::lower
