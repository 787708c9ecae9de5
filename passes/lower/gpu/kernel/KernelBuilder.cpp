// KernelBuilder.cpp - functions, parameters and arithmetic of GPU kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/KernelBuilder.h"

#include "dialect/hopper/HopperOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace heed::cuda {

static constexpr StringRef kModuleName = "heed_kernels";
static constexpr StringRef kSharedName = "shared_memory";
/// Of a CUtensorMap.
static constexpr int64_t kTensorMapBytes = 128, kTensorMapAlignment = 64;
/// Rows of tiles are copied 16 bytes at a time; TMA's swizzle asks for 1024.
static constexpr uint64_t kSharedAlignment = 1024;

KernelBuilder::KernelBuilder(OpBuilder &host, Location loc,
                             gpu::GPUModuleOp module, StringRef name,
                             unsigned threads)
    : host(host), b(host.getContext()), loc(loc), module(module),
      threads(threads) {
  b.setInsertionPointToEnd(module.getBody());
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {});
  function = LLVM::LLVMFuncOp::create(b, loc, name, type);
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                    b.getUnitAttr());
  function->setAttr(
      NVVM::NVVMDialect::getReqntidAttrName(),
      b.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  b.setInsertionPointToStart(function.addEntryBlock(b));
}

Value KernelBuilder::i1(bool value) {
  return arith::ConstantIntOp::create(b, loc, value, 1);
}
Value KernelBuilder::i32(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, value, 32);
}
Value KernelBuilder::i64(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, value, 64);
}
Value KernelBuilder::f32(double value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}

Value KernelBuilder::add(Value x, Value y) {
  return b.createOrFold<arith::AddIOp>(loc, x, y);
}
Value KernelBuilder::sub(Value x, Value y) {
  return b.createOrFold<arith::SubIOp>(loc, x, y);
}
Value KernelBuilder::mul(Value x, Value y) {
  return b.createOrFold<arith::MulIOp>(loc, x, y);
}
Value KernelBuilder::div(Value x, int64_t y) {
  Value divisor = x.getType().isInteger(64) ? i64(y) : i32(y);
  return b.createOrFold<arith::DivUIOp>(loc, x, divisor);
}
Value KernelBuilder::rem(Value x, int64_t y) {
  Value divisor = x.getType().isInteger(64) ? i64(y) : i32(y);
  return b.createOrFold<arith::RemUIOp>(loc, x, divisor);
}
Value KernelBuilder::min(Value x, Value y) {
  return b.createOrFold<arith::MinSIOp>(loc, x, y);
}
Value KernelBuilder::max(Value x, Value y) {
  return b.createOrFold<arith::MaxSIOp>(loc, x, y);
}
Value KernelBuilder::lessThan(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, x, y);
}
Value KernelBuilder::widen(Value x) {
  return b.createOrFold<arith::ExtUIOp>(loc, b.getI64Type(), x);
}
Value KernelBuilder::select(Value condition, Value x, Value y) {
  return b.createOrFold<arith::SelectOp>(loc, condition, x, y);
}

