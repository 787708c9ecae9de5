// Messages.h - what a tool says on standard error.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_CLI_MESSAGES_H
#define HEED_TOOLS_LIB_CLI_MESSAGES_H

#include "llvm/ADT/Twine.h"

namespace heed {

/// One line on a terminal that says what long work is going on, in the place of
/// the one before; nothing where standard error is no terminal. "": it is done.
void showProgress(llvm::StringRef what);

/// Writes "<tool>: <message>" in the place of such a line; gives the exit code,
/// 1.
int fail(llvm::StringRef tool, const llvm::Twine &message);

} // namespace heed

#endif // HEED_TOOLS_LIB_CLI_MESSAGES_H
