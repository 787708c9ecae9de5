// SdpaBuild.cpp - builds attn.sdpa from what was matched.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Reshape.h"
#include "passes/recognize/SdpaRegion.h"

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include <cmath>

using namespace mlir;
using namespace heed::attn;

namespace heed::recognize {
namespace {
constexpr Missed kLayout = {
    "expected batch and head dimensions that nest alike in all operands, got "
    "others",
    "give queries, keys and values the same batch and head dimensions, in one "
    "order"};
constexpr Missed kScore = {
    "expected a score that is elementwise between the product and the "
    "softmax, got more",
    "compute the scores elementwise, apart from biases and masks"};

/// A constant bias beyond this costs more memory than it saves time.
constexpr size_t kMaxBiasPairs = size_t(1) << 22;

struct SdpaBuilder {
  OpBuilder &b;
  Attention &attention;
  FactorTable &table;
  Location loc;
  Groups groups;
  ConstantMask constants;

  SdpaBuilder(OpBuilder &builder, Attention &attention, FactorTable &table)
      : b(builder), attention(attention), table(table),
        loc(attention.softmax.getLoc()), groups(groupFactors(attention, table)),
        constants(takeConstantMask(attention, groups, table)) {}

  static constexpr unsigned kScoreDims[] = {SdpaOp::B, SdpaOp::H, SdpaOp::I,
                                            SdpaOp::J};

  std::optional<Fit> fit(const TensorView &view, ArrayRef<unsigned> dims,
                         bool units) {
    return fitTensor(view.dims, groups, dims,
                     units ? dims : ArrayRef<unsigned>(), table,
                     b.getContext());
  }

  /// Tensor operands over a subset of (b, h, i, j): bias and mask.
  struct Operand {
    Value value;
    AffineMap map;
  };

  /// The tensor in the form that the op can read, if it has one.
  std::optional<Operand> direct(const TensorView &view) {
    std::optional<Fit> how = fit(view, kScoreDims, false);
    if (!how)
      return std::nullopt;
    Value value = reshapeTo(b, loc, view, how->dims, table);
    return value ? std::optional<Operand>({value, how->map}) : std::nullopt;
  }

  /// Whether (b, h, i, j) say all of the tensor's indices.
  bool isOverScores(const TensorView &view) {
    Factors known;
    for (unsigned dim : kScoreDims)
      llvm::append_range(known, table.leaves(groups.of[dim]));
    return llvm::all_of(table.flatten(view.dims), [&](Factor factor) {
      return llvm::is_contained(known, factor);
    });
  }

  Value elementwise(ArrayRef<TensorView> views, const Access &shape, Type type,
                    function_ref<Value(OpBuilder &, ValueRange)> body) {
    return combineElements(b, loc, views, shape, type, table, body);
  }

  /// The same over the dims that any of the tensors has a factor of.
  std::optional<Operand>
  combine(ArrayRef<TensorView> views, Type type,
          function_ref<Value(OpBuilder &, ValueRange)> body) {
    MLIRContext *context = b.getContext();
    Access shape;
    SmallVector<AffineExpr> exprs;
    for (unsigned dim : kScoreDims) {
      Factors group = table.leaves(groups.of[dim]);
      if (llvm::none_of(views, [&](const TensorView &view) {
            return llvm::any_of(table.flatten(view.dims), [&](Factor factor) {
              return llvm::is_contained(group, factor);
            });
          }))
        continue;
      shape.push_back(group);
      exprs.push_back(getAffineDimExpr(dim, context));
    }
    Value value = elementwise(views, shape, type, body);
    if (!value)
      return std::nullopt;
    return Operand{value, AffineMap::get(SdpaOp::NumDims, 0, exprs, context)};
  }

  /// A tensor times a number and the factors of its rows.
  Value scaleRows(Value tensor, const Access &dims, Type type, double number,
                  ArrayRef<Score::RowFactor> factors) {
    if (factors.empty() && number == 1)
      return tensor;
    SmallVector<TensorView> views{TensorView{tensor, dims}};
    for (const Score::RowFactor &factor : factors)
      views.push_back(factor.value);
    return elementwise(
        views, dims, type, [&](OpBuilder &nested, ValueRange values) {
          Value product = values[0];
          if (number != 1)
            product = arith::MulFOp::create(
                nested, loc, product,
                arith::ConstantOp::create(nested, loc,
                                          nested.getFloatAttr(type, number)));
          for (auto [value, factor] : llvm::zip(values.drop_front(), factors)) {
            Value by = castFloat(nested, loc, value, type);
            product = factor.divides
                          ? arith::DivFOp::create(nested, loc, product, by)
                                .getResult()
                          : arith::MulFOp::create(nested, loc, product, by)
                                .getResult();
          }
          return product;
        });
  }