Value KernelBuilder::advance(Value pointer, Value bytes) {
  if (isConstantIntValue(bytes, 0))
    return pointer;
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value KernelBuilder::advance(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(
      b, loc, pointer.getType(), b.getI8Type(), pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

static int64_t bytesOf(Type element, int64_t count) {
  return count * element.getIntOrFloatBitWidth() / 8;
}

Values KernelBuilder::loadVector(Type element, int64_t count, Value address) {
  if (count == 1)
    return {LLVM::LoadOp::create(b, loc, element, address)};
  Value vector =
      LLVM::LoadOp::create(b, loc, VectorType::get({count}, element), address,
                           /*alignment=*/bytesOf(element, count));
  Values elements;
  for (int64_t i = 0; i < count; ++i)
    elements.push_back(LLVM::ExtractElementOp::create(b, loc, vector, i32(i)));
  return elements;
}

void KernelBuilder::storeVector(ValueRange elements, Value address) {
  Type element = elements[0].getType();
  int64_t count = elements.size();
  if (count == 1) {
    LLVM::StoreOp::create(b, loc, elements[0], address);
    return;
  }
  Value vector =
      LLVM::PoisonOp::create(b, loc, VectorType::get({count}, element));
  for (auto [i, value] : llvm::enumerate(elements))
    vector = LLVM::InsertElementOp::create(b, loc, vector, value, i32(i));
  LLVM::StoreOp::create(b, loc, vector, address,
                        /*alignment=*/bytesOf(element, count));
}

Value KernelBuilder::sharedMemory() {
  auto global = module.lookupSymbol<LLVM::GlobalOp>(kSharedName);
  if (!global) {
    OpBuilder atStart = OpBuilder::atBlockBegin(module.getBody());
    global = LLVM::GlobalOp::create(
        atStart, loc, LLVM::LLVMArrayType::get(b.getI8Type(), 0),
        /*isConstant=*/false, LLVM::Linkage::External, kSharedName, Attribute(),
        kSharedAlignment, kShared);
  }
  return LLVM::AddressOfOp::create(b, loc, global);
}

void KernelBuilder::setCluster(int64_t blocks) {
  function->setAttr(
      NVVM::NVVMDialect::getClusterDimAttrName(),
      b.getDenseI32ArrayAttr({static_cast<int32_t>(blocks), 1, 1}));
}

Value KernelBuilder::blockX() {
  return NVVM::BlockIdXOp::create(b, loc, Type(b.getI32Type()));
}
Value KernelBuilder::blockY() {
  return NVVM::BlockIdYOp::create(b, loc, Type(b.getI32Type()));
}

Value KernelBuilder::parameter(Value hostValue) {
  arguments.push_back(hostValue);
  return function.getBody().front().addArgument(hostValue.getType(), loc);
}

Value KernelBuilder::parameter(OpFoldResult hostValue, Type type) {
  if (std::optional<int64_t> constant = getConstantIntValue(hostValue))
    return type.isInteger(64) ? i64(*constant) : i32(*constant);
  return parameter(
      arith::IndexCastOp::create(host, loc, type, cast<Value>(hostValue)));
}

GlobalTensor KernelBuilder::tensor(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto data = memref::ExtractStridedMetadataOp::create(host, loc, memref);
  // An i1 is a byte in memory.
  int64_t bytes = type.getElementType().isIndex()
                      ? 8
                      : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  Value address =
      memref::ExtractAlignedPointerAsIndexOp::create(host, loc, memref);
  Value offset = getValueOrCreateConstantIndexOp(
      host, loc, data.getConstifiedMixedOffset());
  Value size = arith::ConstantIndexOp::create(host, loc, bytes);
  address = host.createOrFold<arith::AddIOp>(
      loc, address, host.createOrFold<arith::MulIOp>(loc, offset, size));
  Value integer =
      arith::IndexCastOp::create(host, loc, b.getI64Type(), address);
  Value pointer = LLVM::IntToPtrOp::create(
      host, loc, LLVM::LLVMPointerType::get(b.getContext()), integer);

  GlobalTensor tensor;
  tensor.element = type.getElementType();
  tensor.pointer = LLVM::AddrSpaceCastOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), kGlobal),
      parameter(pointer));
  for (OpFoldResult stride : data.getConstifiedMixedStrides())
    tensor.strides.push_back(parameter(stride, b.getI64Type()));
  return tensor;
}

Value KernelBuilder::tensorMap(Value memref, ArrayRef<int64_t> box) {
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), kTensorMapBytes);
  arguments.push_back(
      hopper::TensorMapOp::create(host, loc, type, memref, box));
  Block &entry = function.getBody().front();
  tensorMaps.push_back(entry.getNumArguments());
  return entry.addArgument(LLVM::LLVMPointerType::get(b.getContext()), loc);
}

