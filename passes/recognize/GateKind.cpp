// GateKind.cpp - classifies gates by what they pool and what their excitation
// mixes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/GateKind.h"

#include "dialect/norm/NormOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::recognize {

StringRef stringify(GateKind kind) {
  switch (kind) {
  case GateKind::Channel:
    return "channel_gate";
  case GateKind::Spatial:
    return "spatial_gate";
  case GateKind::Axis:
    return "axis_gate";
  case GateKind::Norm:
    return "norm";
  }
  return "axis_gate";
}

static bool overlaps(const Axis &axis, ArrayRef<Atom> atoms) {
  return llvm::any_of(axis, [&](Atom a) {
    return llvm::any_of(atoms, [&](Atom b) { return overlap(a, b); });
  });
}

namespace {
/// Follows each dimension of the pools through the ops of an excitation.
class Follow {
public:
  Mixing run(const Excitation &excitation) {
    DenseMap<Operation *, const GatePool *> captured;
    for (const GatePool &pool : excitation.pools)
      if (pool.isCaptured)
        captured[pool.value.getDefiningOp()] = &pool;
      else
        layouts[pool.value] = pool.axes;
    for (Operation *op : excitation.ops)
      if (const GatePool *pool = captured.lookup(op))
        layouts[pool->value] = pool->axes;
      else
        step(op);
    return std::move(mixing);
  }

private:
  void step(Operation *op) {
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      return stepLinalg(linalgOp);
    for (Value operand : op->getOperands()) {
      auto known = layouts.find(operand);
      if (known == layouts.end())
        continue;
      Layout source = known->second; // new entries move the old
      if (movementSource(op->getResult(0)) == operand)
        if (auto layout = moveLayout(op, source)) {
          layouts[op->getResult(0)] = *layout;
          continue;
        }
      if (isa<tensor::ConcatOp, tensor::PadOp, tensor::CastOp>(op))
        join(op->getResult(0), source);
      else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
        join(slice, kept(source, slice.getDroppedDims()));
      else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
        join(insert, operand == insert.getDest()
                         ? source
                         : spread(source, insert.getDroppedDims()));
      else if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
        append(mixing.contracted, source[softmax.getDimension()]);
        join(op->getResult(0), source);
      } else if (auto norm = dyn_cast<attn::NormOp>(op)) {
        for (int64_t dim : norm.getDimensions())
          append(mixing.contracted, source[dim]);
        join(op->getResult(0), source);
      } else // Whatever it is, it may mix everything.
        for (const Axis &axis : source)
          append(mixing.contracted, axis);
    }
  }

  void stepLinalg(linalg::LinalgOp op) {
    SmallVector<Axis> loops(op.getNumLoops());
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
    for (OpOperand &operand : op->getOpOperands()) {
      auto source = layouts.find(operand.get());
      if (source == layouts.end())
        continue;
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
        const Axis &axis = source->second[dim];
        bool window = false;
        std::optional<unsigned> position;
        expr.walk([&](AffineExpr e) {
          auto loop = dyn_cast<AffineDimExpr>(e);
          if (!loop)
            return;
          if (iterators[loop.getPosition()] == utils::IteratorType::parallel)
            position = loop.getPosition();
          else
            window |=
                !isa<AffineDimExpr>(expr) && ranges[loop.getPosition()] != 1;
        });
        mixing.convolvesUnits |= window && axis.empty();
        if (axis.empty())
          continue;
        bool contracts = !position || (window && ranges[*position] == 1);
        if ((contracts || window) && axis.size() > 1)
          mixing.joined.push_back(axis);
        if (contracts) {
          append(mixing.contracted, axis);
          continue;
        }
        if (window)
          append(mixing.convolved, axis);
        merge(loops[*position], axis);
      }
    }
    // What is not followed (features of a hidden layer) is a dimension too:
    // later reshapes count it.
    for (auto [loop, axis] : llvm::enumerate(loops))
      if (axis.empty() && ranges[loop] != 1)
        axis = {Atom{fresh++, 1, ranges[loop]}};
      else
        axis = fit(axis, ranges[loop]);
    for (auto [index, result] : llvm::enumerate(op->getResults())) {
      Layout layout;
      AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(index));
      for (AffineExpr expr : map.getResults()) {
        auto loop = dyn_cast<AffineDimExpr>(expr);
        layout.push_back(loop ? loops[loop.getPosition()] : Axis{});
      }
      layouts[result] = layout;
    }
  }

  template <typename List> static void append(List &to, const Axis &axis) {
    for (Atom atom : axis)
      if (!llvm::is_contained(to, atom))
        to.push_back(atom);
  }

  /// What a slice, a pad or a window leaves of a dimension has another size
  /// and is still that dimension; one element of it is none.
  static Axis fit(const Axis &axis, int64_t size) {
    if (size == 1)
      return {};
    if (axis.size() != 1 || ShapedType::isDynamic(size))
      return axis;
    return {Atom{axis[0].dim, axis[0].stride, size}};
  }

  static constexpr int64_t firstFresh = 1 << 20;
  static bool isFresh(const Axis &axis) {
    return llvm::all_of(axis, [](Atom a) { return a.dim >= firstFresh; });
  }
  /// Two operands of one op, along one dimension.
  static void merge(Axis &to, const Axis &axis) {
    if (isFresh(to))
      to = axis;
    else if (!isFresh(axis))
      append(to, axis);
  }

  void join(Value value, const Layout &layout) {
    Layout &known = layouts[value];
    known.resize(std::max(known.size(), layout.size()));
    ArrayRef<int64_t> shape = cast<ShapedType>(value.getType()).getShape();
    for (auto [to, axis, size] : llvm::zip(known, layout, shape))
      merge(to, fit(axis, size));
  }

  static Layout kept(const Layout &layout,
                     const llvm::SmallBitVector &dropped) {
    Layout result;
    for (auto [dim, axis] : llvm::enumerate(layout))
      if (!dropped.test(dim))
        result.push_back(axis);
    return result;
  }

  static Layout spread(const Layout &layout,
                       const llvm::SmallBitVector &dropped) {
    Layout result(dropped.size());
    size_t next = 0;
    for (size_t dim = 0; dim < dropped.size(); ++dim)
      if (!dropped.test(dim) && next < layout.size())
        result[dim] = layout[next++];
    return result;
  }

  DenseMap<Value, Layout> layouts;
  Mixing mixing;
  int64_t fresh = firstFresh;
};
} // namespace

