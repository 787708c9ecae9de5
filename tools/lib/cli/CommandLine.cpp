// CommandLine.cpp - strict command lines: a tool's own flags and nothing else.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/cli/CommandLine.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;

namespace heed {

void dropInheritedOptions() {
  static const StringSet<> kept = {"help", "help-hidden", "help-list",
                                   "help-list-hidden", "version"};
  SmallVector<cl::Option *> inherited;
  for (auto &entry : cl::getRegisteredOptions())
    if (!kept.contains(entry.first))
      inherited.push_back(entry.second);
  for (cl::Option *option : inherited)
    option->removeArgument();
}

} // namespace heed