/// A constant of the host as one of the kernel, another value as a parameter.
static Value import(KernelBuilder &k, Value value) {
  Operation *definition = value.getDefiningOp();
  if (definition && definition->hasTrait<OpTrait::ConstantLike>())
    return k.b.clone(*definition)->getResult(0);
  if (!value.getType().isIndex())
    return k.parameter(value);
  // A parameter has a size in memory.
  Value wide = k.parameter(
      arith::IndexCastOp::create(k.host, k.loc, k.b.getI64Type(), value));
  return arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), wide);
}

Value KernelBuilder::scalar(Value hostValue) {
  Value value = import(*this, hostValue);
  if (value.getType().isF16() || value.getType().isBF16())
    return b.createOrFold<arith::ExtFOp>(loc, b.getF32Type(), value);
  return value;
}

void KernelBuilder::capture(Region &region) {
  SetVector<Value> used;
  getUsedValuesDefinedAbove(region, used);
  for (Value value : used) {
    if (isa<MemRefType>(value.getType()))
      buffers.emplace_back(value, tensor(value));
    else
      captures.emplace_back(value, import(*this, value));
  }
}

/// Loads of the host's buffer in the kernel, by its address there.
void KernelBuilder::replaceLoads(Value buffer, const GlobalTensor &tensor) {
  for (Operation *user : llvm::make_early_inc_range(buffer.getUsers())) {
    if (!function->isProperAncestor(user))
      continue;
    auto load = cast<memref::LoadOp>(user);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(load);
    Value offset = i64(0);
    for (auto [index, stride] : llvm::zip(load.getIndices(), tensor.strides)) {
      Value wide =
          b.createOrFold<arith::IndexCastOp>(loc, b.getI64Type(), index);
      offset = add(offset, mul(wide, stride));
    }
    // An i1 is a byte, an index is 64 bits in memory.
    Type type = load.getType(), stored = type;
    if (type.isInteger(1))
      stored = b.getI8Type();
    else if (type.isIndex())
      stored = b.getI64Type();
    int64_t bytes = stored.getIntOrFloatBitWidth() / 8;
    Value address = advance(tensor.pointer, mul(offset, i64(bytes)));
    Value value = LLVM::LoadOp::create(b, loc, stored, address);
    if (type.isInteger(1))
      value = arith::TruncIOp::create(b, loc, type, value);
    else if (type.isIndex())
      value = arith::IndexCastOp::create(b, loc, type, value);
    load.replaceAllUsesWith(value);
    load.erase();
  }
}

void KernelBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  if (isConstantIntValue(condition, 1) || isConstantIntValue(condition, -1))
    return body();
  auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  body();
}

