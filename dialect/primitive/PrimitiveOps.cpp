// PrimitiveOps.cpp - verifier and accessors of attn.primitive.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/primitive/PrimitiveOps.h"

#include "dialect/AttnBufferize.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace heed::attn;

#define GET_OP_CLASSES
#include "dialect/primitive/PrimitiveOps.cpp.inc"

SmallVector<int64_t> PrimitiveOp::getLayout(unsigned operand) {
  SmallVector<int64_t> layout;
  for (Attribute dim : cast<ArrayAttr>(getLayouts()[operand]))
    layout.push_back(cast<IntegerAttr>(dim).getInt());
  return layout;
}

SmallVector<int64_t> PrimitiveOp::getLogicalShape(unsigned operand) {
  auto type = cast<ShapedType>(getOperand(operand).getType());
  SmallVector<int64_t> shape;
  for (int64_t dim : getLayout(operand))
    shape.push_back(dim < 0 ? 1 : type.getDimSize(dim));
  return shape;
}

void PrimitiveOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(cast<DestinationStyleOpInterface>(getOperation()),
                             effects);
}

namespace {
/// The verifier; each step returns at its first complaint.
struct Verifier {
  PrimitiveOp op;
  unsigned source = 0, weights = 0, bias = 0, firstPost = 0, destination = 0;
  size_t rank = 0; // of the logical dims of dst

  explicit Verifier(PrimitiveOp op) : op(op) {
    weights = 1;
    bias = weights + (op.getWeights() ? 1 : 0);
    firstPost = bias + (op.getBias() ? 1 : 0);
    destination = op->getNumOperands() - 1;
  }

  LogicalResult operandsAndLayouts(); // primitive_c1, c2
  LogicalResult windows();            // primitive_c3
  LogicalResult sizes();              // primitive_c4
  LogicalResult postOps();            // primitive_c4, c5

  LogicalResult expectRank(StringRef name, unsigned operand, size_t expected) {
    size_t got = op.getLayout(operand).size();
    if (got != expected)
      return op.emitOpError() << name << ": expected a layout of " << expected
                              << " logical dims, got " << got;
    return success();
  }
  /// Sizes agree if either is dynamic or both are the same.
  LogicalResult expectSize(const Twine &what, int64_t expected, int64_t got) {
    if (ShapedType::isDynamic(expected) || ShapedType::isDynamic(got) ||
        expected == got)
      return success();
    return op.emitOpError()
           << what.str() << ": expected " << expected << ", got " << got;
  }
};
} // namespace

LogicalResult Verifier::operandsAndLayouts() {
  bool takesWeights =
      op.getKind() == PrimitiveKind::matmul || op.isConvolution();
  if (takesWeights != static_cast<bool>(op.getWeights()))
    return op.emitOpError("weights: ")
           << (takesWeights ? "expected, got none" : "expected none");
  if (op.getBias() && !takesWeights)
    return op.emitOpError("bias: expected none");
  if (op.getLayouts().size() != op->getNumOperands())
    return op.emitOpError("layouts: expected ")
           << op->getNumOperands() << " (one an operand), got "
           << op.getLayouts().size();
  Type element = getElementTypeOrSelf(op.getInit());
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned number = operand.getOperandNumber();
    auto type = dyn_cast<ShapedType>(operand.get().getType());
    if (!type || !type.hasRank() || !isa<FloatType>(type.getElementType()) ||
        type.getElementType() != element)
      return op.emitOpError("operand ")
             << number << ": expected a ranked shape of " << element << ", got "
             << operand.get().getType();
    SmallVector<bool> named(type.getRank(), false);
    for (int64_t dim : op.getLayout(number)) {
      if (dim < -1 || dim >= type.getRank() || (dim >= 0 && named[dim]))
        return op.emitOpError("layouts: entry ")
               << number << ": dimension " << dim << " of a shape of rank "
               << type.getRank() << " is out of range or named twice";
      if (dim >= 0)
        named[dim] = true;
    }
    if (!llvm::all_of(named, [](bool is) { return is; }))
      return op.emitOpError("layouts: entry ")
             << number << ": expected all " << type.getRank()
             << " dimensions to be named";
  }
  rank = op.getLayout(destination).size();
  if (failed(expectRank("src", source, rank)))
    return failure();
  if (op.getWeights() &&
      failed(
          expectRank("weights", weights, op.isConvolution() ? rank + 1 : rank)))
    return failure();
  if (op.getBias() && failed(expectRank("bias", bias, 1)))
    return failure();
  size_t least = op.getKind() == PrimitiveKind::reorder  ? 0
                 : op.getKind() == PrimitiveKind::matmul ? 2
                                                         : 3;
  if (rank < least)
    return op.emitOpError("init: expected at least ")
           << least << " logical dims, got " << rank;
  return success();
}

