// LibraryCalls.cpp - calls of library primitives from compiled code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/onednn/LibraryCalls.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace heed::lower {

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
}

static Value asI64(OpBuilder &b, Location loc, Value index) {
  return arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
}

static Value asPointer(OpBuilder &b, Location loc, Value memref) {
  Value index = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, memref);
  return LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), asI64(b, loc, index));
}

/// Pointers of all operands, then the sizes and strides of each.
static SmallVector<Value> callWords(OpBuilder &b, Location loc,
                                    ArrayRef<Value> operands) {
  SmallVector<Value> pointers, shapes;
  for (Value operand : operands) {
    auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, operand);
    Value pointer =
        asI64(b, loc,
              memref::ExtractAlignedPointerAsIndexOp::create(b, loc, operand));
    auto bytes = static_cast<int64_t>(
        cast<MemRefType>(operand.getType()).getElementTypeBitWidth() / 8);
    Value offset = arith::MulIOp::create(
        b, loc, asI64(b, loc, metadata.getOffset()), constant(b, loc, bytes));
    pointers.push_back(arith::AddIOp::create(b, loc, pointer, offset));
    for (Value size : metadata.getSizes())
      shapes.push_back(asI64(b, loc, size));
    for (Value stride : metadata.getStrides())
      shapes.push_back(asI64(b, loc, stride));
  }
  pointers.append(shapes);
  return pointers;
}

func::FuncOp LibraryCalls::declare(StringRef name) {
  if (auto callee = module.lookupSymbol<func::FuncOp>(name))
    return callee;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto callee = func::FuncOp::create(
      b, module.getLoc(), name,
      b.getFunctionType({pointer, pointer, pointer}, b.getI32Type()));
  callee.setPrivate();
  return callee;
}

Value LibraryCalls::createRecord(OpBuilder &b, Location loc,
                                 ArrayRef<int64_t> words) {
  auto size = static_cast<int64_t>(words.size());
  auto type = MemRefType::get({size}, b.getI64Type());
  std::string name;
  do
    name = "heed_site_" + std::to_string(records++);
  while (module.lookupSymbol(name));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    memref::GlobalOp::create(
        b, loc, name, b.getStringAttr("private"), type,
        DenseElementsAttr::get(RankedTensorType::get({size}, b.getI64Type()),
                               words),
        /*constant=*/true, /*alignment=*/IntegerAttr());
  }
  return memref::GetGlobalOp::create(b, loc, type, name);
}

void LibraryCalls::write(OpBuilder &b, Location loc, func::FuncOp function,
                         ArrayRef<int64_t> words, ArrayRef<Value> operands,
                         StringRef name) {
  func::FuncOp callee = declare(name);
  Value record = createRecord(b, loc, words);
  SmallVector<Value> passed = callWords(b, loc, operands);
  Value call;
  {
    // At the entry: an alloca in a loop would grow the stack.
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    call = memref::AllocaOp::create(
        b, loc,
        MemRefType::get({static_cast<int64_t>(passed.size())}, b.getI64Type()));
  }
  for (auto [position, word] : llvm::enumerate(passed)) {
    Value index =
        arith::ConstantIndexOp::create(b, loc, static_cast<int64_t>(position));
    memref::StoreOp::create(b, loc, word, call, index);
  }
  func::CallOp::create(b, loc, callee,
                       ValueRange{function.getArgument(0),
                                  asPointer(b, loc, record),
                                  asPointer(b, loc, call)});
}

} // namespace heed::lower
