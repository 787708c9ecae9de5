// AbsorbPostOps.cpp - elementwise consumers of a primitive become post-ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   p = primitive(…);  y = generic(p, t…) { body }
//
// becomes y = primitive(…) with post-ops, as far as the front of the body is
// post-ops: all of it, or else the generic stays with the rest of the body. A
// linalg.transpose of p changes only the layout of the destination.
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/lower/onednn/Constants.h"
#include "passes/lower/onednn/PostOpMatch.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"
#include <limits>

using namespace mlir;
using heed::attn::PostOpKind;

namespace heed::lower {

namespace {
/// The elementwise consumer, seen from the primitive.
struct Consumer {
  attn::PrimitiveOp primitive;
  linalg::GenericOp generic;
  PrimitiveParts parts;
  BlockArgument x;
  /// The loop of each logical dim of the destination; −1 for none.
  SmallVector<int64_t> loops;
  size_t channel; // logical dim of bias and per-channel constants

  Layout layoutOf(AffineMap map, RankedTensorType type);
  std::optional<Constants> constantsOf(BlockArgument argument);
  bool isSupported(const PostOpStep &step);
};
} // namespace

/// An operand's layout over the logical dims; empty if it has none.
Layout Consumer::layoutOf(AffineMap map, RankedTensorType type) {
  Layout layout(loops.size(), -1);
  SmallVector<int64_t> units;
  for (auto [position, expr] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim) {
      if (type.getDimSize(position) != 1)
        return {};
      units.push_back(position);
      continue;
    }
    auto found = llvm::find(loops, static_cast<int64_t>(dim.getPosition()));
    if (found == loops.end() || layout[found - loops.begin()] >= 0)
      return {};
    layout[found - loops.begin()] = position;
  }
  // Dims of size 1 that are read at 0 go wherever nothing is yet.
  for (int64_t position : units) {
    auto free = llvm::find(layout, -1);
    if (free == layout.end())
      return {};
    *free = position;
  }
  return layout;
}

std::optional<Constants> Consumer::constantsOf(BlockArgument argument) {
  OpOperand *operand = generic.getMatchingOpOperand(argument);
  if (!generic.isDpsInput(operand))
    return std::nullopt;
  std::optional<SmallVector<float>> data = readFloats(operand->get());
  if (!data)
    return std::nullopt;
  auto type = cast<RankedTensorType>(operand->get().getType());
  if (data->size() > 1) {
    AffineMap map = generic.getMatchingIndexingMap(operand);
    Layout layout = layoutOf(map, type);
    if (layout.empty() || layout[channel] < 0 ||
        type.getDimSize(layout[channel]) != type.getNumElements())
      return std::nullopt;
  }
  return Constants(data->begin(), data->end());
}

/// Post-op tensors that libraries are fast with: one value, one for each
/// channel, or as large as the destination.
bool Consumer::isSupported(const PostOpStep &step) {
  if (!step.argument)
    return true;
  OpOperand *operand = generic.getMatchingOpOperand(step.argument);
  auto type = dyn_cast<RankedTensorType>(operand->get().getType());
  if (!generic.isDpsInput(operand) || !type || !type.getElementType().isF32())
    return false;
  Layout layout = layoutOf(generic.getMatchingIndexingMap(operand), type);
  if (layout.empty())
    return false;
  auto result = cast<RankedTensorType>(primitive.getInit().getType());
  bool full = true, perChannel = true;
  for (size_t dim = 0; dim < layout.size(); ++dim) {
    int64_t own = parts.initLayout[dim];
    int64_t size = own < 0 ? 1 : result.getDimSize(own);
    bool isUnit = layout[dim] < 0 || type.getDimSize(layout[dim]) == 1;
    full &= !isUnit || size == 1;
    perChannel &= isUnit || dim == channel;
  }
  return full || perChannel;
}

