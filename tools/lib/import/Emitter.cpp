// Emitter.cpp - values of the ONNX graph as values of the program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Emitter.h"
#include "tools/lib/import/Error.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace heed::import {

namespace {
/// Constants above this many bytes are resources.
constexpr size_t inlineBytes = 1024;
/// Integer tensors of at most this many elements are followed as sizes.
constexpr int64_t maxFollowed = 1024;

/// The bytes as a resource that shares their memory. It claims less than their
/// alignment: readers of bytecode refuse a file whose buffer is not aligned as
/// its strictest resource, and give buffers 16 bytes.
AsmResourceBlob blobOf(const Bytes &bytes) {
  constexpr size_t claimed = 16;
  return AsmResourceBlob(
      ArrayRef<char>(bytes.view.data(), bytes.view.size()), claimed,
      [owner = bytes.owner](void *, size_t, size_t) {},
      /*dataIsMutable=*/false);
}

/// A key for the resource: what the MLIR parser and other tools read without
/// quoting, whatever the file's name was.
std::string resourceKey(StringRef name) {
  std::string key;
  for (char c : name.take_front(64))
    key += llvm::isAlnum(c) || c == '.' || c == '_' ? c : '_';
  if (key.empty() || llvm::isDigit(key[0]))
    key = "w" + key;
  return key;
}
} // namespace

std::optional<SmallVector<int64_t>> staticShape(ArrayRef<Sym> shape) {
  SmallVector<int64_t> dims;
  for (const Sym &s : shape) {
    auto c = s.constant();
    if (!c)
      return std::nullopt;
    dims.push_back(*c);
  }
  return dims;
}

Shape shapeOf(ArrayRef<int64_t> dims) {
  Shape shape;
  for (int64_t d : dims)
    shape.push_back(d);
  return shape;
}

SmallVector<int64_t> stridesOf(ArrayRef<int64_t> dims) {
  SmallVector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;)
    strides[i - 1] = strides[i] * dims[i];
  return strides;
}

Emitter::Emitter(func::FuncOp function)
    : b(function.getContext()), loc(function.getLoc()),
      block(&function.getBody().front()), entryLoc(function.getLoc()) {
  b.setInsertionPointToEnd(block);
}

RankedTensorType Emitter::typeOf(DType type, ArrayRef<Sym> shape) {
  SmallVector<int64_t> dims, known;
  for (const Sym &s : shape) {
    auto c = s.constant();
    dims.push_back(c ? *c : ShapedType::kDynamic);
    known.push_back(c ? *c : 1);
  }
  checkedCount(known);
  return RankedTensorType::get(dims, irType(type, b.getContext()));
}

Tensor Emitter::computed(Value value, DType type, Shape shape) {
  auto t = std::make_shared<TensorData>();
  t->type = type;
  t->shape = std::move(shape);
  RankedTensorType want = typeOf(type, t->shape);
  if (value.getType() != want)
    value = tensor::CastOp::create(b, loc, want, value);
  t->value = value;
  return t;
}

Tensor Emitter::constant(HostTensor tensor, std::string name) {
  auto t = std::make_shared<TensorData>();
  t->type = tensor.type();
  t->shape = shapeOf(tensor.dims());
  t->constant = std::move(tensor);
  t->name = std::move(name);
  return t;
}

Tensor Emitter::integers(DType type, ArrayRef<int64_t> dims,
                         std::vector<Sym> elements) {
  std::vector<int64_t> constants;
  for (const Sym &s : elements)
    if (auto c = s.constant())
      constants.push_back(*c);
  if (constants.size() == elements.size())
    return constant(HostTensor::ofInts(type, dims, constants));
  auto t = std::make_shared<TensorData>();
  t->type = type;
  t->shape = shapeOf(dims);
  t->elements = std::move(elements);
  return t;
}

static DenseElementsAttr denseAttr(RankedTensorType type,
                                   const HostTensor &tensor) {
  if (tensor.type() == DType::Bool) {
    SmallVector<bool> bits;
    for (char byte : tensor.bytes())
      bits.push_back(byte != 0);
    return DenseElementsAttr::get(type, ArrayRef<bool>(bits));
  }
  return DenseElementsAttr::getFromRawBuffer(
      type, ArrayRef<char>(tensor.bytes().data(), tensor.bytes().size()));
}

/// All elements are equal: then passes know the number.
static bool isUniform(const HostTensor &tensor) {
  StringRef bytes(tensor.bytes().data(), tensor.bytes().size());
  size_t size = byteSize(tensor.type());
  return bytes.size() > size && bytes.drop_front(size) == bytes.drop_back(size);
}

