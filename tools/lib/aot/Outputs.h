// Outputs.h - files that appear together, and only when all are complete.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_OUTPUTS_H
#define HEED_TOOLS_LIB_AOT_OUTPUTS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

namespace heed {

/// Writes each file under a temporary name beside its place; publish() renames
/// them all. What was not published is removed, also by a signal. A device or a
/// pipe is never replaced: it gets its bytes when all else is published.
class Outputs {
public:
  Outputs() = default;
  ~Outputs();
  Outputs(const Outputs &) = delete;
  Outputs &operator=(const Outputs &) = delete;

  llvm::Error add(llvm::StringRef path,
                  llvm::function_ref<void(llvm::raw_ostream &)> write);

  /// For regular files that another program writes: `make` gets the temporary
  /// name.
  llvm::Error addMade(llvm::StringRef path,
                      llvm::function_ref<llvm::Error(llvm::StringRef)> make);

  /// In the order of the calls.
  llvm::Error publish();

private:
  struct Staged {
    std::string path;
    llvm::sys::fs::TempFile file;
  };
  std::vector<Staged> staged;
  std::vector<std::pair<std::string, std::string>> direct; // path and bytes
};

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_OUTPUTS_H
