// RowProduct.cpp - a row times a matrix, at the speed at which memory is read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y[n] += Σ_k x[k]·w[k, n]
//
// Each weight is read once and used once: the time is that of reading memory.
// A core reads several streams at once up to twice as fast as one (9 and 16
// GB/s on a Zen 3), so a task takes a run of rows as four streams, side by side:
//
//   for r < R:  sums[n] += Σ_s x[k_s]·w[k_s, n],  k_s = first + s·R + r,  s < 4
//
// Tasks share the rows, not the columns: those would cut streams to pieces. The
// sums of the tasks are added at the end, with the rows that are left over.
#include "passes/lower/cpu/RowProduct.h"

#include "dialect/AttnConstant.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/lower/cpu/CostedLoops.h"
#include "runtime/cost/CostModel.h"

using namespace mlir;

namespace heed::lower {

constexpr int64_t kStreams = 4;

//===----------------------------------------------------------------------===//
// What the op is
//===----------------------------------------------------------------------===//

std::optional<RowProduct> RowProduct::match(linalg::LinalgOp op) {
  if (!linalg::isaContractionOpInterface(op) || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1)
    return std::nullopt;
  RowProduct product;
  product.op = op;
  std::optional<unsigned> k, n;
  for (auto [dim, size] : llvm::enumerate(op.getStaticLoopRanges())) {
    if (size == 1)
      continue;
    bool isReduction =
        op.getIteratorTypesArray()[dim] == utils::IteratorType::reduction;
    std::optional<unsigned> &known = isReduction ? k : n;
    if (ShapedType::isDynamic(size) || known)
      return std::nullopt;
    known = dim;
    (isReduction ? product.numRows : product.columns) = size;
  }
  if (!k || !n)
    return std::nullopt;
  product.k = *k;
  product.n = *n;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<ShapedType>(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!type || !type.getElementType().isF32() ||
        !map.isProjectedPermutation())
      return std::nullopt;
    if (!map.isFunctionOfDim(*n)) {
      product.row = &operand;
      continue;
    }
    // Vectors lie along n.
    if (!map.getResults().back().isFunctionOfDim(*n))
      return std::nullopt;
    auto memref = dyn_cast<MemRefType>(type);
    if (memref && !memref.isLastDimUnitStride())
      return std::nullopt;
    if (map.isFunctionOfDim(*k))
      product.matrix = &operand;
  }
  if (!product.row || !product.matrix || op.isDpsInit(product.row) ||
      op.isDpsInit(product.matrix))
    return std::nullopt;
  return product;
}

bool RowProduct::isOfConstant() const {
  return attn::isConstant(matrix->get());
}

/// Without the dims of size 1.
static Value dropOnes(OpBuilder &b, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> sizes(llvm::make_filter_range(
      type.getShape(), [](int64_t n) { return n != 1; }));
  if (int64_t(sizes.size()) == type.getRank())
    return value;
  return tensor::CollapseShapeOp::create(
      b, loc, RankedTensorType::get(sizes, type.getElementType()), value,
      *getReassociationIndicesForCollapse(type.getShape(), sizes));
}

Value RowProduct::createVecmat(RewriterBase &rewriter) const {
  Location loc = row->getOwner()->getLoc();
  Value init = cast<linalg::LinalgOp>(row->getOwner()).getDpsInits()[0];
  Value sums = dropOnes(rewriter, loc, init);
  Value y = linalg::VecmatOp::create(
                rewriter, loc, sums.getType(),
                ValueRange{dropOnes(rewriter, loc, row->get()),
                           dropOnes(rewriter, loc, matrix->get())},
                sums)
                .getResult(0);
  auto type = cast<RankedTensorType>(init.getType());
  if (type == y.getType())
    return y;
  return tensor::ExpandShapeOp::create(
      rewriter, loc, type, y,
      *getReassociationIndicesForCollapse(type.getShape(), {columns}));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Values RowProduct::indices(OpBuilder &b, OpOperand *operand, Value kIndex,
                           Value nIndex) const {
  Values result;
  linalg::LinalgOp linalgOp = op;
  for (AffineExpr expr :
       linalgOp.getMatchingIndexingMap(operand).getResults()) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    result.push_back(dim == k   ? kIndex
                     : dim == n ? nIndex
                                : buildIndex(b, linalgOp.getLoc(), 0));
  }
  return result;
}

Value RowProduct::loadSplat(OpBuilder &b, VectorType type, Value kIndex) const {
  Location loc = row->getOwner()->getLoc();
  Value x = memref::LoadOp::create(b, loc, row->get(),
                                   indices(b, row, kIndex, Value()));
  return vector::BroadcastOp::create(b, loc, type, x);
}

