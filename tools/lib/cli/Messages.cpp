// Messages.cpp - what a tool says on standard error.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/cli/Messages.h"

#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace heed {

void showProgress(StringRef what) {
  if (sys::Process::StandardErrIsDisplayed())
    errs() << "\r\033[K" << what << (what.empty() ? "" : "...");
}

int fail(StringRef tool, const Twine &message) {
  showProgress("");
  errs() << tool << ": " << message << "\n";
  return 1;
}

} // namespace heed
