// EmitRepetition.cpp - code that runs several times, as scf.for or scf.while.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The body is imported into a draft first. Only then are the sizes known that
// an iteration leaves as they were, and those of the rows; where a size turns
// out to change, the body is imported again for any size. A carried value of
// fixed sizes is written over the old one, so that the loop allocates nothing.

#include "tools/lib/import/ControlFlow.h"
#include "tools/lib/import/Error.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {
/// Iterations, and nodes of them all, that may be unrolled.
constexpr int64_t maxUnrolled = 16, maxUnrolledOps = 1024;

class RepetitionEmitter {
public:
  RepetitionEmitter(Emitter &e, const Repetition &r, Repetition::Run body)
      : e(e), b(e.b), r(r), body(body) {}
  SmallVector<Tensor> run();

private:
  std::optional<bool> known(const Tensor &condition);
  std::optional<SmallVector<Tensor>> unroll();
  Repetition::Step runBody(const Tensor &i, ArrayRef<Tensor> carried);
  Value flagOf(const Tensor &condition);
  bool draftBody();
  SmallVector<Value> initialValues();
  SmallVector<Value> nextValues(ValueRange old);
  Value expanded(size_t row);
  SmallVector<Tensor> asFor();
  SmallVector<Tensor> asWhile();
  SmallVector<Tensor> results(ValueRange values, bool counted);

  Emitter &e;
  OpBuilder &b;
  const Repetition &r;
  Repetition::Run body;
  /// Carried values that change, and their shapes; the others are what they are
  /// in front of the loop.
  SmallVector<size_t> active;
  SmallVector<Emitter::OpenShape> shapes;
  // What the draft has shown.
  scf::ForOp draft;
  SmallVector<Value> next, rows; // values of its block
  SmallVector<Shape> rowShapes;
  SmallVector<DType> rowTypes;
  Value goesOn; // null: always
};
} // namespace

std::optional<bool> RepetitionEmitter::known(const Tensor &condition) {
  if (!condition)
    return true;
  auto elements = e.knownElements(condition);
  auto value = elements && elements->size() == 1 ? elements->front().constant()
                                                 : std::optional<int64_t>();
  return value ? std::optional(*value != 0) : std::nullopt;
}

/// The body once. Types and ranks stay; sizes may change.
Repetition::Step RepetitionEmitter::runBody(const Tensor &i,
                                            ArrayRef<Tensor> carried) {
  Repetition::Step step = body(i, carried);
  for (auto [index, first, t] : llvm::enumerate(r.carried, step.carried)) {
    if (t->type != first->type)
      fail("carried value " + Twine(index) + " is " + name(first->type) +
           " at first, then " + name(t->type));
    if (t->rank() != first->rank())
      fail("unsupported: the rank of carried value " + Twine(index) +
           " changes from " + Twine(first->rank()) + " to " + Twine(t->rank()));
  }
  return step;
}

/// The iterations one after the other; none if a condition is not known.
std::optional<SmallVector<Tensor>> RepetitionEmitter::unroll() {
  auto count = r.count ? r.count->constant() : std::optional<int64_t>();
  std::optional<bool> goesOn = known(r.condition);
  if (goesOn == false)
    count = 0;
  if (!count || !goesOn || *count > maxUnrolled || r.numOps == 0 ||
      *count * r.numOps > maxUnrolledOps || (*count <= 0 && r.numRows > 0))
    return std::nullopt;
  SmallVector<Tensor> carried = r.carried;
  SmallVector<SmallVector<Tensor>> stacks(r.numRows);
  for (int64_t i = 0; i < *count && *goesOn; ++i) {
    Repetition::Step step =
        runBody(e.integers(DType::I64, {}, {Sym(i)}), carried);
    carried = step.carried;
    for (auto [stack, row] : llvm::zip(stacks, step.rows)) {
      Shape shape = row->shape;
      shape.insert(shape.begin(), Sym(1));
      stack.push_back(e.reshape(row, shape));
    }
    goesOn = known(step.condition);
    if (!goesOn)
      return std::nullopt;
  }
  for (ArrayRef<Tensor> stack : stacks)
    carried.push_back(stack.size() == 1 ? stack[0] : e.concat(stack, 0));
  return carried;
}

Value RepetitionEmitter::flagOf(const Tensor &condition) {
  Value zero = e.scalarInt(b.getIndexType(), 0);
  return tensor::ExtractOp::create(b, e.loc, e.ir(condition),
                                   SmallVector<Value>(condition->rank(), zero));
}

