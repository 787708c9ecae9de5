// PrimitiveBuilder.h - attn.primitive while it is being put together.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_ONEDNN_PRIMITIVEBUILDER_H
#define HEED_PASSES_LOWER_ONEDNN_PRIMITIVEBUILDER_H

#include "dialect/primitive/PrimitiveOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace heed::lower {

using Layout = llvm::SmallVector<int64_t>;

/// The parts of an attn.primitive, in a form that is easy to change.
struct PrimitiveParts {
  attn::PrimitiveKind kind = attn::PrimitiveKind::matmul;
  mlir::Value source, weights, bias;
  llvm::SmallVector<mlir::Value> post;
  Layout sourceLayout, weightsLayout, biasLayout, initLayout;
  llvm::SmallVector<Layout> postLayouts;
  llvm::SmallVector<attn::PostOpAttr> postOps;
  llvm::SmallVector<int64_t> strides, dilations, padLow, padHigh, kernel;

  static PrimitiveParts of(attn::PrimitiveOp op);
  /// Creates the op, whose result has the type of `init`.
  attn::PrimitiveOp create(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value init) const;
  /// Adds the tensor post-op `kind`.
  void addPostOp(attn::PostOpKind kind, mlir::Value tensor, Layout layout);
};

/// Whether all are ranked tensors of one type that libraries have: f32, f16 or
/// bf16.
bool areOfLibrary(mlir::ValueRange values);

/// A tensor.empty of `value`'s type and sizes.
mlir::Value createEmptyLike(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value value);

/// Looks through linalg.transpose: the value that it reads, and `layout`
/// changed to name that value's dimensions.
mlir::Value foldTransposes(mlir::Value value, Layout &layout);

/// Puts what the destination-passing op accumulates onto into `parts`: nothing
/// for zeros, a bias for a row broadcast along logical dim `channel`, an `add`
/// else.
void foldInit(PrimitiveParts &parts, mlir::Value init, size_t channel);

/// The attn.primitive for a linalg contraction or convolution, or pooling, if
/// a library holds it. Pure until it succeeds. What is returned replaces the
/// op's result.
mlir::FailureOr<mlir::Value> lowerContraction(mlir::RewriterBase &rewriter,
                                              mlir::linalg::LinalgOp op);
mlir::FailureOr<mlir::Value> lowerConvolution(mlir::RewriterBase &rewriter,
                                              mlir::linalg::LinalgOp op);
mlir::FailureOr<mlir::Value> lowerDeconvolution(mlir::RewriterBase &rewriter,
                                                mlir::linalg::LinalgOp op);

/// Moves the front of the elementwise op that alone uses the primitive's result
/// into the primitive; false if there is nothing to move.
bool absorbPostOps(mlir::RewriterBase &rewriter, attn::PrimitiveOp op);

/// Takes the rows of a product apart where its one user does; false if it does
/// not.
bool absorbExpand(mlir::RewriterBase &rewriter, attn::PrimitiveOp op);

/// Multiplies constant weights by what a convolution's or product's first
/// post-ops do to its channels with constants, and adds to its bias.
bool foldChannelConstants(mlir::RewriterBase &rewriter, attn::PrimitiveOp op);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_ONEDNN_PRIMITIVEBUILDER_H
