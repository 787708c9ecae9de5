// Memory.cpp - memory for arrays that programs read and write in place.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/jit/Memory.h"

#include "llvm/Support/MathExtras.h"
#include <cstdlib>
#include <sys/mman.h>

namespace heed {

void FreeMemory::operator()(void *pointer) const { std::free(pointer); }

/// NumPy's and the runtime's own rule: a cache line, and huge pages from 4 MiB.
Memory allocateMemory(size_t bytes) {
  constexpr size_t kLine = 64, kHugePage = size_t(2) << 20;
  bool huge = bytes >= 2 * kHugePage;
  size_t align = huge ? kHugePage : kLine;
  size_t size = llvm::alignTo(std::max<size_t>(bytes, 1), align);
  void *memory = std::aligned_alloc(align, size);
  if (memory && huge)
    madvise(memory, size, MADV_HUGEPAGE);
  return Memory(memory);
}

} // namespace heed