/// sums[outer…, n] += Σ x[k]·w[k, n] over `count` rows from `first` on, a
/// multiple of the streams.
void RowProduct::addRows(OpBuilder &b, unsigned length, Value first,
                         int64_t count, Value sums, ValueRange outer) const {
  Location loc = row->getOwner()->getLoc();
  auto type = VectorType::get({length}, b.getF32Type());
  int64_t run = count / kStreams;
  buildFor(
      b, loc, buildIndex(b, loc, 0), buildIndex(b, loc, run), 1, {},
      [&](OpBuilder &b, Value r, ValueRange) -> Values {
        Values rows, splats;
        Value begin = arith::AddIOp::create(b, loc, first, r);
        for (int64_t stream = 0; stream < kStreams; ++stream) {
          rows.push_back(b.createOrFold<arith::AddIOp>(
              loc, begin, buildIndex(b, loc, stream * run)));
          splats.push_back(loadSplat(b, type, rows.back()));
        }
        constexpr unsigned kUnroll = 4;
        buildVectorLoop(
            b, loc, buildIndex(b, loc, columns), length, kUnroll, {},
            [&](OpBuilder &b, Value at, Value mask, unsigned,
                ValueRange) -> Values {
              Values place = llvm::to_vector(outer);
              place.push_back(at);
              Value sum = buildLoad(b, loc, type, sums, place, mask);
              for (auto [rowIndex, splat] : llvm::zip_equal(rows, splats)) {
                Value w = buildLoad(b, loc, type, matrix->get(),
                                    indices(b, matrix, rowIndex, at), mask);
                sum = vector::FMAOp::create(b, loc, splat, w, sum);
              }
              buildStore(b, loc, sum, sums, place, mask);
              return {};
            });
        return {};
      });
}

void RowProduct::build(OpBuilder &b, unsigned length) const {
  Location loc = row->getOwner()->getLoc();
  auto type = VectorType::get({length}, b.getF32Type());
  int64_t parts = cost::chooseRowParts(numRows, columns);
  int64_t count = llvm::alignDown(numRows / parts, kStreams);
  Value zero = buildIndex(b, loc, 0);
  Value n = buildIndex(b, loc, columns);
  Value sums = memref::AllocOp::create(
      b, loc, MemRefType::get({parts, columns}, b.getF32Type()),
      b.getI64IntegerAttr(64));
  buildStreaming(
      b, loc, buildIndex(b, loc, parts), numRows * columns,
      [&](OpBuilder &b, ValueRange ids) {
        Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
        buildVectorLoop(
            b, loc, n, length, 1, {},
            [&](OpBuilder &b, Value at, Value mask, unsigned,
                ValueRange) -> Values {
              buildStore(b, loc, none, sums, {ids.front(), at}, mask);
              return {};
            });
        Value first = arith::MulIOp::create(b, loc, ids.front(),
                                            buildIndex(b, loc, count));
        addRows(b, length, first, count, sums, ids.front());
      });

  OpOperand *init =
      &cast<linalg::LinalgOp>(row->getOwner()).getDpsInitsMutable()[0];
  constexpr unsigned kUnroll = 2;
  buildColumnLoop(
      b, loc, n, length, kUnroll,
      [&](OpBuilder &b, ValueRange, Value column, Value mask, unsigned slots) {
        for (unsigned slot = 0; slot < slots; ++slot) {
          Value at = b.createOrFold<arith::AddIOp>(
              loc, column, buildIndex(b, loc, slot * length));
          Values place = indices(b, init, Value(), at);
          Value y = buildLoad(b, loc, type, init->get(), place, mask);
          y = buildFor(
              b, loc, zero, buildIndex(b, loc, parts), 1, y,
              [&](OpBuilder &b, Value part, ValueRange y) -> Values {
                Value sum = buildLoad(b, loc, type, sums, {part, at}, mask);
                return {arith::AddFOp::create(b, loc, y[0], sum)};
              })[0];
          y = buildFor(b, loc, buildIndex(b, loc, parts * count),
                       buildIndex(b, loc, numRows), 1, y,
                       [&](OpBuilder &b, Value k, ValueRange y) -> Values {
                         Value w = buildLoad(b, loc, type, matrix->get(),
                                             indices(b, matrix, k, at), mask);
                         return {vector::FMAOp::create(
                             b, loc, loadSplat(b, type, k), w, y[0])};
                       })[0];
          buildStore(b, loc, y, init->get(), place, mask);
        }
      });
}

} // namespace heed::lower
