// Context.h - the runtime's own view of programs and contexts
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_SUPPORT_CONTEXT_H
#define HEED_RUNTIME_SUPPORT_CONTEXT_H

#include "runtime/support/Buffer.h"
#include "runtime/support/Host.h"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace heed::runtime {

/// What a library room (runtime/onednn) keeps in a program or a context for one
/// call site. Support only owns it.
struct SiteState {
  virtual ~SiteState() = default;
};

/// Sites are known by the address of their constant record.
using SiteTable = std::unordered_map<const void *, std::unique_ptr<SiteState>>;

struct Input {
  const void *data = nullptr;
  std::vector<int64_t> dims;
};

struct Output {
  int64_t elementBytes = 0;
  void *buffer = nullptr; // the caller's, if any
  int64_t bufferBytes = 0;
  Buffer own; // used without a caller's buffer
  void *data = nullptr;
  std::vector<int64_t> dims;
};

} // namespace heed::runtime

struct HeedProgram {
  std::vector<const void *> weights;
  /// Guards `sites` and everything reached through it while it is built; what
  /// is built is immutable and used without the lock.
  std::mutex mutex;
  heed::runtime::SiteTable sites;
};

struct HeedContext {
  HeedProgram *program = nullptr;
  int64_t numThreads = 1;
  std::vector<heed::runtime::Input> inputs;
  std::vector<heed::runtime::Output> outputs;
  heed::runtime::Buffer arena;       // of compiled code
  heed::runtime::Buffer scratchpad;  // of library primitives
  heed::runtime::Buffer conversions; // operands in a primitive's own layout
  heed::runtime::SiteTable sites;    // this caller's; no lock needed
  int32_t status = 0;
  std::string message;
};

#endif // HEED_RUNTIME_SUPPORT_CONTEXT_H
