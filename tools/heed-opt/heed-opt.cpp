// heed-opt.cpp - mlir-opt with everything of Heed.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/pipelines/Pipelines.h"
#include "tools/heed-opt/OptReport.h"
#include "llvm/Support/CommandLine.h"

// LLVM takes any unknown flag that begins with -h for the grouping option -h
// (help) and exits 0; all our flags begin so. An -h of our own that does not
// group makes an unknown flag the error it is.
static llvm::cl::opt<bool> plainH("h", llvm::cl::Hidden,
                                  llvm::cl::desc("see --help"));
static llvm::cl::opt<std::string>
    reportFile("heed-report", llvm::cl::value_desc("FILE.html"),
               llvm::cl::desc("Write a page on every block: fused or why not, "
                              "cost, IR; the passes must hold recognition"));

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  heed::registerHeedPasses();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  heed::registerHeedDialects(registry);
  auto [input, output] = mlir::registerAndParseCLIOptions(
      argc, argv, "Heed optimizer: a compiler for attention\n", registry);
  return mlir::asMainReturnCode(
      reportFile.empty()
          ? mlir::MlirOptMain(argc, argv, input, output, registry)
          : heed::optWithReport(input, output, reportFile, registry));
}
