// Target.h - the LLVM target machine that code is compiled for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_COMPILE_TARGET_H
#define HEED_TOOLS_LIB_COMPILE_TARGET_H

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>

namespace heed {

/// Whether `mcpu` stands for the CPU of this process.
bool isHostCpu(llvm::StringRef mcpu);

/// A target machine for `mcpu` on this process's triple. An error where the
/// name is unknown.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(llvm::StringRef mcpu);

/// An error where the host lacks a feature of `machine`'s CPU, so that its code
/// could not run here.
llvm::Error checkRunsHere(const llvm::TargetMachine &machine);

/// The same for code that is kept: position-independent, and without the
/// instructions that Heed's runtime could not check for
/// (runtime/support/ModelCode.h).
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createObjectTargetMachine(llvm::StringRef mcpu);

/// The bits of ModelCode.h's list that code of `machine` may use.
uint64_t cpuFeatureBits(const llvm::TargetMachine &machine);

} // namespace heed

#endif // HEED_TOOLS_LIB_COMPILE_TARGET_H
