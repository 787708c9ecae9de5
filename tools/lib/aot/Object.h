// Object.h - a lowered model as an object file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_OBJECT_H
#define HEED_TOOLS_LIB_AOT_OBJECT_H

#include "tools/lib/aot/Weights.h"
#include "tools/lib/compile/Compile.h"
#include "llvm/Target/TargetMachine.h"

namespace heed {

struct ObjectOptions {
  std::string name; // of the functions
  bool weightsInFile = false;
  bool assembly = false; // wanted too
  unsigned optLevel = 3; // of LLVM, as clang's -O
};

struct ObjectCode {
  llvm::SmallVector<char, 0> object;
  llvm::SmallVector<char, 0> assembly; // without the weights
};

/// Compiles the LLVM dialect of `module`, which lowerModel left.
llvm::Expected<ObjectCode> emitObject(mlir::ModuleOp module,
                                      const Lowered &lowered,
                                      const WeightsLayout &layout,
                                      llvm::TargetMachine &machine,
                                      const ObjectOptions &options);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_OBJECT_H