Mixing findMixing(const Excitation &excitation) {
  return Follow().run(excitation);
}

/// The dimensions of the root in the axes of x that `pick` takes.
static llvm::SmallSetVector<int64_t, 4>
rootDimensions(const Layout &x, llvm::function_ref<bool(int64_t)> pick) {
  llvm::SmallSetVector<int64_t, 4> dims;
  for (auto [dim, axis] : llvm::enumerate(x))
    if (pick(dim))
      for (Atom atom : axis)
        if (atom.dim >= 0)
          dims.insert(atom.dim);
  return dims;
}

GateKind classifyGate(const Layout &x, ArrayRef<int64_t> dimensions,
                      const Mixing &mixing, size_t pools) {
  if (llvm::is_contained(dimensions, 0))
    return GateKind::Axis;
  bool mixesBatch =
      overlaps(x[0], mixing.contracted) || overlaps(x[0], mixing.convolved);
  int64_t others = 0, larger = 0;
  bool convolvesAll = true, contractsAll = true, mixes = false;
  auto isPooled = [&](int64_t dim) {
    return llvm::is_contained(dimensions, dim);
  };
  auto isKept = [&](int64_t dim) {
    return !isPooled(dim) && (dim != 0 || mixesBatch);
  };
  for (auto [dim, axis] : llvm::enumerate(x)) {
    if (!isKept(dim))
      continue;
    ++others;
    larger += !axis.empty();
    bool convolved =
        axis.empty() ? mixing.convolvesUnits : overlaps(axis, mixing.convolved);
    bool contracted = overlaps(axis, mixing.contracted);
    convolvesAll &= convolved && !contracted;
    contractsAll &= contracted;
    mixes |= convolved || contracted;
  }
  // Parts of one dimension are that dimension.
  if (others == 1 ||
      (others == larger && rootDimensions(x, isKept).size() == 1))
    return GateKind::Channel;
  auto pooledDims = rootDimensions(x, isPooled);
  if (dimensions.size() == 1 && others >= 2) {
    // Where all others are treated alike, one dimension stands out as the
    // channels: the first, or the last where mean and maximum are taken of it.
    bool first = !pooledDims.empty() && pooledDims[0] == 1;
    if (convolvesAll || ((first || pools > 1) && (contractsAll || !mixes)))
      return GateKind::Spatial;
  }
  // Blocks of channels and the channels of a block, all of them pooled: the
  // others are the pixels.
  if (dimensions.size() == 2 && isPooled(1) && isPooled(x.size() - 1) &&
      others >= 2 && convolvesAll)
    return GateKind::Spatial;
  // Blocks of channels, and last the channels of a block.
  auto isWhole = [&](const Axis &joined) {
    for (auto [dim, axis] : llvm::enumerate(x))
      if (isKept(dim) && !overlaps(axis, joined))
        return false;
    return true;
  };
  if (others == 2 && isKept(1) && isKept(x.size() - 1) &&
      llvm::any_of(mixing.joined, isWhole))
    return GateKind::Channel;
  // Pooled dimensions of size 1 alone do not say what the others are.
  return larger == 1 && !pooledDims.empty() ? GateKind::Channel
                                            : GateKind::Axis;
}

} // namespace heed::recognize
