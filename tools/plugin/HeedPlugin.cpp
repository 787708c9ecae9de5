// HeedPlugin.cpp - the dialect and passes of Heed as a plug-in of the stock mlir-opt.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "passes/pipelines/Pipelines.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Heed", "0.1",
          [](mlir::DialectRegistry *registry) {
            heed::registerHeedDialects(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Heed", "0.1",
          [] { heed::registerHeedPasses(); }};
}