  /// softmax over keys and sink = softmax over keys · sigmoid(lse − c).
  Value applySink(Value o, const Access &dims, Type type, Value lse,
                  const Access &lseDims) {
    const Sink &sink = *attention.weights.sink;
    SmallVector<TensorView> views{TensorView{o, dims},
                                  TensorView{lse, lseDims}};
    if (sink.value)
      views.push_back(*sink.value);
    return elementwise(
        views, dims, type, [&](OpBuilder &nested, ValueRange values) {
          Type wide = values[1].getType();
          auto number = [&](double value) -> Value {
            return arith::ConstantOp::create(nested, loc,
                                             nested.getFloatAttr(wide, value));
          };
          Value c = sink.value ? castFloat(nested, loc, values[2], wide)
                               : number(sink.number);
          Value one = number(1);
          Value less = arith::SubFOp::create(nested, loc, c, values[1]);
          Value sum = arith::AddFOp::create(
              nested, loc, one, math::ExpOp::create(nested, loc, less));
          Value share = arith::DivFOp::create(nested, loc, one, sum);
          return arith::MulFOp::create(nested, loc, values[0],
                                       castFloat(nested, loc, share, type))
              .getResult();
        });
  }

  /// The sum of the terms as one operand; those that no tensor holds are left
  /// in `rest`.
  std::optional<Operand> buildBias(Type type, SmallVectorImpl<Term> &rest) {
    SmallVector<TensorView> views;
    SmallVector<double> coefficients;
    for (const Term &term : attention.score.bias) {
      std::optional<TensorView> view = asTensor(term.value, table);
      if (!view || !isOverScores(*view) ||
          isMadeOfIndices(Element(*view), groups, table)) {
        rest.push_back(term);
        continue;
      }
      views.push_back(*view);
      coefficients.push_back(term.coefficient);
    }
    if (maskIsInBias()) {
      views.push_back(*constantTable(type));
      coefficients.push_back(1);
    }
    if (views.empty())
      return std::nullopt;
    if (views.size() == 1 && coefficients[0] == 1)
      if (std::optional<Operand> operand = direct(views[0]))
        return operand;
    return combine(views, type, [&](OpBuilder &nested, ValueRange values) {
      Value sum;
      for (auto [i, coefficient] : llvm::enumerate(coefficients)) {
        Value value = castFloat(nested, loc, values[i], type);
        if (coefficient != 1)
          value = arith::MulFOp::create(
              nested, loc, value,
              arith::ConstantOp::create(
                  nested, loc, nested.getFloatAttr(type, coefficient)));
        sum = sum ? arith::AddFOp::create(nested, loc, sum, value).getResult()
                  : value;
      }
      return sum;
    });
  }

  /// The table of pairs that constants close, as true and false or as 0 and
  /// −inf.
  std::optional<TensorView> constantTable(Type type) {
    if (constants.dims.empty())
      return std::nullopt;
    TensorView view;
    SmallVector<int64_t> shape;
    for (unsigned dim : constants.dims) {
      view.dims.push_back(table.leaves(groups.of[dim]));
      shape.push_back(1);
      for (Factor factor : view.dims.back())
        shape.back() *= table.getSize(factor).number;
    }
    ArrayRef<char> open = constants.open;
    auto tensor = RankedTensorType::get(shape, type);
    DenseElementsAttr values;
    if (auto real = dyn_cast<FloatType>(type)) {
      const llvm::fltSemantics &semantics = real.getFloatSemantics();
      APFloat zero = APFloat::getZero(semantics);
      APFloat closed = APFloat::getInf(semantics, /*Negative=*/true);
      values = DenseElementsAttr::get(
          tensor,
          llvm::map_to_vector(open, [&](char x) { return x ? zero : closed; }));
    } else {
      SmallVector<bool> bits(open.begin(), open.end());
      values = DenseElementsAttr::get(tensor, ArrayRef<bool>(bits));
    }
    view.value = arith::ConstantOp::create(b, loc, values);
    return view;
  }