/// What follows the primitive, if that is one elementwise op and nothing else
/// uses the result.
static std::optional<Consumer> matchConsumer(attn::PrimitiveOp primitive) {
  Value result = primitive->getResult(0);
  if (primitive.getKind() == attn::PrimitiveKind::reorder || result.use_empty())
    return std::nullopt;
  auto generic = dyn_cast<linalg::GenericOp>(*result.getUsers().begin());
  if (!generic || generic->getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      !cast<RankedTensorType>(generic.getResult(0).getType())
           .getElementType()
           .isF32() ||
      !generic.getIndexingMapsArray().back().isPermutation())
    return std::nullopt;
  Consumer consumer{primitive, generic, PrimitiveParts::of(primitive),
                    nullptr,   {},      1};
  AffineMap map;
  for (OpOperand &use : result.getUses()) {
    if (use.getOwner() != generic)
      return std::nullopt;
    BlockArgument argument = generic.getMatchingBlockArgument(&use);
    if (!generic.isDpsInput(&use)) {
      // The result's memory offered as the destination: no use of its value.
      if (!argument.use_empty())
        return std::nullopt;
      continue;
    }
    if (map && map != generic.getMatchingIndexingMap(&use))
      return std::nullopt;
    map = generic.getMatchingIndexingMap(&use);
    if (!consumer.x)
      consumer.x = argument;
  }
  if (!map || !map.isPermutation())
    return std::nullopt;
  for (int64_t dim : consumer.parts.initLayout)
    consumer.loops.push_back(dim < 0 ? int64_t(-1)
                                     : int64_t(map.getDimPosition(dim)));
  if (primitive.getKind() == attn::PrimitiveKind::matmul)
    consumer.channel = consumer.loops.size() - 1;
  return consumer;
}

static void addStep(Consumer &consumer, PrimitiveParts &parts,
                    const PostOpStep &step, OpBuilder &builder) {
  if (step.argument) {
    OpOperand *operand = consumer.generic.getMatchingOpOperand(step.argument);
    Layout layout =
        consumer.layoutOf(consumer.generic.getMatchingIndexingMap(operand),
                          cast<RankedTensorType>(operand->get().getType()));
    parts.addPostOp(step.kind, operand->get(), layout);
    return;
  }
  if (!step.channels.empty()) {
    SmallVector<float> data(step.channels.begin(), step.channels.end());
    Layout layout(consumer.loops.size(), -1);
    layout[consumer.channel] = 0;
    parts.addPostOp(step.kind,
                    createFloats(builder, consumer.generic.getLoc(),
                                 {static_cast<int64_t>(data.size())}, data),
                    layout);
    return;
  }
  PostOpKind kind = step.kind;
  double alpha = step.alpha, beta = step.beta;
  if (kind == PostOpKind::clip && alpha == 0 &&
      beta == std::numeric_limits<float>::max()) {
    kind = PostOpKind::relu;
    beta = 0;
  }
  parts.postOps.push_back(
      attn::PostOpAttr::get(builder.getContext(), kind, alpha, beta));
}

/// The post-ops that the primitive already ends with, as steps, so that new
/// ones can merge with them; steps with tensors stay in the primitive.
static SmallVector<PostOpStep> takeTrailingSteps(PrimitiveParts &parts) {
  SmallVector<PostOpStep> steps;
  while (!parts.postOps.empty() && !parts.postOps.back().isBinary()) {
    attn::PostOpAttr last = parts.postOps.pop_back_val();
    steps.insert(steps.begin(),
                 {last.getKind(), last.getAlpha().convertToDouble(),
                  last.getBeta().convertToDouble()});
  }
  return steps;
}

/// The primitive with `matched` behind its own post-ops, merged where they can
/// be; constants are made at the insertion point.
static PrimitiveParts appendSteps(RewriterBase &rewriter, Consumer &consumer,
                                  ArrayRef<PostOpStep> matched) {
  PrimitiveParts parts = consumer.parts;
  SmallVector<PostOpStep> steps;
  for (const PostOpStep &step : takeTrailingSteps(parts))
    appendPostOp(steps, step);
  for (const PostOpStep &step : matched)
    appendPostOp(steps, step);
  for (const PostOpStep &step : steps)
    addStep(consumer, parts, step, rewriter);
  return parts;
}

/// The place of the primitive, and those of what it absorbs.
static Location placeOfBoth(RewriterBase &rewriter, const Consumer &consumer,
                            Block::iterator begin, Block::iterator end) {
  attn::PrimitiveOp primitive = consumer.primitive;
  SmallVector<Location> places{primitive.getLoc()};
  for (Operation &op : llvm::make_range(begin, end))
    if (!op.hasTrait<OpTrait::ConstantLike>())
      places.push_back(op.getLoc());
  return rewriter.getFusedLoc(places);
}

