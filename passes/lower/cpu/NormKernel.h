// NormKernel.h - the loops of a norm on buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_NORMKERNEL_H
#define HEED_PASSES_LOWER_CPU_NORMKERNEL_H

#include "dialect/norm/NormOps.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "passes/lower/cpu/VectorLoop.h"

namespace heed::lower {

/// A norm with its neighbouring dims of one kind (normalised or not, in weight,
/// in bias) as one dim, where every buffer is contiguous over them: NCHW over
/// C with H, W kept is N, C, (HW).
struct NormKernel {
  attn::NormOp norm;
  Location loc;
  mlir::FloatType element, compute;
  unsigned length; // lanes of a vector
  Values sizes;    // of the groups
  llvm::SmallVector<bool> normalised, inWeight, inBias;
  Value x, init, weight, bias; // collapsed
  Values keptSizes, reducedSizes;
  static constexpr unsigned unroll = 4;

  NormKernel(OpBuilder &b, attn::NormOp norm, unsigned vectorBytes);

  /// Builds the loops: rows where the last dim is normalised, columns where it
  /// is kept, scalars where it is not contiguous.
  void build(OpBuilder &b);

private:
  void buildRows(OpBuilder &b);
  void buildColumns(OpBuilder &b);
  void buildColumn(OpBuilder &b, ValueRange outer, Value at, Value mask,
                   unsigned count);
  void buildScalars(OpBuilder &b);

  mlir::VectorType vectorOf(mlir::Type type) {
    return mlir::VectorType::get({length}, type);
  }
  /// One index a group, from those of the kept and the reduced groups.
  Values indices(ValueRange kept, ValueRange reduced);
  /// Those of a parameter's groups.
  Values parameterIndices(ValueRange all, llvm::ArrayRef<bool> in);
  Value splat(OpBuilder &b, mlir::Type type, Value scalar);
  /// (sum of squares / n + ε)^(−1/2), or sum / n.
  Value finishMean(OpBuilder &b, Value sum);
  Value finishRoot(OpBuilder &b, Value sum);
  /// A parameter at these indices as `type`: a vector along the last group
  /// where it spans that, else one value for all lanes.
  Value parameter(OpBuilder &b, Value buffer, llvm::ArrayRef<bool> in,
                  ValueRange all, mlir::Type type, Value mask);
  /// (x − mean)·root·weight + bias at these indices, of x's elements. A null
  /// mean is 0.
  Value scale(OpBuilder &b, Value value, Value mean, Value root, ValueRange all,
              Value mask);
};

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_NORMKERNEL_H
