// Memory.h - memory for arrays that programs read and write in place.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_JIT_MEMORY_H
#define HEED_TOOLS_LIB_JIT_MEMORY_H

#include <cstddef>
#include <memory>

namespace heed {

struct FreeMemory {
  void operator()(void *pointer) const;
};
using Memory = std::unique_ptr<void, FreeMemory>;

/// Uninitialised; null where there is none left. Begins a cache line, and a
/// huge page where it is large.
Memory allocateMemory(size_t bytes);

} // namespace heed

#endif // HEED_TOOLS_LIB_JIT_MEMORY_H