/// Replaces a generic whose body is post-ops altogether by the primitive.
static void absorbAll(RewriterBase &rewriter, Consumer &consumer,
                      ArrayRef<PostOpStep> matched) {
  linalg::GenericOp generic = consumer.generic;
  rewriter.setInsertionPoint(generic);
  PrimitiveParts parts = appendSteps(rewriter, consumer, matched);
  AffineMap out = generic.getIndexingMapsArray().back();
  for (auto [dim, loop] : llvm::zip(parts.initLayout, consumer.loops))
    if (loop >= 0)
      dim =
          *out.getResultPosition(getAffineDimExpr(loop, generic.getContext()));
  Value init = generic.getDpsInits()[0];
  if (init == consumer.primitive->getResult(0))
    init = consumer.primitive.getInit();
  Location place = placeOfBoth(rewriter, consumer, generic.getBody()->begin(),
                               generic.getBody()->end());
  Value empty = createEmptyLike(rewriter, generic.getLoc(), init);
  auto primitive = parts.create(rewriter, place, empty);
  rewriter.replaceOp(generic, primitive->getResults());
  rewriter.eraseOp(consumer.primitive);
}

/// Moves the front of the body, up to `value`, into the primitive: the argument
/// of the primitive's result then stands for `value`.
static void absorbFront(RewriterBase &rewriter, Consumer &consumer, Value value,
                        ArrayRef<PostOpStep> matched) {
  linalg::GenericOp generic = consumer.generic;
  rewriter.setInsertionPoint(generic);
  PrimitiveParts parts = appendSteps(rewriter, consumer, matched);
  Value empty =
      createEmptyLike(rewriter, generic.getLoc(), consumer.primitive.getInit());
  Block::iterator last = value.getDefiningOp()->getIterator();
  Location place = placeOfBoth(rewriter, consumer, last, std::next(last));
  auto primitive = parts.create(rewriter, place, empty);
  rewriter.modifyOpInPlace(generic, [&] {
    value.replaceAllUsesWith(consumer.x);
    // What computed `value` has no user any more.
    Operation *op = value.getDefiningOp();
    SmallVector<Operation *> dead;
    for (Operation &inner : llvm::reverse(op->getBlock()->getOperations()))
      if (isOpTriviallyDead(&inner))
        dead.push_back(&inner);
    while (!dead.empty()) {
      for (Operation *inner : dead)
        rewriter.eraseOp(inner);
      dead.clear();
      for (Operation &inner : llvm::reverse(generic.getBody()->getOperations()))
        if (isOpTriviallyDead(&inner))
          dead.push_back(&inner);
    }
  });
  rewriter.replaceOp(consumer.primitive, primitive->getResults());
}

/// A transposition of the result is another order of the destination's dims.
static bool absorbTranspose(RewriterBase &rewriter,
                            attn::PrimitiveOp primitive) {
  Value result = primitive->getResult(0);
  if (!result.hasOneUse())
    return false;
  auto transpose = dyn_cast<linalg::TransposeOp>(*result.getUsers().begin());
  if (!transpose || transpose.getInput() != result)
    return false;
  PrimitiveParts parts = PrimitiveParts::of(primitive);
  ArrayRef<int64_t> permutation = transpose.getPermutation();
  for (int64_t &dim : parts.initLayout)
    if (dim >= 0)
      dim = llvm::find(permutation, dim) - permutation.begin();
  rewriter.setInsertionPoint(transpose);
  Value empty =
      createEmptyLike(rewriter, transpose.getLoc(), transpose.getInit());
  auto created = parts.create(rewriter, transpose.getLoc(), empty);
  rewriter.replaceOp(transpose, created->getResults());
  rewriter.eraseOp(primitive);
  return true;
}

bool absorbPostOps(RewriterBase &rewriter, attn::PrimitiveOp primitive) {
  if (absorbTranspose(rewriter, primitive))
    return true;
  std::optional<Consumer> consumer = matchConsumer(primitive);
  if (!consumer)
    return false;
  linalg::GenericOp generic = consumer->generic;
  Block *body = generic.getBody();
  // Several operands that are the primitive's result are one value.
  for (OpOperand &use : primitive->getResult(0).getUses()) {
    BlockArgument argument = generic.getMatchingBlockArgument(&use);
    if (generic.isDpsInput(&use) && argument != consumer->x)
      argument.replaceAllUsesWith(consumer->x);
  }

  auto constants = [&](BlockArgument argument) {
    return consumer->constantsOf(argument);
  };
  SmallVector<PostOpStep> steps;
  Value value = consumer->x;
  while (std::optional<PostOpMatch> match =
             matchPostOps(*body, value, constants)) {
    if (!llvm::all_of(match->steps, [&](const PostOpStep &step) {
          return consumer->isSupported(step);
        }))
      break;
    value = match->result;
    llvm::append_range(steps, match->steps);
  }
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  if (value == yield.getValues()[0] && value != consumer->x) {
    absorbAll(rewriter, *consumer, steps);
    return true;
  }
  if (value == consumer->x)
    return false;
  absorbFront(rewriter, *consumer, value, steps);
  return true;
}

} // namespace heed::lower
