// ConstantBuffers.cpp - weights on memrefs: read, made again, dropped.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/recurrent/ConstantBuffers.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace heed::lower {

/// The constant that a buffer is; null where it is none.
static memref::GlobalOp findConstant(Value buffer) {
  auto get = buffer.getDefiningOp<memref::GetGlobalOp>();
  auto module = get ? get->getParentOfType<ModuleOp>() : nullptr;
  auto global = module
                    ? module.lookupSymbol<memref::GlobalOp>(get.getNameAttr())
                    : nullptr;
  return global && global.getConstant() && global.getInitialValue() ? global
                                                                    : nullptr;
}

std::optional<SmallVector<float>> readConstantBuffer(Value buffer) {
  memref::GlobalOp global = findConstant(buffer);
  if (!global)
    return std::nullopt;
  int64_t count = global.getType().getNumElements();
  if (auto resource =
          dyn_cast<DenseF32ResourceElementsAttr>(*global.getInitialValue())) {
    std::optional<ArrayRef<float>> data = resource.tryGetAsArrayRef();
    if (data && static_cast<int64_t>(data->size()) == count)
      return llvm::to_vector(*data);
    return std::nullopt;
  }
  auto dense = dyn_cast<DenseFPElementsAttr>(*global.getInitialValue());
  if (!dense || !dense.getElementType().isF32())
    return std::nullopt;
  return llvm::to_vector(dense.getValues<float>());
}

Value createConstantBuffer(OpBuilder &b, Operation *op, ArrayRef<int64_t> shape,
                           ArrayRef<float> elements) {
  auto module = op->getParentOfType<ModuleOp>();
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      ArrayRef<char>(reinterpret_cast<const char *>(elements.data()),
                     elements.size() * sizeof(float)),
      /*align=*/64, /*dataIsMutable=*/false);
  auto values = DenseF32ResourceElementsAttr::get(
      RankedTensorType::get(shape, b.getF32Type()), "packed", std::move(blob));
  auto type = MemRefType::get(shape, b.getF32Type());
  std::string name;
  unsigned number = 0;
  do
    name = "heed_packed_" + std::to_string(number++);
  while (module.lookupSymbol(name));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    memref::GlobalOp::create(b, op->getLoc(), name, b.getStringAttr("private"),
                             type, cast<ElementsAttr>(values),
                             /*constant=*/true, b.getI64IntegerAttr(64));
  }
  return memref::GetGlobalOp::create(b, op->getLoc(), type, name);
}

void eraseWithConstants(Operation *op) {
  auto module = op->getParentOfType<ModuleOp>();
  llvm::SmallSetVector<memref::GetGlobalOp, 4> gets;
  for (Value operand : op->getOperands())
    if (auto get = operand.getDefiningOp<memref::GetGlobalOp>())
      gets.insert(get);
  op->erase();
  for (memref::GetGlobalOp get : gets) {
    if (!get->use_empty())
      continue;
    memref::GlobalOp global =
        module.lookupSymbol<memref::GlobalOp>(get.getNameAttr());
    get.erase();
    if (global && SymbolTable::symbolKnownUseEmpty(global, module))
      global.erase();
  }
}

} // namespace heed::lower
