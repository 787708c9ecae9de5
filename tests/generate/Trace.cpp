// Trace.cpp - labels, leaves and elementwise ops of a traced program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Trace.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace heed::generate {

Type Traced::element() const { return getElementTypeOrSelf(value.getType()); }

Trace::Trace(MLIRContext &context, Random &random)
    : random(random), b(&context) {
  owned = ModuleOp::create(b, loc());
  b.setInsertionPointToEnd(owned->getBody());
  function = func::FuncOp::create(b, loc(), "main", b.getFunctionType({}, {}));
  b.setInsertionPointToEnd(function.addEntryBlock());
}

OwningOpRef<ModuleOp> Trace::take() {
  SmallVector<Value> values;
  SmallVector<Type> types;
  for (const Traced &result : results) {
    values.push_back(result.value);
    types.push_back(result.value.getType());
  }
  func::ReturnOp::create(b, loc(), values);
  function.setFunctionType(
      b.getFunctionType(function.getFunctionType().getInputs(), types));
  return std::move(owned);
}

/// Remarks are told apart by where they are.
Location Trace::loc() {
  return FileLineColLoc::get(b.getContext(), "generated", ++line, 1);
}

void Trace::declare(char label, int64_t size, bool dynamic) {
  Extent &extent = extents[label];
  extent = Extent();
  extent.size = size;
  extent.dynamic = dynamic;
}

char Trace::fresh(int64_t size, bool dynamic) {
  while (extents.count(nextLabel) || nextLabel == 0)
    ++nextLabel;
  declare(nextLabel, size, dynamic);
  return nextLabel;
}

Value Trace::sizeValue(char label) {
  Extent &extent = extents.at(label);
  if (!extent.value) {
    if (!extent.dynamic || extent.parts.empty())
      return arith::ConstantIndexOp::create(b, loc(), extent.size);
    Value product;
    std::string parts = extent.parts;
    for (char part : parts)
      product = product
                    ? arith::MulIOp::create(b, loc(), product, sizeValue(part))
                          .getResult()
                    : sizeValue(part);
    extents.at(label).value = product;
  }
  return extents.at(label).value;
}

Shape Trace::shapeOf(const std::string &dims) const {
  Shape shape;
  for (char label : dims)
    shape.push_back(size(label));
  return shape;
}

RankedTensorType Trace::typeOf(const std::string &dims, Type element) {
  SmallVector<int64_t> shape;
  for (char label : dims)
    shape.push_back(isDynamic(label) ? ShapedType::kDynamic : size(label));
  return RankedTensorType::get(shape, element);
}

Value Trace::empty(const std::string &dims, Type element) {
  SmallVector<Value> sizes;
  for (char label : dims)
    if (isDynamic(label))
      sizes.push_back(sizeValue(label));
  return tensor::EmptyOp::create(b, loc(), typeOf(dims, element), sizes);
}

Value Trace::fill(const std::string &dims, double value) {
  Value number = arith::ConstantOp::create(b, loc(), b.getF32FloatAttr(value));
  return linalg::FillOp::create(b, loc(), number, empty(dims, f32()))
      .getResult(0);
}

AffineMap Trace::mapOf(const std::string &loops, const std::string &dims) {
  SmallVector<AffineExpr> results;
  for (char label : dims) {
    size_t loop = loops.find(label);
    results.push_back(loop == std::string::npos ? b.getAffineConstantExpr(0)
                                                : b.getAffineDimExpr(loop));
  }
  return AffineMap::get(loops.size(), 0, results, b.getContext());
}

