// heed-opt.cpp - mlir-opt with everything of Heed.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/pipelines/Pipelines.h"
#include "llvm/Support/CommandLine.h"

// LLVM takes any unknown flag that begins with -h for the grouping option -h
// (help) and exits 0; all our flags begin so. An -h of our own that does not
// group makes an unknown flag the error it is.
static llvm::cl::opt<bool> plainH("h", llvm::cl::Hidden,
                                  llvm::cl::desc("see --help"));

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  heed::registerHeedPasses();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  heed::registerHeedDialects(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "Heed optimizer: a compiler for attention\n", registry));
}
