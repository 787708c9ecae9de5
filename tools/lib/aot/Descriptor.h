// Descriptor.h - what the runtime and callers know of a compiled model, as
// constants and functions of its LLVM module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_DESCRIPTOR_H
#define HEED_TOOLS_LIB_AOT_DESCRIPTOR_H

#include "tools/lib/aot/Weights.h"
#include "tools/lib/compile/Compile.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace heed {

/// Adds NAME_model and NAME_run (runtime/support/Model.h) and all that they
/// refer to; every other symbol of the module becomes local. Returns the
/// variable that stands for the weights' memory, which is declared only, or
/// null where they are in a file.
llvm::GlobalVariable *addDescriptor(llvm::Module &module,
                                    const llvm::TargetMachine &machine,
                                    const Lowered &lowered,
                                    const WeightsLayout &layout,
                                    llvm::StringRef name, bool weightsInFile);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_DESCRIPTOR_H
