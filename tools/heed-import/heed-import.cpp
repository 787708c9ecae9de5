// heed-import.cpp - the tool: an ONNX or StableHLO file as MLIR text or bytecode.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/cli/CommandLine.h"
#include "tools/lib/cli/ExplainFlags.h"
#include "tools/lib/import/Import.h"
#include "tools/lib/model/LoadModel.h"
#include "tools/lib/report/Explain.h"
#include "tools/lib/stablehlo/Import.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace {
/// Made in main, after the library's own flags are gone.
struct Options {
  cl::OptionCategory category{"heed-import options"};
  cl::opt<std::string> input{cl::Positional,
                             cl::desc("<model.onnx or StableHLO text>"),
                             cl::Required, cl::cat(category)};
  cl::opt<std::string> output{
      "o",
      cl::desc("Output file; bytecode if it ends in .mlirbc or the weights "
               "exceed 1 MiB, - for standard output"),
      cl::value_desc("file"), cl::init("-"), cl::cat(category)};
  heed::ExplainFlags explain{category};
  heed::PlainH plainH;

  Options() {
    explain.explain.setDescription(
        "print what would be recognised, what not, and why (to standard error "
        "where the model goes to standard output)");
  }
};
} // namespace

static void showProgress(size_t done, size_t all) {
  if (done % 64 == 0)
    errs() << "\rimporting: node " << done << " of " << all << "\x1b[K";
}

/// An ONNX model, or StableHLO text.
static mlir::OwningOpRef<mlir::ModuleOp>
importModel(const std::string &path, mlir::MLIRContext &context,
            std::string &error, const heed::import::ImportOptions &options) {
  auto file = MemoryBuffer::getFile(path);
  if (file && heed::isText((*file)->getBuffer()) &&
      heed::stablehlo::namesStableHlo((*file)->getBuffer()))
    return heed::stablehlo::importStableHlo(path, (*file)->getBuffer(), context,
                                            error);
  return heed::import::importOnnx(path, context, error, options);
}

/// Bytes of all constants that are resources.
static size_t weightBytes(mlir::ModuleOp module) {
  size_t bytes = 0;
  module.walk([&](mlir::Operation *op) {
    for (mlir::NamedAttribute attr : op->getAttrs())
      if (auto blob =
              dyn_cast<mlir::DenseResourceElementsAttr>(attr.getValue()))
        bytes += blob.getData().size();
  });
  return bytes;
}

/// What recognition says of the model, which itself stays as it is.
static Error explain(const Options &flags, mlir::ModuleOp module) {
  heed::Report report;
  report.model = flags.input;
  if (failed(heed::collectAnchors(*module.getContext(), report.anchors)))
    return createStringError("cannot collect remarks");
  auto record = [&](mlir::PassManager &pm) {
    flags.explain.record(pm, report);
  };
  if (Error error = heed::explainModule(module, record))
    return error;
  heed::sortAnchors(report.anchors);
  flags.explain.print(flags.output == "-" ? errs() : outs(), report);
  return flags.explain.writeFiles(report);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  heed::dropInheritedOptions();
  Options flags;
  cl::HideUnrelatedOptions(flags.category);
  cl::ParseCommandLineOptions(
      argc, argv, "Imports an ONNX model or StableHLO text as MLIR.\n");

  mlir::DialectRegistry registry;
  if (flags.explain.any())
    heed::registerModelDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  std::string error;
  bool onTerminal = sys::Process::StandardErrIsDisplayed();
  heed::import::ImportOptions options;
  if (onTerminal)
    options.progress = showProgress;
  auto module = importModel(flags.input, context, error, options);
  if (onTerminal)
    errs() << "\r\x1b[K";
  if (!module) {
    errs() << "heed-import: error: " << error << "\n";
    return 1;
  }
  if (flags.explain.any())
    if (Error e = explain(flags, *module)) {
      errs() << "heed-import: error: " << toString(std::move(e)) << "\n";
      return 1;
    }
  constexpr size_t longestText = 1 << 20;
  bool bytecode = StringRef(flags.output).ends_with(".mlirbc") ||
                  weightBytes(*module) > longestText;
  auto write = [&](raw_ostream &os) -> Error {
    if (bytecode) {
      if (failed(mlir::writeBytecodeToFile(*module, os)))
        return createStringError("cannot write bytecode");
      return Error::success();
    }
    module->print(os, mlir::OpPrintingFlags().enableDebugInfo());
    return Error::success();
  };
  // Written to a temporary file that takes the name when it is complete.
  if (Error e = writeToOutput(flags.output, write)) {
    errs() << "heed-import: error: " << flags.output << ": "
           << toString(std::move(e)) << "\n";
    return 1;
  }
  return 0;
}
