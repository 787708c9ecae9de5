// Buffer.cpp - aligned memory that grows
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Buffer.h"

#include <cstdlib>
#include <limits>
#include <sys/mman.h>

using heed::runtime::Buffer;

static constexpr int64_t kCacheLine = 64;
static constexpr int64_t kHugePage = int64_t(2) << 20;

Buffer::~Buffer() { std::free(memory); }

void Buffer::release() noexcept {
  std::free(memory);
  memory = nullptr;
  capacity = 0;
}

void *Buffer::reserve(int64_t bytes) noexcept {
  if (bytes >= 0 && bytes <= capacity && memory)
    return memory;
  release();
  if (bytes < 0 || bytes > std::numeric_limits<int64_t>::max() - kHugePage)
    return nullptr;
  bool huge = bytes >= 2 * kHugePage;
  int64_t alignment = huge ? kHugePage : kCacheLine;
  int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (rounded == 0)
    rounded = alignment;
  memory = std::aligned_alloc(static_cast<size_t>(alignment),
                              static_cast<size_t>(rounded));
  if (!memory)
    return nullptr;
  // Only a hint: without huge pages everything works the same.
  if (huge)
    (void)madvise(memory, static_cast<size_t>(rounded), MADV_HUGEPAGE);
  capacity = rounded;
  return memory;
}
