// PrimitiveBuilder.cpp - attn.primitive while it is being put together.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/onednn/PrimitiveBuilder.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "passes/lower/onednn/Constants.h"

using namespace mlir;

namespace heed::lower {

PrimitiveParts PrimitiveParts::of(attn::PrimitiveOp op) {
  PrimitiveParts parts;
  parts.kind = op.getKind();
  unsigned operand = 0;
  parts.source = op.getSrc();
  parts.sourceLayout = op.getLayout(operand++);
  if ((parts.weights = op.getWeights()))
    parts.weightsLayout = op.getLayout(operand++);
  if ((parts.bias = op.getBias()))
    parts.biasLayout = op.getLayout(operand++);
  for (Value tensor : op.getPost()) {
    parts.post.push_back(tensor);
    parts.postLayouts.push_back(op.getLayout(operand++));
  }
  parts.initLayout = op.getLayout(operand);
  llvm::append_range(parts.postOps,
                     op.getPostOps().getAsRange<attn::PostOpAttr>());
  parts.strides.assign(op.getStrides().begin(), op.getStrides().end());
  parts.dilations.assign(op.getDilations().begin(), op.getDilations().end());
  parts.padLow.assign(op.getPadLow().begin(), op.getPadLow().end());
  parts.padHigh.assign(op.getPadHigh().begin(), op.getPadHigh().end());
  parts.kernel.assign(op.getKernel().begin(), op.getKernel().end());
  return parts;
}

attn::PrimitiveOp PrimitiveParts::create(OpBuilder &builder, Location loc,
                                         Value init) const {
  SmallVector<Attribute> layouts;
  auto add = [&](ArrayRef<int64_t> layout) {
    layouts.push_back(builder.getI64ArrayAttr(layout));
  };
  add(sourceLayout);
  if (weights)
    add(weightsLayout);
  if (bias)
    add(biasLayout);
  for (const Layout &layout : postLayouts)
    add(layout);
  add(initLayout);
  SmallVector<Attribute> steps(postOps.begin(), postOps.end());
  return attn::PrimitiveOp::create(
      builder, loc, TypeRange{init.getType()},
      attn::PrimitiveKindAttr::get(builder.getContext(), kind), source, weights,
      bias, post, init, builder.getArrayAttr(layouts),
      builder.getArrayAttr(steps), builder.getDenseI64ArrayAttr(strides),
      builder.getDenseI64ArrayAttr(dilations),
      builder.getDenseI64ArrayAttr(padLow),
      builder.getDenseI64ArrayAttr(padHigh),
      builder.getDenseI64ArrayAttr(kernel));
}

void PrimitiveParts::addPostOp(attn::PostOpKind kind, Value tensor,
                               Layout layout) {
  post.push_back(tensor);
  postLayouts.push_back(std::move(layout));
  postOps.push_back(attn::PostOpAttr::get(tensor.getContext(), kind));
}

bool areOfLibrary(ValueRange values) {
  Type element = getElementTypeOrSelf(values.front());
  return (element.isF32() || element.isF16() || element.isBF16()) &&
         llvm::all_of(values, [&](Value value) {
           return isa<RankedTensorType>(value.getType()) &&
                  getElementTypeOrSelf(value) == element;
         });
}

Value createEmptyLike(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  // The sizes of a tensor.empty are values already.
  if (auto empty = value.getDefiningOp<tensor::EmptyOp>())
    return tensor::EmptyOp::create(builder, loc, type, empty.getDynamicSizes());
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return createEmptyLike(builder, loc, fill.getOutputs()[0]);
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, loc, value, dim));
  return tensor::EmptyOp::create(builder, loc, type, sizes);
}

Value foldTransposes(Value value, Layout &layout) {
  while (auto transpose = value.getDefiningOp<linalg::TransposeOp>()) {
    for (int64_t &dim : layout)
      if (dim >= 0)
        dim = transpose.getPermutation()[dim];
    value = transpose.getInput();
  }
  return value;
}

static bool isZero(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  return matchPattern(value, m_AnyZeroFloat());
}

/// value[.., d, ..] = row[d] for dimension `dim`: that row.
static Value matchBroadcastRow(Value value, int64_t dim) {
  if (auto broadcast = value.getDefiningOp<linalg::BroadcastOp>()) {
    auto type = cast<RankedTensorType>(broadcast.getInput().getType());
    if (type.getRank() != 1 ||
        llvm::is_contained(broadcast.getDimensions(), dim))
      return nullptr;
    return broadcast.getInput();
  }
  auto generic = value.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumDpsInputs() != 1 ||
      generic.getNumDpsInits() != 1 || generic.getNumReductionLoops() != 0 ||
      !generic.getIndexingMapsArray().back().isIdentity())
    return nullptr;
  auto yield = cast<linalg::YieldOp>(generic.getBody()->getTerminator());
  AffineMap map = generic.getIndexingMapsArray().front();
  if (yield.getValues()[0] != generic.getBody()->getArgument(0) ||
      map.getNumResults() != 1 ||
      map.getResult(0) != getAffineDimExpr(dim, value.getContext()))
    return nullptr;
  return generic.getDpsInputs()[0];
}

void foldInit(PrimitiveParts &parts, Value init, size_t channel) {
  if (isZero(init))
    return;
  bool hasBias = parts.kind == attn::PrimitiveKind::matmul ||
                 parts.kind == attn::PrimitiveKind::convolution ||
                 parts.kind == attn::PrimitiveKind::deconvolution;
  int64_t dim = parts.initLayout[channel];
  if (Value row =
          hasBias && dim >= 0 ? matchBroadcastRow(init, dim) : nullptr) {
    parts.bias = row;
    parts.biasLayout = {0};
    return;
  }
  parts.addPostOp(attn::PostOpKind::add, init, parts.initLayout);
}

} // namespace heed::lower