void KernelBuilder::ifThenElse(Value condition, llvm::function_ref<void()> then,
                               llvm::function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  then();
  b.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

Values
KernelBuilder::forLoop(Value begin, Value end, int64_t step, ValueRange carried,
                       llvm::function_ref<Values(Value, ValueRange)> body) {
  std::optional<int64_t> first = getConstantIntValue(begin);
  std::optional<int64_t> last = getConstantIntValue(end);
  if (first && last && *last > *first && *last - *first <= step)
    return body(begin, carried);
  auto loop = scf::ForOp::create(b, loc, begin, end, i32(step), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  // A loop that carries nothing is made with its end.
  if (!carried.empty())
    scf::YieldOp::create(b, loc, next);
  return loop.getResults();
}

Values KernelBuilder::ifElse(Value condition, ValueRange values,
                             llvm::function_ref<Values()> then) {
  auto op = scf::IfOp::create(b, loc, values.getTypes(), condition,
                              /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  Values changed = then();
  scf::YieldOp::create(b, loc, changed);
  b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(b, loc, values);
  return op.getResults();
}

/// An earlier kernel of the module with the same body, null if none.
static LLVM::LLVMFuncOp findEqual(gpu::GPUModuleOp module,
                                  LLVM::LLVMFuncOp function) {
  StringAttr name = function.getSymNameAttr();
  for (auto other : module.getOps<LLVM::LLVMFuncOp>()) {
    if (other == function)
      continue;
    StringAttr otherName = other.getSymNameAttr();
    other.setSymNameAttr(name);
    bool isEqual = OperationEquivalence::isEquivalentTo(
        other, function, OperationEquivalence::IgnoreLocations);
    other.setSymNameAttr(otherName);
    if (isEqual)
      return other;
  }
  return {};
}

void KernelBuilder::finish(const Grid &grid, int64_t sharedBytes) {
  LLVM::ReturnOp::create(b, loc, ValueRange{});
  for (const auto &[buffer, tensor] : buffers)
    replaceLoads(buffer, tensor);
  for (auto [outer, inner] : captures)
    replaceAllUsesInRegionWith(outer, inner, function.getBody());
  auto types = llvm::to_vector(function.getBody().front().getArgumentTypes());
  function.setFunctionType(LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), types));
  for (unsigned index : tensorMaps) {
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), kTensorMapBytes);
    function.setArgAttr(index, LLVM::LLVMDialect::getByValAttrName(),
                        TypeAttr::get(type));
    function.setArgAttr(index, NVVM::NVVMDialect::getGridConstantAttrName(),
                        b.getUnitAttr());
    function.setArgAttr(index, LLVM::LLVMDialect::getAlignAttrName(),
                        b.getI64IntegerAttr(kTensorMapAlignment));
  }
  if (LLVM::LLVMFuncOp equal = findEqual(module, function)) {
    function.erase();
    function = equal;
  }
  auto size = [&](OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(host, loc, value);
  };
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(host, loc, value);
  };
  auto kernel = SymbolRefAttr::get(
      module.getSymNameAttr(),
      FlatSymbolRefAttr::get(b.getContext(), function.getSymName()));
  gpu::LaunchFuncOp::create(
      host, loc, kernel,
      gpu::KernelDim3{size(grid[0]), size(grid[1]), size(grid[2])},
      gpu::KernelDim3{constant(threads), constant(1), constant(1)},
      arith::ConstantIntOp::create(host, loc, sharedBytes, 32), arguments);
}

gpu::GPUModuleOp getKernelModule(ModuleOp module, StringRef chip) {
  if (auto known = module.lookupSymbol<gpu::GPUModuleOp>(kModuleName))
    return known;
  MLIRContext *context = module.getContext();
  std::optional<Chip> properties = getChip(chip);
  std::string features =
      "+ptx" + std::to_string(properties ? properties->ptxVersion : 80);
  Attribute target = NVVM::NVVMTargetAttr::get(
      context, /*optLevel=*/3, "nvptx64-nvidia-cuda", chip, features);
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                  b.getUnitAttr());
  return gpu::GPUModuleOp::create(b, module.getLoc(), kModuleName,
                                  b.getArrayAttr(target));
}

std::optional<Chip> getChip(StringRef name) {
  // CUDA C++ programming guide, "Technical specifications per compute
  // capability": the most shared memory of a thread block.
  static constexpr int64_t kKilo = 1024;
  static const std::pair<StringRef, Chip> chips[] = {
      {"sm_80", {80, 163 * kKilo, 80}},
      {"sm_86", {86, 99 * kKilo, 80}},
      {"sm_87", {87, 163 * kKilo, 80}},
      {"sm_89", {89, 99 * kKilo, 80}},
      {"sm_90", {90, 227 * kKilo, 80}},
      {"sm_90a", {90, 227 * kKilo, 80, true}},
      {"sm_100", {100, 227 * kKilo, 86}},
      {"sm_120", {120, 99 * kKilo, 87}}};
  for (const auto &[known, chip] : chips)
    if (known == name)
      return chip;
  return std::nullopt;
}

std::optional<Chip> requireChip(Operation *op, StringRef name) {
  std::optional<Chip> chip = getChip(name);
  if (!chip)
    op->emitError("chip: expected sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, "
                  "sm_100 or sm_120, got ")
        << name;
  return chip;
}

} // namespace heed::cuda
