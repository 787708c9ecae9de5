// SdpaMutants.cpp - miscompiles of attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tests/generate/Mutants.h"

using namespace mlir;
using heed::attn::Causal;
using heed::attn::MaskedRows;
using heed::attn::SdpaOp;

namespace heed::generate {

Value rotated(OpBuilder &b, Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Location loc = tensor.getLoc();
  auto part = [&](int64_t offset, int64_t size) -> Value {
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1)), sizes;
    for (int64_t extent : type.getShape())
      sizes.push_back(b.getIndexAttr(extent));
    offsets[dim] = b.getIndexAttr(offset);
    sizes[dim] = b.getIndexAttr(size);
    return tensor::ExtractSliceOp::create(b, loc, tensor, offsets, sizes,
                                          strides);
  };
  Value parts[] = {part(1, type.getDimSize(dim) - 1), part(0, 1)};
  return tensor::ConcatOp::create(b, loc, type, dim, parts);
}

Value transposed(OpBuilder &b, Value tensor, int64_t a, int64_t c) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> permutation, shape(type.getShape());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    permutation.push_back(dim == a ? c : dim == c ? a : dim);
  std::swap(shape[a], shape[c]);
  Value init =
      tensor::EmptyOp::create(b, tensor.getLoc(), shape, type.getElementType());
  return linalg::TransposeOp::create(b, tensor.getLoc(), tensor, init,
                                     permutation)
      ->getResult(0);
}

namespace {

using Change = bool (*)(SdpaOp, OpBuilder &);

Mutant mutant(const char *name, Subject subject, Change change) {
  return {name, subject, [change](ModuleOp module) {
            bool changed = false;
            module.walk([&](SdpaOp op) {
              OpBuilder b(op);
              changed |= change(op, b);
            });
            return changed;
          }};
}

/// Where `dim` stands in the map, or −1.
int64_t placeOf(AffineMap map, SdpaOp::Dim dim) {
  for (auto [i, expr] : llvm::enumerate(map.getResults()))
    if (expr.isFunctionOfDim(dim))
      return int64_t(i);
  return -1;
}

/// The operand with its elements along `dim` in other places.
bool rotate(SdpaOp op, OpBuilder &b, OpOperand &operand, SdpaOp::Dim dim) {
  int64_t place = placeOf(op.getMapOf(operand), dim);
  if (place < 0)
    return false;
  operand.set(rotated(b, operand.get(), place));
  return true;
}

/// The operand read with two dims exchanged.
bool exchange(SdpaOp op, OpBuilder &b, OpOperand &operand, SdpaOp::Dim a,
              SdpaOp::Dim c) {
  int64_t first = placeOf(op.getMapOf(operand), a);
  int64_t second = placeOf(op.getMapOf(operand), c);
  if (first < 0 || second < 0)
    return false;
  operand.set(transposed(b, operand.get(), first, second));
  return true;
}

bool scaleBy(SdpaOp op, double factor) {
  OpBuilder b(op);
  op.setScaleAttr(b.getF64FloatAttr(op.getScale().convertToDouble() * factor));
  return factor != 1;
}

bool setWindow(SdpaOp op, int64_t left, int64_t right) {
  if (!op.getWindow())
    return false;
  int64_t l = (*op.getWindow())[0], r = (*op.getWindow())[1];
  op.setWindow(ArrayRef<int64_t>{l + left, r + right});
  return true;
}

bool setCausal(SdpaOp op, Causal from, Causal to) {
  if (op.getCausal() != from)
    return false;
  op.setCausal(to);
  return true;
}

/// An optional operand and its map gone.
bool drop(SdpaOp op, MutableOperandRange operand, Value value) {
  if (!value)
    return false;
  SmallVector<Attribute> maps(op.getMaps().begin(), op.getMaps().end());
  maps.erase(maps.begin() + (value == op.getBias() || !op.getBias() ? 3 : 4));
  operand.clear();
  op.setMapsAttr(ArrayAttr::get(op.getContext(), maps));
  return true;
}

bool swapArguments(SdpaOp op, unsigned a, unsigned c) {
  if (op.getScore().empty())
    return false;
  Block &block = op.getScore().front();
  BlockArgument x = block.getArgument(a), y = block.getArgument(c);
  SmallVector<OpOperand *> ofX, ofY;
  for (OpOperand &use : x.getUses())
    ofX.push_back(&use);
  for (OpOperand &use : y.getUses())
    ofY.push_back(&use);
  for (OpOperand *use : ofX)
    use->set(y);
  for (OpOperand *use : ofY)
    use->set(x);
  return !ofX.empty() || !ofY.empty();
}

void swapOperands(OpOperand &a, OpOperand &c) {
  Value first = a.get();
  a.set(c.get());
  c.set(first);
}

bool addKvLength(SdpaOp op, OpBuilder &b, int64_t length) {
  int64_t batch = op.getStaticSize(SdpaOp::B);
  auto type = RankedTensorType::get({batch}, b.getI64Type());
  Value lengths = arith::ConstantOp::create(
      b, op.getLoc(), DenseElementsAttr::get(type, length));
  SmallVector<Attribute> maps(op.getMaps().begin(), op.getMaps().end());
  maps.insert(maps.end() - 1,
              AffineMapAttr::get(AffineMap::get(SdpaOp::NumDims, 0,
                                                b.getAffineDimExpr(SdpaOp::B),
                                                b.getContext())));
  op.getKvLengthMutable().assign(lengths);
  op.setMapsAttr(b.getArrayAttr(maps));
  return true;
}

Value elementwiseNot(OpBuilder &b, Value mask) {
  auto type = cast<RankedTensorType>(mask.getType());
  Value init = tensor::EmptyOp::create(b, mask.getLoc(), type.getShape(),
                                       type.getElementType());
  auto op = linalg::MapOp::create(
      b, mask.getLoc(), ValueRange{mask}, init,
      [](OpBuilder &nested, Location loc, ValueRange values) {
        Value one = arith::ConstantIntOp::create(nested, loc, 1, 1);
        linalg::YieldOp::create(
            nested, loc,
            arith::XOrIOp::create(nested, loc, values[0], one).getResult());
      });
  return op->getResult(0);
}

} // namespace

