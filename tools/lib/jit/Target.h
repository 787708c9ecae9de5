// Target.h - the LLVM target machine that code is compiled for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_JIT_TARGET_H
#define HEED_TOOLS_LIB_JIT_TARGET_H

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>

namespace heed {

/// A target machine for `mcpu` on this process's triple; empty is the host. An
/// error where the name is unknown, or where the host lacks a feature of that
/// CPU, so that its code could not run here.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(llvm::StringRef mcpu);

} // namespace heed

#endif // HEED_TOOLS_LIB_JIT_TARGET_H
