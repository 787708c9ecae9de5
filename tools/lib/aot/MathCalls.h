// MathCalls.h - an object's calls of libm, passed to the runtime.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_MATHCALLS_H
#define HEED_TOOLS_LIB_AOT_MATHCALLS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

namespace heed {

/// Renames what `object` calls of libm (runtime/support/MathCalls.h), so that
/// the runtime alone completes it.
llvm::Error redirectMathCalls(llvm::SmallVectorImpl<char> &object);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_MATHCALLS_H