Value Emitter::ir(const Tensor &tensor) {
  if (tensor->value)
    return tensor->value;
  if (openRegions)
    notes.push_back({tensor, /*isValue=*/true});
  RankedTensorType type = typeOf(tensor->type, tensor->shape);
  if (tensor->elements) {
    Type element = irType(tensor->type, b.getContext());
    SmallVector<Value> values;
    for (const Sym &s : *tensor->elements)
      values.push_back(
          s.isConstant() ? scalarInt(element, *s.constant())
                         : arith::IndexCastOp::create(b, loc, element, size(s))
                               .getResult());
    return tensor->value = tensor::FromElementsOp::create(b, loc, type, values);
  }
  HostTensor &host = *tensor->constant;
  Location where = tensor->name.empty()
                       ? loc
                       : Location(NameLoc::get(b.getStringAttr(tensor->name)));
  TypedAttr attr;
  if (host.bytes().size() > inlineBytes && isUniform(host)) {
    attr = denseAttr(
        type,
        HostTensor(host.type(), type.getShape(),
                   Bytes::copy(host.bytes().take_front(byteSize(host.type()))),
                   /*splat=*/true));
  } else if (host.bytes().size() > inlineBytes && host.type() != DType::Bool) {
    // The file's copy goes as soon as there is an aligned one.
    if (!host.shared().isAligned())
      host = HostTensor(host.type(), host.dims(), Bytes::copy(host.bytes()),
                        host.isSplat());
    attr = DenseResourceElementsAttr::get(type, resourceKey(tensor->name),
                                          blobOf(host.shared()));
  } else if (host.count() == 0) {
    attr = DenseElementsAttr::get(type, ArrayRef<Attribute>());
  } else {
    attr = denseAttr(type, host);
  }
  return tensor->value = arith::ConstantOp::create(b, where, attr);
}

Value Emitter::empty(DType type, ArrayRef<Sym> shape) {
  typeOf(type, shape);
  return tensor::EmptyOp::create(b, loc, foldedSizes(shape),
                                 irType(type, b.getContext()));
}

Value Emitter::filled(DType type, ArrayRef<Sym> shape, Value scalar) {
  return linalg::FillOp::create(b, loc, scalar, empty(type, shape))
      .getResult(0);
}

std::optional<HostTensor> Emitter::knownConstant(const Tensor &tensor) {
  return tensor->constant;
}

std::optional<std::vector<Sym>> Emitter::knownElements(const Tensor &tensor) {
  if (isFloat(tensor->type))
    return std::nullopt;
  if (tensor->elements) {
    std::vector<Sym> r;
    for (const Sym &s : *tensor->elements)
      r.push_back(canonical(s));
    return r;
  }
  if (!tensor->constant || tensor->constant->count() > maxFollowed)
    return std::nullopt;
  std::vector<Sym> r;
  for (int64_t i = 0; i < tensor->constant->count(); ++i)
    r.push_back(tensor->constant->asInt(i));
  return r;
}

std::vector<Sym> Emitter::someElements(const Tensor &tensor) {
  if (auto known = knownElements(tensor))
    return *known;
  auto dims = staticShape(tensor->shape);
  if (!dims || checkedCount(*dims) > 64 || isFloat(tensor->type))
    fail("a shape or index list is not known and too long to read at run time");
  // Sizes that the program computes: read once, opaque from here on.
  std::vector<Sym> r;
  SmallVector<int64_t> strides = stridesOf(*dims);
  int64_t count = checkedCount(*dims);
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Value> at;
    for (size_t d = 0; d < dims->size(); ++d)
      at.push_back(scalarInt(b.getIndexType(), i / strides[d] % (*dims)[d]));
    Value v = tensor::ExtractOp::create(b, loc, ir(tensor), at);
    if (isUnsigned(tensor->type))
      v = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), v);
    else
      v = arith::IndexCastOp::create(b, loc, b.getIndexType(), v);
    r.push_back(sizeOf(v));
  }
  if (openRegions)
    notes.push_back({tensor, /*isValue=*/false});
  tensor->elements = r;
  return r;
}

std::optional<SmallVector<int64_t>> Emitter::foldable(ArrayRef<Sym> shape,
                                                      int64_t bytes) {
  auto dims = staticShape(shape);
  if (!dims || checkedCount(*dims) > bytes / 8 ||
      !chargeFold(8 * checkedCount(*dims)))
    return std::nullopt;
  return dims;
}

bool Emitter::chargeFold(int64_t bytes) {
  if (bytes > foldBudget)
    return false;
  foldBudget -= bytes;
  return true;
}

Tensor Emitter::pick(const Tensor &tensor, ArrayRef<int64_t> dims,
                     llvm::function_ref<int64_t(ArrayRef<int64_t>)> index) {
  if (tensor->constant)
    return constant(tensor->constant->pick(dims, index), tensor->name);
  int64_t count = checkedCount(dims);
  SmallVector<int64_t> at(dims.size(), 0);
  std::vector<Sym> elements;
  for (int64_t n = 0; n < count; ++n) {
    int64_t i = index(at);
    if (i < 0 || i >= int64_t(tensor->elements->size()))
      fail("index " + Twine(i) + " is outside of a constant");
    elements.push_back((*tensor->elements)[i]);
    for (size_t d = dims.size(); d-- > 0 && ++at[d] == dims[d];)
      at[d] = 0;
  }
  return integers(tensor->type, dims, std::move(elements));
}

} // namespace heed::import
