// Buffer.h - aligned memory that grows
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_SUPPORT_BUFFER_H
#define HEED_RUNTIME_SUPPORT_BUFFER_H

#include <cstdint>

namespace heed::runtime {

/// Memory for kernels: 64-byte aligned (one cache line, one AVX-512 register);
/// from 4 MiB on aligned to 2 MiB and offered to the kernel for huge pages.
/// Growing does not keep the contents.
class Buffer {
public:
  Buffer() = default;
  ~Buffer();
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  /// Memory of at least `bytes` (never null for a size of 0), or null when
  /// there is none; the old memory is then gone too.
  void *reserve(int64_t bytes) noexcept;
  /// Gives the memory back.
  void release() noexcept;
  void *data() const { return memory; }
  int64_t size() const { return capacity; }

private:
  void *memory = nullptr;
  int64_t capacity = 0;
};

} // namespace heed::runtime

#endif // HEED_RUNTIME_SUPPORT_BUFFER_H
