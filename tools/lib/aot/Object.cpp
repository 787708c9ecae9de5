// Object.cpp - a lowered model as an object file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/Object.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "tools/lib/aot/Descriptor.h"
#include "tools/lib/aot/MathCalls.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace heed {

/// Above this, code and data around the weights would be out of each other's
/// reach: x86-64's calls and addresses span 2 GiB.
static constexpr int64_t kMaxWeightsInObject = int64_t(1) << 30;

static Error emitFile(Module &module, TargetMachine &machine,
                      CodeGenFileType type, SmallVectorImpl<char> &bytes) {
  raw_svector_ostream os(bytes);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr, type))
    return createStringError("this target has no code generator");
  passes.run(module);
  return Error::success();
}

Expected<ObjectCode> emitObject(mlir::ModuleOp module, const Lowered &lowered,
                                const WeightsLayout &layout,
                                TargetMachine &machine,
                                const ObjectOptions &options) {
  if (!options.weightsInFile && layout.bytes > kMaxWeightsInObject)
    return createStringError("the weights have " + Twine(layout.bytes) +
                             " bytes, more than an object can hold: give "
                             "--weights");
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());
  LLVMContext context;
  auto llvmModule =
      mlir::translateModuleToLLVMIR(module, context, options.name);
  if (!llvmModule)
    return createStringError("translation to LLVM failed");
  llvmModule->setTargetTriple(machine.getTargetTriple());
  llvmModule->setDataLayout(machine.createDataLayout());
  GlobalVariable *weights = addDescriptor(*llvmModule, machine, lowered, layout,
                                          options.name, options.weightsInFile);
  auto optimize = mlir::makeOptimizingTransformer(options.optLevel,
                                                  /*sizeLevel=*/0, &machine);
  if (Error error = optimize(llvmModule.get()))
    return std::move(error);

  ObjectCode code;
  if (options.assembly)
    if (Error error = emitFile(*CloneModule(*llvmModule), machine,
                               CodeGenFileType::AssemblyFile, code.assembly))
      return std::move(error);
  // Late, so that no pass looks through the weights.
  if (weights) {
    weights->setInitializer(weightsConstant(context, layout, lowered.weights));
    weights->setLinkage(GlobalValue::InternalLinkage);
    weights->setVisibility(GlobalValue::DefaultVisibility);
  }
  if (Error error = emitFile(*llvmModule, machine, CodeGenFileType::ObjectFile,
                             code.object))
    return std::move(error);
  if (Error error = redirectMathCalls(code.object))
    return std::move(error);
  return code;
}

} // namespace heed
