// LoadModel.cpp - a model file of any kind that Heed reads, as a module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/model/LoadModel.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "passes/pipelines/Pipelines.h"
#include "tools/lib/stablehlo/Import.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace heed {

void registerModelDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerHeedDialects(registry);
}

/// MLIR text holds no control characters but white space; protobuf does within
/// its first bytes.
bool isText(StringRef bytes) {
  return llvm::none_of(bytes.take_front(512), [](unsigned char c) {
    return c < 0x20 && c != '\n' && c != '\t' && c != '\r';
  });
}

llvm::Expected<OwningOpRef<ModuleOp>>
loadModel(StringRef path, MLIRContext &context,
          const import::ImportOptions &options) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return llvm::createStringError(path + ": " + file.getError().message());
  StringRef bytes = (*file)->getBuffer();
  if (bytes.empty())
    return llvm::createStringError(path + ": the file is empty");
  if (!isBytecode((*file)->getMemBufferRef()) && !isText(bytes)) {
    std::string error;
    OwningOpRef<ModuleOp> module =
        import::importOnnx(path.str(), context, error, options);
    if (!module)
      return llvm::createStringError(error);
    return module;
  }
  if (!isBytecode((*file)->getMemBufferRef()) &&
      stablehlo::namesStableHlo(bytes)) {
    std::string error;
    OwningOpRef<ModuleOp> module =
        stablehlo::importStableHlo(path, bytes, context, error);
    if (!module)
      return llvm::createStringError(error);
    return module;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  SourceMgrDiagnosticHandler handler(sources, &context);
  auto module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return llvm::createStringError(path + ": not valid MLIR");
  return module;
}

} // namespace heed