LogicalResult Verifier::windows() {
  size_t spatial = op.isConvolution() || op.isPool() ? rank - 2 : 0;
  struct Entry {
    StringRef name;
    ArrayRef<int64_t> values;
    int64_t least;
  } entries[] = {{"strides", op.getStrides(), 1},
                 {"dilations", op.getDilations(), 1},
                 {"pad_low", op.getPadLow(), 0},
                 {"pad_high", op.getPadHigh(), 0},
                 {"kernel", op.getKernel(), 1}};
  for (const Entry &entry : entries) {
    if (entry.values.size() != spatial)
      return op.emitOpError() << entry.name << ": expected " << spatial
                              << " entries, got " << entry.values.size();
    for (int64_t value : entry.values)
      if (value < entry.least)
        return op.emitOpError() << entry.name << ": expected at least "
                                << entry.least << ", got " << value;
  }
  return success();
}

/// a · b, dynamic if either is.
static int64_t product(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b)
             ? ShapedType::kDynamic
             : a * b;
}

LogicalResult Verifier::sizes() {
  SmallVector<int64_t> src = op.getLogicalShape(source);
  SmallVector<int64_t> dst = op.getLogicalShape(destination);
  if (op.getKind() == PrimitiveKind::reorder) {
    for (size_t i = 0; i < rank; ++i)
      if (failed(expectSize("src: dim " + Twine(i), dst[i], src[i])))
        return failure();
    return success();
  }
  if (op.getKind() == PrimitiveKind::matmul) {
    SmallVector<int64_t> w = op.getLogicalShape(weights);
    for (size_t i = 0; i + 2 < rank; ++i)
      if ((src[i] != 1 &&
           failed(expectSize("src: dim " + Twine(i), dst[i], src[i]))) ||
          (w[i] != 1 &&
           failed(expectSize("weights: dim " + Twine(i), dst[i], w[i]))))
        return failure();
    if (failed(expectSize("src: dim m", dst[rank - 2], src[rank - 2])) ||
        failed(expectSize("weights: dim k", src[rank - 1], w[rank - 2])) ||
        failed(expectSize("weights: dim n", dst[rank - 1], w[rank - 1])))
      return failure();
    if (!op.getBias())
      return success();
    return expectSize("bias", dst[rank - 1], op.getLogicalShape(bias)[0]);
  }
  if (failed(expectSize("src: dim n", dst[0], src[0])))
    return failure();
  if (op.isPool()) {
    if (failed(expectSize("src: dim c", dst[1], src[1])))
      return failure();
  } else {
    SmallVector<int64_t> w = op.getLogicalShape(weights);
    if (failed(expectSize("src: dim c", product(w[0], w[2]), src[1])) ||
        failed(expectSize("init: dim o", product(w[0], w[1]), dst[1])))
      return failure();
    if (op.getBias() &&
        failed(expectSize("bias", dst[1], op.getLogicalShape(bias)[0])))
      return failure();
    for (size_t i = 0; i + 2 < rank; ++i)
      if (failed(expectSize("kernel: entry " + Twine(i), w[i + 3],
                            op.getKernel()[i])))
        return failure();
  }
  for (size_t i = 0; i + 2 < rank; ++i) {
    int64_t stride = op.getStrides()[i];
    int64_t extent = (op.getKernel()[i] - 1) * op.getDilations()[i] + 1;
    int64_t pads = op.getPadLow()[i] + op.getPadHigh()[i], in = src[i + 2];
    if (ShapedType::isDynamic(in))
      continue;
    int64_t out = op.getKind() == PrimitiveKind::deconvolution
                      ? (in - 1) * stride + extent - pads
                      : (in + pads - extent) / stride + 1;
    if (failed(expectSize("init: spatial dim " + Twine(i), out, dst[i + 2])))
      return failure();
  }
  return success();
}

LogicalResult Verifier::postOps() {
  if (op.getKind() == PrimitiveKind::reorder && !op.getPostOps().empty())
    return op.emitOpError("post_ops: expected none, got ")
           << op.getPostOps().size();
  size_t binary =
      llvm::count_if(op.getPostOps().getAsRange<PostOpAttr>(),
                     [](PostOpAttr postOp) { return postOp.isBinary(); });
  if (binary != op.getPost().size())
    return op.emitOpError("post: expected ")
           << binary << " tensors (one a binary post-op), got "
           << op.getPost().size();
  SmallVector<int64_t> dst = op.getLogicalShape(destination);
  for (unsigned i = firstPost; i < destination; ++i) {
    if (failed(expectRank("post", i, rank)))
      return failure();
    for (auto [dim, size] : llvm::enumerate(op.getLogicalShape(i)))
      if (size != 1 &&
          failed(expectSize("post: dim " + Twine(dim), dst[dim], size)))
        return failure();
  }
  return success();
}

LogicalResult PrimitiveOp::verify() {
  Verifier verifier(*this);
  if (failed(verifier.operandsAndLayouts()) || failed(verifier.windows()) ||
      failed(verifier.sizes()))
    return failure();
  return verifier.postOps();
}