std::vector<Mutant> sdpaMutants() {
  using Op = SdpaOp;
  using B = OpBuilder &;
  return {
      mutant("scale_dropped", Subject::Heads,
             [](Op op, B) {
               return scaleBy(op, 1 / op.getScale().convertToDouble());
             }),
      mutant("scale_doubled", Subject::Heads,
             [](Op op, B) { return scaleBy(op, 2); }),
      mutant("scale_inverted", Subject::Heads,
             [](Op op, B) {
               double scale = op.getScale().convertToDouble();
               return scaleBy(op, 1 / (scale * scale));
             }),
      mutant("scale_negated", Subject::Heads,
             [](Op op, B) { return scaleBy(op, -1); }),
      mutant("queries_for_keys", Subject::Heads,
             [](Op op, B) {
               swapOperands(op.getQMutable(), op.getKMutable());
               return true;
             }),
      mutant("keys_for_values", Subject::Heads,
             [](Op op, B) {
               swapOperands(op.getKMutable(), op.getVMutable());
               return true;
             }),
      mutant("queries_for_values", Subject::Heads,
             [](Op op, B) {
               swapOperands(op.getQMutable(), op.getVMutable());
               return true;
             }),
      mutant("softmax_over_queries", Subject::Heads,
             [](Op op, B b) { // Σ_i p[i, j] v[i]: all with i and j exchanged
               swapOperands(op.getQMutable(), op.getKMutable());
               return exchange(op, b, op.getVMutable(), Op::J, Op::H);
             }),
      mutant("keys_rotated", Subject::Heads,
             [](Op op, B b) { return rotate(op, b, op.getKMutable(), Op::J); }),
      mutant("values_rotated", Subject::Heads,
             [](Op op, B b) { return rotate(op, b, op.getVMutable(), Op::J); }),
      mutant("queries_rotated", Subject::Heads,
             [](Op op, B b) { return rotate(op, b, op.getQMutable(), Op::I); }),
      mutant("heads_of_queries_rotated", Subject::Heads,
             [](Op op, B b) { return rotate(op, b, op.getQMutable(), Op::H); }),
      mutant("batch_of_values_rotated", Subject::Heads,
             [](Op op, B b) { return rotate(op, b, op.getVMutable(), Op::B); }),
      mutant("columns_of_values_rotated", Subject::Heads,
             [](Op op, B b) { return rotate(op, b, op.getVMutable(), Op::E); }),
      mutant("columns_of_queries_rotated", Subject::Heads,
             [](Op op, B b) { return rotate(op, b, op.getQMutable(), Op::D); }),
      mutant("queries_as_heads", Subject::Heads,
             [](Op op, B b) {
               return exchange(op, b, op.getQMutable(), Op::H, Op::I);
             }),
      mutant("keys_transposed", Subject::Heads,
             [](Op op, B b) {
               return exchange(op, b, op.getKMutable(), Op::J, Op::D);
             }),
      mutant("values_transposed", Subject::Heads,
             [](Op op, B b) {
               return exchange(op, b, op.getVMutable(), Op::J, Op::E);
             }),
      mutant("batch_as_heads", Subject::Heads,
             [](Op op, B b) {
               return exchange(op, b, op.getKMutable(), Op::B, Op::H);
             }),
      mutant("result_transposed", Subject::Heads,
             [](Op op, B b) {
               b.setInsertionPointAfter(op);
               AffineMap map = op.getOMap();
               Value result = op->getResult(0);
               Value other = transposed(b, result, placeOf(map, Op::H),
                                        placeOf(map, Op::I));
               result.replaceAllUsesExcept(other, other.getDefiningOp());
               return true;
             }),
      mutant("kv_length_one_less", Subject::Heads,
             [](Op op, B b) {
               return addKvLength(op, b, op.getStaticSize(Op::J) - 1);
             }),
      mutant("causal_invented", Subject::Heads,
             [](Op op, B) {
               return setCausal(op, Causal::none, Causal::top_left);
             }),
      mutant("causal_from_the_last_key", Subject::Causal,
             [](Op op, B) {
               return setCausal(op, Causal::top_left, Causal::bottom_right);
             }),
      mutant("causal_from_the_first_key", Subject::CausalLast,
             [](Op op, B) {
               return setCausal(op, Causal::bottom_right, Causal::top_left);
             }),
      mutant("causal_dropped", Subject::Causal,
             [](Op op, B) {
               return setCausal(op, Causal::top_left, Causal::none);
             }),
      mutant("causal_last_dropped", Subject::CausalLast,
             [](Op op, B) {
               return setCausal(op, Causal::bottom_right, Causal::none);
             }),
      mutant("window_left_one_more", Subject::Window,
             [](Op op, B) { return setWindow(op, 1, 0); }),
      mutant("window_left_one_less", Subject::Window,
             [](Op op, B) { return setWindow(op, -1, 0); }),
      mutant("window_right_one_more", Subject::Window,
             [](Op op, B) { return setWindow(op, 0, 1); }),
      mutant("window_right_one_less", Subject::Window,
             [](Op op, B) { return setWindow(op, 0, -1); }),
      mutant("window_sides_exchanged", Subject::Window,
             [](Op op, B) { return setWindow(op, 1, -1); }),
      mutant("window_dropped", Subject::Window,
             [](Op op, B) { return op.removeWindowAttr() != nullptr; }),
      mutant("keys_of_another_group", Subject::Groups,
             [](Op op, B b) {
               bool done = rotate(op, b, op.getKMutable(), Op::H);
               return done || rotate(op, b, op.getKMutable(), Op::B);
             }),
      mutant("values_of_another_group", Subject::Groups,
             [](Op op, B b) {
               bool done = rotate(op, b, op.getVMutable(), Op::H);
               return done || rotate(op, b, op.getVMutable(), Op::B);
             }),
      mutant("groups_by_remainder", Subject::Groups,
             [](Op op, B b) { // h mod G: groups and their members exchanged
               AffineMap map = op.getQMap();
               int64_t heads = placeOf(map, Op::H);
               auto type = cast<RankedTensorType>(op.getQ().getType());
               constexpr int64_t members = 3;
               if (heads < 0 || type.getDimSize(heads) % members != 0)
                 return false;
               SmallVector<int64_t> shape(type.getShape());
               SmallVector<ReassociationIndices> groups;
               for (int64_t dim = 0, next = 0; dim < type.getRank(); ++dim) {
                 groups.push_back({next++});
                 if (dim == heads)
                   groups.back().push_back(next++);
               }
               shape[heads] = members;
               shape.insert(shape.begin() + heads,
                            type.getDimSize(heads) / members);
               Location loc = op.getLoc();
               Value split = tensor::ExpandShapeOp::create(
                   b, loc, RankedTensorType::get(shape, type.getElementType()),
                   op.getQ(), groups);
               split = transposed(b, split, heads, heads + 1);
               op.getQMutable().set(tensor::CollapseShapeOp::create(
                   b, loc, type, split, groups));
               return true;
             }),
      mutant(
          "bias_dropped", Subject::Bias,
          [](Op op, B) { return drop(op, op.getBiasMutable(), op.getBias()); }),
      mutant("bias_transposed", Subject::Bias,
             [](Op op, B b) {
               return exchange(op, b, *op.getBiasMutable().begin(), Op::I,
                               Op::J);
             }),
      mutant("bias_of_queries_for_heads", Subject::Bias,
             [](Op op, B b) {
               return exchange(op, b, *op.getBiasMutable().begin(), Op::H,
                               Op::I);
             }),
      mutant("bias_rotated", Subject::Bias,
             [](Op op, B b) {
               return rotate(op, b, *op.getBiasMutable().begin(), Op::H);
             }),
      mutant("softcap_dropped", Subject::Bias,
             [](Op op, B) { return op.removeSoftcapAttr() != nullptr; }),
      mutant("softcap_doubled", Subject::Bias,
             [](Op op, B b) {
               op.setSoftcapAttr(b.getF64FloatAttr(4));
               return true;
             }),
      mutant(
          "mask_dropped", Subject::Padding,
          [](Op op, B) { return drop(op, op.getMaskMutable(), op.getMask()); }),
      mutant("mask_inverted", Subject::Padding,
             [](Op op, B b) {
               if (!op.getMask())
                 return false;
               OpOperand &mask = *op.getMaskMutable().begin();
               mask.set(elementwiseNot(b, mask.get()));
               return true;
             }),
      mutant("mask_off_by_one", Subject::Padding,
             [](Op op, B b) {
               return rotate(op, b, *op.getMaskMutable().begin(), Op::J);
             }),
      mutant("mask_of_another_sequence", Subject::Padding,
             [](Op op, B b) {
               OpOperand &mask = *op.getMaskMutable().begin();
               return rotate(op, b, mask, Op::B) || rotate(op, b, mask, Op::H);
             }),
      mutant("mask_transposed", Subject::Padding,
             [](Op op, B b) {
               OpOperand &mask = *op.getMaskMutable().begin();
               return exchange(op, b, mask, Op::B, Op::J) ||
                      exchange(op, b, mask, Op::H, Op::J);
             }),
      mutant("masked_rows_zero_for_nan", Subject::Padding,
             [](Op op, B) {
               op.setMaskedRows(MaskedRows::zero);
               return true;
             }),
      mutant("masked_rows_uniform_for_nan", Subject::Padding,
             [](Op op, B) {
               op.setMaskedRows(MaskedRows::uniform);
               return true;
             }),
      mutant("masked_rows_nan_for_uniform", Subject::PaddingLow,
             [](Op op, B) {
               op.setMaskedRows(MaskedRows::nan);
               return true;
             }),
      mutant("masked_rows_zero_for_uniform", Subject::PaddingLow,
             [](Op op, B) {
               op.setMaskedRows(MaskedRows::zero);
               return true;
             }),
      mutant("distance_negated", Subject::Slopes,
             [](Op op, B) { return swapArguments(op, 3, 4); }),
      mutant("limit_of_the_batch", Subject::Slopes,
             [](Op op, B) { return swapArguments(op, 1, 2); }),
      mutant("distance_from_the_head", Subject::Slopes,
             [](Op op, B) { return swapArguments(op, 2, 3); }),
      mutant("score_dropped", Subject::Slopes,
             [](Op op, B) {
               bool had = !op.getScore().empty();
               op.getScore().dropAllReferences();
               op.getScore().getBlocks().clear();
               return had;
             }),
      mutant("projected_keys_for_values", Subject::Projections,
             [](Op op, B) {
               swapOperands(op.getKMutable(), op.getVMutable());
               return true;
             }),
      mutant("projected_queries_for_keys", Subject::Projections,
             [](Op op, B) {
               swapOperands(op.getQMutable(), op.getKMutable());
               return true;
             }),
      mutant("heads_of_projections_rotated", Subject::Projections,
             [](Op op, B b) { return rotate(op, b, op.getVMutable(), Op::H); }),
  };
}

} // namespace heed::generate