/// Imports the body into a draft; false if a size changes that was thought
/// fixed: `shapes` is more general then.
bool RepetitionEmitter::draftBody() {
  SmallVector<Value> initial = initialValues();
  Value zero = e.scalarInt(b.getIndexType(), 0),
        one = e.scalarInt(b.getIndexType(), 1);
  draft = scf::ForOp::create(b, e.loc, zero, one, one, initial);
  draft.getBody()->clear(); // without carried values it has a terminator
  Repetition::Step step;
  next.clear(), rows.clear(), rowShapes.clear(), rowTypes.clear();
  goesOn = Value();
  e.inRegion(draft.getBody(), [&] {
    SmallVector<Tensor> carried = r.carried;
    for (auto [i, arg] : llvm::enumerate(draft.getRegionIterArgs()))
      carried[active[i]] =
          e.openResult(arg, carried[active[i]]->type, shapes[i]);
    Tensor index = e.integers(DType::I64, {},
                              {e.sizeOf(draft.getInductionVar(), /*low=*/0)});
    step = runBody(index, carried);
    for (size_t i : active)
      next.push_back(e.ir(step.carried[i]));
    for (const Tensor &t : step.rows)
      rows.push_back(e.ir(t));
    if (known(step.condition) != true)
      goesOn = flagOf(step.condition);
  });
  // A value that stays as it was, or a size that does not, is known from now.
  bool isFinal = true;
  for (size_t i = active.size(); i-- > 0;) {
    if (next[i] == draft.getRegionIterArg(i)) {
      active.erase(active.begin() + i);
      shapes.erase(shapes.begin() + i);
      isFinal = false;
      continue;
    }
    for (auto [size, now] :
         llvm::zip(shapes[i], step.carried[active[i]]->shape))
      if (size && !e.same(*size, now)) {
        size.reset();
        isFinal = false;
      }
  }
  if (!isFinal) {
    draft->erase();
    return false;
  }
  for (auto [i, t] : llvm::enumerate(step.rows)) {
    rowShapes.emplace_back();
    rowTypes.push_back(t->type);
    for (const Sym &s : t->shape) {
      Sym size = e.canonical(s);
      if (!e.isKnownHere(size))
        fail("unsupported: the sizes of stacked result " + Twine(i) +
             " are only known in the loop");
      rowShapes.back().push_back(size);
    }
  }
  return true;
}

SmallVector<Value> RepetitionEmitter::initialValues() {
  SmallVector<Value> values;
  for (auto [i, shape] : llvm::zip(active, shapes))
    values.push_back(
        e.irAs(r.carried[i], e.openType(r.carried[i]->type, shape)));
  return values;
}

/// What the next iteration carries. A size that changes needs new memory.
SmallVector<Value> RepetitionEmitter::nextValues(ValueRange old) {
  SmallVector<Value> values;
  for (auto [i, value] : llvm::enumerate(next)) {
    if (value.getType() != old[i].getType())
      value = tensor::CastOp::create(b, e.loc, old[i].getType(), value);
    bool isFixed = llvm::all_of(shapes[i], [](auto &s) { return bool(s); });
    values.push_back(isFixed && value != old[i]
                         ? bufferization::MaterializeInDestinationOp::create(
                               b, e.loc, value, old[i])
                               .getResult()
                         : value);
  }
  return values;
}

/// The row as [1, sizes…].
Value RepetitionEmitter::expanded(size_t row) {
  Shape shape = rowShapes[row];
  shape.insert(shape.begin(), Sym(1));
  SmallVector<ReassociationIndices> groups;
  for (size_t dim = 1; dim < shape.size(); ++dim)
    groups.push_back(dim == 1 ? ReassociationIndices{0, 1}
                              : ReassociationIndices{int64_t(dim)});
  return tensor::ExpandShapeOp::create(b, e.loc, e.typeOf(rowTypes[row], shape),
                                       rows[row], groups, e.foldedSizes(shape));
}

SmallVector<Tensor> RepetitionEmitter::results(ValueRange values,
                                               bool counted) {
  SmallVector<Tensor> tensors = r.carried;
  for (auto [i, shape] : llvm::enumerate(shapes))
    tensors[active[i]] =
        e.openResult(values[i], tensors[active[i]]->type, shape);
  for (auto [i, shape] : llvm::enumerate(rowShapes)) {
    Emitter::OpenShape stack(shape.begin(), shape.end());
    stack.insert(stack.begin(), counted ? r.count : std::nullopt);
    tensors.push_back(
        e.openResult(values[shapes.size() + i], rowTypes[i], stack));
  }
  return tensors;
}