void forEach(const Trace &trace, const std::string &loops,
             const std::vector<const Traced *> &tensors,
             const std::function<void(const Shape &,
                                      const std::vector<size_t> &)> &visit) {
  Shape shape = trace.shapeOf(loops), index(loops.size(), 0);
  if (reference::elements(shape) == 0)
    return;
  std::vector<std::vector<size_t>> strides(tensors.size());
  for (size_t k = 0; k < tensors.size(); ++k) {
    strides[k].assign(loops.size(), 0);
    size_t stride = 1;
    for (size_t d = tensors[k]->dims.size(); d-- > 0;) {
      size_t loop = loops.find(tensors[k]->dims[d]);
      if (loop != std::string::npos)
        strides[k][loop] = stride;
      stride *= static_cast<size_t>(trace.size(tensors[k]->dims[d]));
    }
  }
  std::vector<size_t> offsets(tensors.size());
  do {
    for (size_t k = 0; k < tensors.size(); ++k) {
      offsets[k] = 0;
      for (size_t d = 0; d < loops.size(); ++d)
        offsets[k] += strides[k][d] * static_cast<size_t>(index[d]);
    }
    visit(index, offsets);
  } while (reference::next(index, shape));
}

static Tensor filled(const Shape &shape, const Trace::Fill &fill) {
  Tensor data(shape);
  Shape index(shape.size(), 0);
  size_t place = 0;
  if (!data.data.empty())
    do
      data.data[place++] = static_cast<float>(fill(index));
    while (reference::next(index, shape));
  return data;
}

Traced Trace::input(std::string dims, Type type, const Fill &fill) {
  auto tensorType = typeOf(dims, type);
  unsigned position = function.getNumArguments();
  (void)function.insertArgument(position, tensorType, {}, loc());
  Traced result{function.getArgument(position), dims,
                filled(shapeOf(dims), fill)};
  // One value for each symbolic size, from the first argument that has it.
  for (auto [dim, label] : llvm::enumerate(dims))
    if (isDynamic(label) && !extents[label].value)
      extents[label].value =
          tensor::DimOp::create(b, loc(), result.value, int64_t(dim));
  arguments.push_back(result);
  return result;
}

Traced Trace::input(std::string dims, double magnitude) {
  return input(dims, f32(),
               [&](const Shape &) { return magnitude * random.unit(); });
}

Traced Trace::constant(std::string dims, Type type, const Fill &fill) {
  Traced result{{}, dims, filled(shapeOf(dims), fill)};
  auto tensorType = RankedTensorType::get(shapeOf(dims), type);
  TypedAttr attribute;
  if (type.isInteger(1)) {
    SmallVector<bool> values(result.data.data.begin(), result.data.data.end());
    attribute = DenseElementsAttr::get(tensorType, ArrayRef<bool>(values));
  } else {
    SmallVector<float> values(result.data.data.begin(), result.data.data.end());
    if (values.size() > 16 && dims.size() > 1 &&
        values.front() != values.back() && random.coin())
      attribute = DenseResourceElementsAttr::get(
          tensorType, "w" + std::to_string(line),
          HeapAsmResourceBlob::allocateAndCopyInferAlign<float>(values));
    else
      attribute = DenseElementsAttr::get(tensorType, ArrayRef<float>(values));
  }
  result.value = arith::ConstantOp::create(b, loc(), attribute);
  return result;
}

Traced Trace::splat(std::string dims, double value) {
  return constant(dims, f32(), [&](const Shape &) { return value; });
}

Traced Trace::weight(std::string dims, double magnitude) {
  if (random.coin())
    return input(dims, magnitude);
  return constant(dims, f32(),
                  [&](const Shape &) { return magnitude * random.unit(); });
}

std::string Trace::join(const std::vector<Traced> &ins) {
  const Traced *fullest = &ins.front();
  for (const Traced &in : ins)
    if (in.dims.size() > fullest->dims.size())
      fullest = &in;
  std::string dims = fullest->dims;
  for (const Traced &in : ins)
    for (char label : in.dims)
      if (dims.find(label) == std::string::npos)
        dims.push_back(label);
  return dims;
}

