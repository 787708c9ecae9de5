// SmallLinalg.h - a small linalg op as loops of vector code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_SMALLLINALG_H
#define HEED_PASSES_LOWER_CPU_SMALLLINALG_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/lower/cpu/VectorLoop.h"

namespace heed::lower {

/// A linalg op on f32 whose one result is elementwise, or a sum or maximum of
/// what is elementwise: products with vectors and matrices, convolutions with
/// few channels, activations. On tensors or buffers.
class SmallLinalg {
public:
  /// None where the op is something else, or no dim can be a vector's.
  static std::optional<SmallLinalg> match(mlir::linalg::LinalgOp op);

  /// Multiply-adds, or elements where the op is elementwise; 0 if not constant.
  int64_t getWork() const { return work; }

  /// Builds the loops for the op, which is on buffers and stays. `fixed` is the
  /// index of parallel dim `fixedDim`, or null.
  void build(OpBuilder &b, unsigned length, Value fixed = {},
             unsigned fixedDim = 0) const;

private:
  mlir::linalg::LinalgOp op;
  mlir::SmallVector<int64_t> sizes;
  unsigned lane = 0;         // the dim along which vectors lie
  bool reducesLanes = false; // it is summed over
  bool takesMaximum = false; // of the reduction
  int64_t work = 0;
};

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_SMALLLINALG_H
