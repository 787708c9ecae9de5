// RuntimeCalls.cpp - calls from compiled code into the runtime.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/RuntimeCalls.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace heed::lower {

Value getContext(func::FuncOp function) {
  if (function.getNumArguments() == 0 ||
      !isa<LLVM::LLVMPointerType>(function.getArgument(0).getType()))
    return {};
  return function.getArgument(0);
}

Value callRuntime(OpBuilder &builder, Location loc, StringRef name,
                  Type resultType, ValueRange arguments) {
  auto module =
      builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (!module)
    module = cast<ModuleOp>(builder.getInsertionBlock()->getParentOp());
  auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!callee) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    Type result =
        resultType ? resultType : LLVM::LLVMVoidType::get(builder.getContext());
    auto type = LLVM::LLVMFunctionType::get(
        result, llvm::to_vector(arguments.getTypes()));
    callee = LLVM::LLVMFuncOp::create(builder, loc, name, type);
  }
  auto call = LLVM::CallOp::create(builder, loc, callee, arguments);
  return resultType ? call.getResult() : Value();
}

Value bytesAt(OpBuilder &builder, Location loc, Value pointer, Value bytes) {
  MLIRContext *context = builder.getContext();
  auto type =
      MemRefType::get({ShapedType::kDynamic}, builder.getIntegerType(8));
  LLVMTypeConverter converter(context);
  Type descriptorType = converter.convertType(type);
  auto descriptor = MemRefDescriptor::poison(builder, loc, descriptorType);
  Value size =
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), bytes);
  descriptor.setAllocatedPtr(builder, loc, pointer);
  descriptor.setAlignedPtr(builder, loc, pointer);
  descriptor.setConstantOffset(builder, loc, 0);
  descriptor.setSize(builder, loc, 0, size);
  descriptor.setConstantStride(builder, loc, 0, 1);
  return UnrealizedConversionCastOp::create(builder, loc, type,
                                            Value(descriptor))
      .getResult(0);
}

void assertNotNull(OpBuilder &builder, Location loc, Value pointer) {
  Value null = LLVM::ZeroOp::create(builder, loc, pointer.getType());
  Value valid = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne,
                                     pointer, null);
  cf::AssertOp::create(builder, loc, valid, "out of memory");
}

int64_t elementBytes(Type elementType) {
  if (isa<IndexType>(elementType))
    return 8;
  if (auto complex = dyn_cast<ComplexType>(elementType))
    return 2 * elementBytes(complex.getElementType());
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}

Value sizeInBytes(OpBuilder &builder, Location loc, MemRefType type,
                  ValueRange dynamicSizes) {
  int64_t fixed = elementBytes(type.getElementType());
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      fixed *= size;
  Value bytes = arith::ConstantIndexOp::create(builder, loc, fixed);
  for (Value size : dynamicSizes)
    bytes = arith::MulIOp::create(builder, loc, bytes, size);
  return bytes;
}

Value viewAt(OpBuilder &b, Location loc, Value pointer, MemRefType type,
             ValueRange dynamicSizes) {
  Value bytes =
      bytesAt(b, loc, pointer, sizeInBytes(b, loc, type, dynamicSizes));
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  return memref::ViewOp::create(b, loc, type, bytes, zero, dynamicSizes);
}

Value stringConstant(OpBuilder &builder, Location loc, StringRef text) {
  auto module =
      builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  std::string value = (text + StringRef("\0", 1)).str();
  std::string name =
      llvm::formatv("heed_text_{0:x-16}", uint64_t(llvm::hash_value(value)));
  auto global = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!global) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), value.size());
    global = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                                    LLVM::Linkage::Internal, name,
                                    builder.getStringAttr(value));
  }
  return LLVM::AddressOfOp::create(builder, loc, global);
}

} // namespace heed::lower