/// for i < count: carried, stack[i] = …
SmallVector<Tensor> RepetitionEmitter::asFor() {
  SmallVector<Value> initial = initialValues();
  for (auto [type, shape] : llvm::zip(rowTypes, rowShapes)) {
    Shape stack = shape;
    stack.insert(stack.begin(), *r.count);
    initial.push_back(e.empty(type, stack));
    e.foldedSizes(shape);
  }
  auto loop = scf::ForOp::create(b, e.loc, e.scalarInt(b.getIndexType(), 0),
                                 e.size(*r.count),
                                 e.scalarInt(b.getIndexType(), 1), initial);
  Block *block = loop.getBody();
  block->clear();
  block->getOperations().splice(block->end(), draft.getBody()->getOperations());
  for (auto [from, to] :
       llvm::zip(draft.getBody()->getArguments(), block->getArguments()))
    from.replaceAllUsesWith(to);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(block);
  SmallVector<Value> values = nextValues(loop.getRegionIterArgs());
  for (size_t row = 0; row < rows.size(); ++row) {
    Value stack = loop.getRegionIterArgs()[shapes.size() + row];
    SmallVector<OpFoldResult> offsets(rowShapes[row].size() + 1,
                                      b.getIndexAttr(0)),
        strides(offsets.size(), b.getIndexAttr(1)),
        sizes = e.foldedSizes(rowShapes[row]);
    offsets[0] = loop.getInductionVar();
    sizes.insert(sizes.begin(), b.getIndexAttr(1));
    values.push_back(tensor::InsertSliceOp::create(b, e.loc, rows[row], stack,
                                                   offsets, sizes, strides));
  }
  scf::YieldOp::create(b, e.loc, values);
  b.setInsertionPointAfter(loop);
  return results(loop.getResults(), /*counted=*/true);
}

/// i = 0; while i < count and condition: condition, carried = …, stack grows
SmallVector<Tensor> RepetitionEmitter::asWhile() {
  Type index = b.getIndexType();
  Value yes = e.scalarInt(b.getI1Type(), 1), one = e.scalarInt(index, 1);
  SmallVector<Value> initial = {e.scalarInt(index, 0),
                                r.condition ? flagOf(r.condition) : yes};
  initial.append(initialValues());
  for (auto [type, shape] : llvm::zip(rowTypes, rowShapes)) {
    Emitter::OpenShape open(shape.begin(), shape.end());
    open.insert(open.begin(), std::nullopt);
    Shape none = shape;
    none.insert(none.begin(), Sym(0));
    initial.push_back(tensor::CastOp::create(b, e.loc, e.openType(type, open),
                                             e.empty(type, none)));
    e.foldedSizes(shape);
  }
  Value count = r.count ? e.size(*r.count) : Value();
  TypeRange types{ValueRange(initial)};
  SmallVector<Location> locs(initial.size(), e.loc);
  auto loop = scf::WhileOp::create(b, e.loc, types, initial);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, locs);
  Value flag = before->getArgument(1);
  if (count)
    flag = arith::AndIOp::create(
        b, e.loc, flag,
        arith::CmpIOp::create(b, e.loc, arith::CmpIPredicate::slt,
                              before->getArgument(0), count));
  scf::ConditionOp::create(b, e.loc, flag, before->getArguments());

  Block *block = b.createBlock(&loop.getAfter(), {}, types, locs);
  block->getOperations().splice(block->end(), draft.getBody()->getOperations());
  Block::BlockArgListType args = block->getArguments();
  draft.getInductionVar().replaceAllUsesWith(args[0]);
  for (auto [from, to] :
       llvm::zip(draft.getRegionIterArgs(), args.drop_front(2)))
    from.replaceAllUsesWith(to);
  b.setInsertionPointToEnd(block);
  SmallVector<Value> values = {arith::AddIOp::create(b, e.loc, args[0], one),
                               goesOn ? goesOn : yes};
  values.append(nextValues(args.drop_front(2)));
  for (size_t row = 0; row < rows.size(); ++row) {
    Value stack = args[2 + shapes.size() + row];
    values.push_back(tensor::ConcatOp::create(
        b, e.loc, stack.getType(), 0, ValueRange{stack, expanded(row)}));
  }
  scf::YieldOp::create(b, e.loc, values);
  b.setInsertionPointAfter(loop);
  return results(loop.getResults().drop_front(2), /*counted=*/false);
}

SmallVector<Tensor> RepetitionEmitter::run() {
  if (auto unrolled = unroll())
    return *unrolled;
  for (auto [i, t] : llvm::enumerate(r.carried)) {
    active.push_back(i);
    shapes.emplace_back(t->shape.begin(), t->shape.end());
  }
  // Each time something was learnt, which ends.
  while (!draftBody())
    ;
  bool counted = r.count && !goesOn && known(r.condition) == true;
  SmallVector<Tensor> tensors = counted ? asFor() : asWhile();
  draft->erase();
  return tensors;
}

SmallVector<Tensor> emitRepetition(Emitter &e, const Repetition &r,
                                   Repetition::Run body) {
  return RepetitionEmitter(e, r, body).run();
}

} // namespace heed::import