  /// Masks known at run time leave the constant one to the bias, where that is
  /// free: the lowering skips what a constant closes.
  bool maskIsInBias() {
    const Score &score = attention.score;
    return !constants.dims.empty() && !score.masks.empty() &&
           score.bias.empty() && score.region.empty() &&
           constants.open.size() <= kMaxBiasPairs;
  }

  std::optional<Operand> buildMask(SmallVectorImpl<MaskTerm> &rest) {
    SmallVector<TensorView> views;
    SmallVector<bool> attendIf;
    if (!maskIsInBias())
      if (std::optional<TensorView> open = constantTable(b.getI1Type())) {
        views.push_back(*open);
        attendIf.push_back(true);
      }
    for (const MaskTerm &mask : attention.score.masks) {
      std::optional<TensorView> view = asTensor(mask.condition, table);
      if (!view || !isOverScores(*view)) {
        rest.push_back(mask);
        continue;
      }
      views.push_back(*view);
      attendIf.push_back(mask.attendIf);
    }
    if (views.empty())
      return std::nullopt;
    if (views.size() == 1 && attendIf[0])
      if (std::optional<Operand> operand = direct(views[0]))
        return operand;
    return combine(
        views, b.getI1Type(), [&](OpBuilder &nested, ValueRange values) {
          Value all;
          for (auto [value, expected] : llvm::zip(values, attendIf)) {
            Value open = value;
            if (!expected)
              open = arith::XOrIOp::create(
                  nested, loc, value,
                  arith::ConstantIntOp::create(nested, loc, 1, 1));
            all =
                all ? arith::AndIOp::create(nested, loc, all, open).getResult()
                    : open;
          }
          return all;
        });
  }

  /// region steps, terms and masks that are no operands, as scalars.
  bool buildRegion(Region &region, Type type, ArrayRef<Term> terms,
                   ArrayRef<MaskTerm> masks) {
    if (attention.score.region.empty() && terms.empty() && masks.empty())
      return true;
    OpBuilder::InsertionGuard guard(b);
    Type index = b.getIndexType();
    Block *block =
        b.createBlock(&region, {}, {type, index, index, index, index},
                      SmallVector<Location>(5, loc));
    SdpaRegion scalars(b, loc, *block, groups, table);
    Value s = block->getArgument(0);
    for (const Term &term : terms) {
      Value value = scalars.emit(term.value);
      if (!value)
        return false;
      value = castFloat(b, loc, value, type);
      if (term.coefficient != 1)
        value = arith::MulFOp::create(
            b, loc, value,
            arith::ConstantOp::create(b, loc,
                                      b.getFloatAttr(type, term.coefficient)));
      s = arith::AddFOp::create(b, loc, s, value);
    }
    for (const Step &step : attention.score.region) {
      Operation *op = step.at.value.getDefiningOp();
      IRMapping mapping;
      for (unsigned i = 0; i < op->getNumOperands(); ++i) {
        Value operand = i == step.spine
                            ? castFloat(b, loc, s, op->getOperand(i).getType())
                            : scalars.emit(step.at.operand(i));
        if (!operand || operand.getType() != op->getOperand(i).getType())
          return false;
        mapping.map(op->getOperand(i), operand);
      }
      s = b.clone(*op, mapping)->getResult(0);
    }
    s = castFloat(b, loc, s, type);
    for (const MaskTerm &mask : masks) {
      Value condition = scalars.emit(mask.condition);
      if (!condition)
        return false;
      Value sentinel = arith::ConstantOp::create(
          b, loc, b.getFloatAttr(type, mask.sentinel));
      s = mask.attendIf
              ? arith::SelectOp::create(b, loc, condition, s, sentinel)
              : arith::SelectOp::create(b, loc, condition, sentinel, s);
    }
    if (s.getType() != type)
      return false;
    YieldOp::create(b, loc, s);
    return true;
  }

