// Descriptor.cpp - what the runtime and callers know of a compiled model, as
// constants and functions of its LLVM module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/Descriptor.h"

#include "runtime/support/Model.h"
#include "tools/lib/compile/Target.h"
#include "llvm/IR/IRBuilder.h"

using namespace llvm;

namespace heed {
namespace {

static_assert(int(DType::Bool) == HEED_BOOL && int(DType::U8) == HEED_UINT8 &&
                  int(DType::I64) == HEED_INT64 &&
                  int(DType::BF16) == HEED_BFLOAT16 &&
                  int(DType::F64) == HEED_FLOAT64,
              "types keep their numbers across the boundary");

/// Makes the constants of one module.
struct Constants {
  Module &module;
  LLVMContext &context = module.getContext();
  PointerType *pointer = PointerType::get(context, 0);

  Constant *i32(int64_t value) {
    return ConstantInt::getSigned(Type::getInt32Ty(context), value);
  }
  Constant *i64(int64_t value) {
    return ConstantInt::getSigned(Type::getInt64Ty(context), value);
  }
  /// The address of a new local constant.
  GlobalVariable *place(Constant *value) {
    return new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                              GlobalValue::PrivateLinkage, value);
  }
  Constant *text(StringRef text) {
    return place(ConstantDataArray::getString(context, text));
  }
  Constant *words(ArrayRef<int64_t> values) {
    std::vector<uint64_t> bits(values.begin(), values.end());
    return place(ConstantDataArray::get(context, bits));
  }
  /// Laid out as C does it.
  Constant *record(ArrayRef<Constant *> fields) {
    return ConstantStruct::getAnon(fields);
  }

  Constant *ports(ArrayRef<Port> ports, bool areOutputs,
                  const Lowered &lowered) {
    SmallVector<Constant *> records;
    for (auto [index, port] : enumerate(ports)) {
      int64_t inPlace = -1;
      for (auto [output, input] : lowered.inPlace)
        if (areOutputs && output == int64_t(index))
          inPlace = input;
      records.push_back(
          record({text(port.name), i32(int(port.type)), i32(port.shape.size()),
                  words(port.shape), i32(inPlace)}));
    }
    if (records.empty())
      return ConstantPointerNull::get(pointer);
    return place(ConstantArray::get(
        ArrayType::get(records.front()->getType(), records.size()), records));
  }
};

/// Callers reach these before the CPU is checked, so they are made of baseline
/// instructions.
Function *addFunction(Module &module, const Twine &name, FunctionType *type,
                      const TargetMachine &machine) {
  Function *function =
      Function::Create(type, GlobalValue::ExternalLinkage, name, module);
  function->setDoesNotThrow();
  if (machine.getTargetTriple().isX86()) {
    function->addFnAttr("target-cpu", "x86-64");
    function->addFnAttr("target-features", "+sse2");
  }
  return function;
}

void addFunctions(Module &module, const TargetMachine &machine, StringRef name,
                  Constant *descriptor) {
  LLVMContext &context = module.getContext();
  Type *pointer = PointerType::get(context, 0);
  Type *i32 = Type::getInt32Ty(context);
  IRBuilder<> b(context);

  Function *query = addFunction(module, name + "_model",
                                FunctionType::get(pointer, false), machine);
  b.SetInsertPoint(BasicBlock::Create(context, "", query));
  b.CreateRet(descriptor);

  Function *run = addFunction(
      module, name + "_run",
      FunctionType::get(i32, {pointer, pointer, pointer}, false), machine);
  FunctionCallee callee = module.getOrInsertFunction(
      "heed_model_run",
      FunctionType::get(i32, {pointer, pointer, pointer, pointer}, false));
  b.SetInsertPoint(BasicBlock::Create(context, "", run));
  CallInst *call = b.CreateCall(
      callee, {run->getArg(0), descriptor, run->getArg(1), run->getArg(2)});
  call->setTailCall();
  b.CreateRet(call);
}

} // namespace

GlobalVariable *addDescriptor(Module &module, const TargetMachine &machine,
                              const Lowered &lowered,
                              const WeightsLayout &layout, StringRef name,
                              bool weightsInFile) {
  for (GlobalValue &value : module.global_values())
    if (!value.isDeclaration())
      value.setLinkage(GlobalValue::InternalLinkage);
  Function *entry = module.getFunction("main");
  entry->setName(name + "_entry");
  Function *workspace = module.getFunction("heed_workspace");
  if (workspace)
    workspace->setName(name + "_workspace");

  Constants c{module};
  Constant *null = ConstantPointerNull::get(c.pointer);
  GlobalVariable *weights = nullptr;
  if (!weightsInFile && !lowered.weights.empty()) {
    weights = new GlobalVariable(
        module, weightsType(c.context, layout, lowered.weights),
        /*isConstant=*/true, GlobalValue::ExternalLinkage, nullptr,
        name + "_weights");
    weights->setVisibility(GlobalValue::HiddenVisibility);
    weights->setAlignment(Align(WeightsLayout::kAlignment));
  }
  // The order of struct HeedModelCode and of HeedModel.
  Constant *code = c.place(c.record(
      {entry, workspace ? static_cast<Constant *>(workspace) : null,
       c.i64(cpuFeatureBits(machine)),
       weights ? static_cast<Constant *>(weights) : null, c.i64(layout.id),
       c.i64(layout.offsets.size()), c.words(layout.offsets)}));
  const Signature &signature = lowered.signature;
  Constant *descriptor = c.place(
      c.record({c.i32(HEED_MODEL_VERSION), c.i32(signature.inputs.size()),
                c.i32(signature.outputs.size()), c.text(name),
                c.text(machine.getTargetCPU()),
                c.ports(signature.inputs, /*areOutputs=*/false, lowered),
                c.ports(signature.outputs, /*areOutputs=*/true, lowered),
                c.i64(lowered.workspace.value_or(-1)), c.i64(layout.bytes),
                c.i32(weightsInFile), code}));
  addFunctions(module, machine, name, descriptor);
  return weights;
}

} // namespace heed
