// Link.h - an object file as a shared library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_LINK_H
#define HEED_TOOLS_LIB_AOT_LINK_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace heed {

/// Links `object` with the runtime that this process uses into `library`, by
/// the system's C compiler. `soname` is what programs ask the loader for.
llvm::Error linkShared(llvm::StringRef object, llvm::StringRef library,
                       llvm::StringRef soname);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_LINK_H
