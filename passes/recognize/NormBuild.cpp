// NormBuild.cpp - writes a matched norm as attn.norm.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The op's dimensions are those of y, divided where only a part of one is
// normalised or has a weight: the groups of a group norm become a dimension.
#include "passes/recognize/NormMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/recognize/Reshape.h"

using namespace mlir;

namespace heed::recognize {

namespace {
class Builder {
public:
  Builder(OpBuilder &b, const NormMatch &match, FactorTable &table)
      : b(b), loc(match.y.value.getLoc()), match(match), table(table),
        element(getElementTypeOrSelf(match.y.value.getType())) {}

  Value run() {
    Factors weight = factorsOf(match.weight, table);
    Factors bias = factorsOf(match.bias, table);
    divide(weight, bias);
    std::optional<TensorView> x = operand(match.x);
    Value input = x ? reshapeTo(b, loc, *x, dims, table) : Value();
    if (!input)
      return {};
    input = castElements(b, loc, input, element);
    SmallVector<int64_t> weightDims = spanned(weight), biasDims = spanned(bias);
    Value weightValue, biasValue;
    if (match.weight && !(weightValue = parameter(match.weight, weightDims)))
      return {};
    if (match.bias && !(biasValue = parameter(match.bias, biasDims)))
      return {};
    auto dimsAttr = [&](Value value, ArrayRef<int64_t> list) {
      return value ? b.getDenseI64ArrayAttr(list) : DenseI64ArrayAttr();
    };
    // outs(%x) permits to work in place where x dies.
    auto norm = attn::NormOp::create(
        b, loc, TypeRange(input.getType()),
        attn::NormKindAttr::get(b.getContext(), match.kind), input, weightValue,
        biasValue, input, b.getDenseI64ArrayAttr(spanned(match.reduced)),
        dimsAttr(weightValue, weightDims), dimsAttr(biasValue, biasDims),
        b.getF64FloatAttr(match.epsilon));
    Value y = reshapeTo(b, loc, TensorView{norm->getResult(0), dims},
                        match.y.dims, table);
    if (y && y.getType() != match.y.value.getType())
      y = tensor::CastOp::create(b, loc, match.y.value.getType(), y);
    return y;
  }

private:
  /// Sets `dims`: y's dimensions in runs of factors of one kind.
  void divide(ArrayRef<Factor> weight, ArrayRef<Factor> bias) {
    Factors reduced = table.leaves(match.reduced);
    auto kindOf = [&](Factor factor) {
      return (llvm::is_contained(reduced, factor) ? 1 : 0) +
             (llvm::is_contained(weight, factor) ? 2 : 0) +
             (llvm::is_contained(bias, factor) ? 4 : 0);
    };
    for (const Factors &list : match.y.dims) {
      dims.push_back({});
      for (Factor factor : table.leaves(list)) {
        if (!dims.back().empty() &&
            kindOf(dims.back().back()) != kindOf(factor))
          dims.push_back({});
        dims.back().push_back(factor);
      }
    }
  }

  /// The dimensions that hold one of the factors, and then all of theirs.
  SmallVector<int64_t> spanned(ArrayRef<Factor> unsplit) {
    Factors factors = table.leaves(unsplit);
    SmallVector<int64_t> result;
    for (auto [i, list] : llvm::enumerate(dims))
      if (!list.empty() && llvm::is_contained(factors, list.front()))
        result.push_back(i);
    return result;
  }

  /// The tensor of an element, before a wider type where there is one.
  std::optional<TensorView> operand(Element value) {
    if (value.frame) {
      Element source = value; // extended again in the norm, exactly
      while (definedBy<arith::ExtFOp>(source))
        source = source.operand(0);
      if (leaveFrame(source))
        value = source;
    }
    return asTensorOrClone(b, value, table);
  }

  /// A term as a tensor over the dimensions `over`.
  Value parameter(const NormTermPtr &term, ArrayRef<int64_t> over) {
    if (term->leaf) {
      Value whole = leaf(*term->leaf, over).first;
      return whole;
    }
    // One small elementwise op.
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    llvm::DenseMap<const NormTerm *, unsigned> inputOf;
    if (!collect(term, over, inputs, maps, inputOf))
      return {};
    Access shape;
    for (int64_t dim : over)
      shape.push_back(dims[dim]);
    Value empty =
        tensor::EmptyOp::create(b, loc, sizesOf(b, loc, shape, table), element);
    maps.push_back(b.getMultiDimIdentityMap(over.size()));
    SmallVector<utils::IteratorType> loops(over.size(),
                                           utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, loc, empty.getType(), inputs, empty, maps, loops,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 linalg::YieldOp::create(b, loc, emit(b, *term, inputOf, args));
               })
        .getResult(0);
  }

  /// The leaf over those of the dimensions `over` that it has, and its map.
  std::pair<Value, AffineMap> leaf(const Element &value,
                                   ArrayRef<int64_t> over) {
    Factors own = table.flatten(value.dims);
    Access wanted;
    SmallVector<AffineExpr> exprs;
    for (auto [i, dim] : llvm::enumerate(over))
      if (llvm::is_contained(own, table.leaves(dims[dim]).front())) {
        wanted.push_back(dims[dim]);
        exprs.push_back(b.getAffineDimExpr(i));
      }
    Value shaped = reshapeTo(b, loc, {value.value, value.dims}, wanted, table);
    if (shaped)
      shaped = castElements(b, loc, shaped, element);
    return {shaped, AffineMap::get(over.size(), 0, exprs, b.getContext())};
  }

  bool collect(const NormTermPtr &term, ArrayRef<int64_t> over,
               SmallVectorImpl<Value> &inputs, SmallVectorImpl<AffineMap> &maps,
               llvm::DenseMap<const NormTerm *, unsigned> &inputOf) {
    if (!term || inputOf.contains(term.get()))
      return true;
    if (!term->leaf)
      return collect(term->a, over, inputs, maps, inputOf) &&
             collect(term->b, over, inputs, maps, inputOf);
    auto [value, map] = leaf(*term->leaf, over);
    if (!value)
      return false;
    inputOf[term.get()] = inputs.size();
    inputs.push_back(value);
    maps.push_back(map);
    return true;
  }

  Value emit(OpBuilder &b, const NormTerm &term,
             llvm::DenseMap<const NormTerm *, unsigned> &inputOf,
             ValueRange args) {
    auto side = [&](const NormTermPtr &inner) {
      return emit(b, *inner, inputOf, args);
    };
    switch (term.kind) {
    case NormTerm::Constant:
      return arith::ConstantOp::create(b, loc,
                                       b.getFloatAttr(element, term.constant));
    case NormTerm::Leaf:
      return args[inputOf.lookup(&term)];
    case NormTerm::Add:
      return arith::AddFOp::create(b, loc, side(term.a), side(term.b));
    case NormTerm::Multiply:
      return arith::MulFOp::create(b, loc, side(term.a), side(term.b));
    case NormTerm::Divide:
      return arith::DivFOp::create(b, loc, side(term.a), side(term.b));
    case NormTerm::Negate:
      return arith::NegFOp::create(b, loc, side(term.a));
    }
    return {};
  }

  OpBuilder &b;
  Location loc;
  const NormMatch &match;
  FactorTable &table;
  Type element;
  Access dims; // of the op
};
} // namespace

Value buildNorm(OpBuilder &b, const NormMatch &match, FactorTable &table) {
  return Builder(b, match, table).run();
}

} // namespace heed::recognize