/// An elementwise op over `dims`: a generic or linalg.map, each operand as it
/// is, transposed, broadcast first, or with dims of size 1.
Value Trace::emitMap(const std::string &dims, std::vector<Traced> ins,
                     const Body &body, Type type) {
  bool same = true;
  for (Traced &in : ins) {
    if (in.dims == dims)
      continue;
    switch (random.below(6)) {
    case 0: // in full
      in = broadcast(in, dims);
      break;
    case 1: { // in the order of the result
      std::string order;
      for (char label : dims)
        if (in.has(label))
          order.push_back(label);
      in = arrange(in, order);
      break;
    }
    case 2: // a dimension of size 1, read at 0
      in = addUnit(in, size_t(random.below(int64_t(in.dims.size()) + 1)));
      break;
    default:
      break;
    }
    same &= in.dims == dims;
  }
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (const Traced &in : ins) {
    operands.push_back(in.value);
    maps.push_back(mapOf(dims, in.dims));
  }
  Value init = empty(dims, type);
  Location where = loc();
  if (same && !ins.empty() && random.oneIn(4)) {
    auto op = linalg::MapOp::create(
        b, where, operands, init,
        [&](OpBuilder &nested, Location inner, ValueRange values) {
          Emit emit{nested, inner, dims};
          linalg::YieldOp::create(nested, inner,
                                  body(emit, values.take_front(ins.size())));
        });
    return op->getResult(0);
  }
  maps.push_back(mapOf(dims, dims));
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      b, where, init.getType(), operands, init, maps, iterators,
      [&](OpBuilder &nested, Location inner, ValueRange values) {
        Emit emit{nested, inner, dims};
        linalg::YieldOp::create(nested, inner,
                                body(emit, values.take_front(ins.size())));
      });
  return op.getResult(0);
}

/// A named op where both operands have the result's labels, now and then.
template <typename Named>
static Value named(Trace &t, const Traced &a, const Traced &other,
                   const std::string &dims) {
  if (a.dims != dims || other.dims != dims || !a.element().isF32() ||
      !t.random.oneIn(3))
    return {};
  Value init = t.empty(dims, t.f32());
  return Named::create(t.builder(), t.loc(), TypeRange{init.getType()},
                       ValueRange{a.value, other.value}, ValueRange{init})
      .getResult(0);
}

#define HEED_BINARY(method, Named)                                             \
  Traced Trace::method(Traced a, Traced other) {                               \
    std::string dims = join({a, other});                                       \
    Value value = named<linalg::Named>(*this, a, other, dims);                 \
    Traced result = map(dims, {a, other}, [](auto &f, const auto &x) {         \
      return f.method(x[0], x[1]);                                             \
    });                                                                        \
    if (value)                                                                 \
      result.value = value;                                                    \
    return result;                                                             \
  }
HEED_BINARY(add, AddOp)
HEED_BINARY(sub, SubOp)
HEED_BINARY(mul, MulOp)
HEED_BINARY(div, DivOp)
#undef HEED_BINARY

Traced Trace::exp(Traced a) {
  return map(a.dims, {a}, [](auto &f, const auto &x) { return f.exp(x[0]); });
}

Traced Trace::tanh(Traced a) {
  return map(a.dims, {a}, [](auto &f, const auto &x) { return f.tanh(x[0]); });
}

Traced Trace::times(Traced a, double factor) {
  switch (random.below(5)) {
  case 0:
    return map(a.dims, {a}, [&](auto &f, const auto &x) {
      return f.mul(f.num(factor), x[0]);
    });
  case 1:
    return map(a.dims, {a}, [&](auto &f, const auto &x) {
      return f.div(x[0], f.num(1 / factor));
    });
  case 2: { // the whole tensor, where its size is known
    std::string dims;
    for (char label : a.dims)
      if (!isDynamic(label) && random.coin())
        dims.push_back(label);
    return mul(a, splat(dims, factor));
  }
  case 3: {
    Traced number = splat(std::string(1, fresh()), 1 / factor);
    return map(a.dims, {a, dropUnits(number)},
               [](auto &f, const auto &x) { return f.div(x[0], x[1]); });
  }
  default:
    return map(a.dims, {a}, [&](auto &f, const auto &x) {
      return f.mul(x[0], f.num(factor));
    });
  }
}

Traced Trace::plus(Traced a, double number) {
  return map(a.dims, {a}, [&](auto &f, const auto &x) {
    return f.add(x[0], f.num(number));
  });
}

void Trace::output(Traced a, std::string dims) {
  results.push_back(arrange(a, dims));
}

} // namespace heed::generate
