// Error.h - how a check in the importer stops the import: one exception, caught
// at importOnnx.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_ERROR_H
#define HEED_TOOLS_LIB_IMPORT_ERROR_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <string>

namespace heed::import {

/// Thrown by any check on the model and caught in importOnnx, which adds the
/// file and the node. Never thrown through a callback of MLIR's: LLVM is built
/// without exceptions.
struct ImportError {
  std::string reason;
};

[[noreturn]] inline void fail(const llvm::Twine &reason) {
  throw ImportError{reason.str()};
}

/// Name of the file, for an error: quoted, cut to 80 bytes, controls escaped.
std::string quoted(llvm::StringRef name);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_ERROR_H
