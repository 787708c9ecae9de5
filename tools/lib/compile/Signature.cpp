// Signature.cpp - the arguments and results of @main as ports with NumPy types.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/compile/Signature.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace heed {

static std::optional<DType> dtypeOf(Type type, bool isUnsigned) {
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  if (type.isF32())
    return DType::F32;
  if (type.isF64())
    return DType::F64;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  isUnsigned |= integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return DType::Bool;
  case 8:
    return isUnsigned ? DType::U8 : DType::I8;
  case 16:
    return isUnsigned ? DType::U16 : DType::I16;
  case 32:
    return isUnsigned ? DType::U32 : DType::I32;
  case 64:
    return isUnsigned ? DType::U64 : DType::I64;
  default:
    return std::nullopt;
  }
}

std::string Port::str() const {
  std::string text = name + ": " + dtypeName(type).str() + "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? "," : "") +
            (shape[i] < 0 ? std::string("?") : std::to_string(shape[i]));
  return text + "]";
}

static llvm::Expected<Port> makePort(Type type, Attribute name, bool isUnsigned,
                                     StringRef fallback) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  std::optional<DType> dtype;
  if (shaped)
    dtype = dtypeOf(shaped.getElementType(), isUnsigned);
  if (!dtype) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return llvm::createStringError("@main: " + fallback +
                                   ": expected a ranked tensor of booleans, "
                                   "integers or floats, got " +
                                   text);
  }
  Port port;
  auto string = dyn_cast_or_null<StringAttr>(name);
  port.name = string ? string.str() : fallback.str();
  port.type = *dtype;
  for (int64_t size : shaped.getShape())
    port.shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return port;
}

bool Port::takes(DType other, ArrayRef<int64_t> sizes) const {
  return type == other && shape.size() == sizes.size() &&
         llvm::all_of(llvm::zip_equal(shape, sizes), [](auto pair) {
           auto [own, size] = pair;
           return own < 0 || own == size;
         });
}

llvm::Error Signature::check(ArrayRef<Array> arrays) const {
  if (arrays.size() != inputs.size())
    return llvm::createStringError(llvm::formatv("expected {0} inputs, got {1}",
                                                 inputs.size(), arrays.size()));
  for (auto [index, pair] : llvm::enumerate(llvm::zip_equal(inputs, arrays))) {
    const auto &[port, array] = pair;
    if (!port.takes(array.type, array.shape))
      return llvm::createStringError(
          "input " + Twine(index) + ": expected " + port.str() + ", got " +
          Port{"array", array.type, array.shape}.str());
  }
  return llvm::Error::success();
}

llvm::Expected<Signature> Signature::of(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main) {
    // A module with one public function needs no special name.
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isPrivate() && !function.isExternal()) {
        if (main)
          return llvm::createStringError(
              "expected a function @main, or one public function");
        main = function;
      }
    if (!main)
      return llvm::createStringError("expected a function @main");
    if (failed(SymbolTable(module).rename(main, "main")))
      return llvm::createStringError("cannot rename @" + main.getName() +
                                     " to @main");
  }
  Signature signature;
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    auto port =
        makePort(main.getArgumentTypes()[i], main.getArgAttr(i, "attn.name"),
                 main.getArgAttr(i, "attn.unsigned") != nullptr,
                 llvm::formatv("input{0}", i).str());
    if (!port)
      return port.takeError();
    signature.inputs.push_back(*port);
  }
  for (unsigned i = 0; i < main.getNumResults(); ++i) {
    auto port =
        makePort(main.getResultTypes()[i], main.getResultAttr(i, "attn.name"),
                 main.getResultAttr(i, "attn.unsigned") != nullptr,
                 llvm::formatv("output{0}", i).str());
    if (!port)
      return port.takeError();
    signature.outputs.push_back(*port);
  }
  return signature;
}

} // namespace heed