  Match<Value> build() {
    auto type = cast<RankedTensorType>(attention.score.q.value.getType());
    Type element = type.getElementType();
    SmallVector<Value> operands;
    SmallVector<AffineMap> maps;
    struct Tensor {
      const TensorView &view;
      std::array<unsigned, 4> dims;
    };
    const Tensor inputs[] = {
        {attention.score.q, {SdpaOp::B, SdpaOp::H, SdpaOp::I, SdpaOp::D}},
        {attention.score.k, {SdpaOp::B, SdpaOp::H, SdpaOp::J, SdpaOp::D}},
        {attention.v, {SdpaOp::B, SdpaOp::H, SdpaOp::J, SdpaOp::E}}};
    SmallVector<Fit, 3> fits;
    for (const Tensor &input : inputs) {
      std::optional<Fit> how = fit(input.view, input.dims, true);
      if (!how)
        return kLayout;
      fits.push_back(*how);
    }
    std::optional<Fit> outFit =
        fit(attention.out, {SdpaOp::B, SdpaOp::H, SdpaOp::I, SdpaOp::E}, true);
    if (!outFit)
      return kLayout;
    // Ops built from here on are dead where a later step fails.
    for (auto [input, how] : llvm::zip(inputs, fits)) {
      Value value = reshapeTo(b, loc, input.view, how.dims, table);
      if (!value)
        return kLayout;
      operands.push_back(castElements(b, loc, value, element));
      maps.push_back(how.map);
    }
    operands[0] = scaleRows(operands[0], fits[0].dims, element, 1,
                            attention.score.rowFactors);
    if (!operands[0])
      return kLayout;
    SmallVector<Term> terms;
    SmallVector<MaskTerm> masks;
    // With the region before the masks and after the bias, as the op has it.
    std::optional<Operand> bias = buildBias(element, terms);
    std::optional<Operand> mask = buildMask(masks);
    if ((!bias && terms.size() < attention.score.bias.size()) ||
        (!mask && masks.size() < attention.score.masks.size()))
      return kLayout;
    if (bias)
      maps.push_back(bias->map);
    if (mask)
      maps.push_back(mask->map);
    maps.push_back(outFit->map);
    Value init = tensor::EmptyOp::create(
        b, loc, sizesOf(b, loc, outFit->dims, table), element);
    SmallVector<Type> types{init.getType()};
    std::optional<Fit> lseFit;
    Value lse;
    if (attention.weights.sink) {
      const unsigned rowDims[] = {SdpaOp::B, SdpaOp::H, SdpaOp::I};
      lseFit = fitTensor(
          {groups.of[SdpaOp::B], groups.of[SdpaOp::H], groups.of[SdpaOp::I]},
          groups, rowDims, rowDims, table, b.getContext());
      if (!lseFit)
        return kLayout;
      maps.push_back(lseFit->map);
      Type wide = element.getIntOrFloatBitWidth() < 64 ? b.getF32Type()
                                                       : Type(b.getF64Type());
      lse = tensor::EmptyOp::create(b, loc,
                                    sizesOf(b, loc, lseFit->dims, table), wide);
      types.push_back(lse.getType());
    }
    auto sdpa = SdpaOp::create(
        b, loc, types, operands[0], operands[1], operands[2],
        bias ? bias->value : Value(), mask ? mask->value : Value(),
        /*kv_length=*/Value(), init, lse, b.getAffineMapArrayAttr(maps),
        b.getF64FloatAttr(attention.score.scale),
        CausalAttr::get(b.getContext(), constants.band.causal),
        constants.band.left >= 0 || constants.band.right >= 0
            ? b.getDenseI64ArrayAttr(
                  {constants.band.left, constants.band.right})
            : DenseI64ArrayAttr(),
        attention.score.softcap ? b.getF64FloatAttr(*attention.score.softcap)
                                : FloatAttr(),
        MaskedRowsAttr::get(b.getContext(), constants.rows));
    if (!buildRegion(sdpa.getScore(), element, terms, masks)) {
      sdpa.erase();
      return kScore;
    }
    b.setInsertionPointAfter(sdpa);
    Value result = sdpa->getResult(0);
    if (lse)
      result = applySink(result, outFit->dims, element, sdpa->getResult(1),
                         lseFit->dims);
    if (result)
      result = scaleRows(result, outFit->dims, element,
                         attention.weights.factor, attention.weights.factors);
    if (!result) {
      sdpa.erase();
      return kLayout;
    }
    result = castElements(b, loc, result,
                          getElementTypeOrSelf(attention.out.value.getType()));
    result = reshapeTo(b, loc, TensorView{result, outFit->dims},
                       attention.out.dims, table);
    if (!result)
      return kLayout;
    if (result.getType() != attention.out.value.getType())
      result =
          tensor::CastOp::create(b, loc, attention.out.value.getType(), result);
    return result;
  }
};
} // namespace

Match<Value> buildSdpa(OpBuilder &b, Attention &attention, FactorTable &table) {
  return SdpaBuilder(b, attention, table).build();
}

} // namespace heed::recognize
