// Context.h - the runtime's own view of programs and contexts
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_SUPPORT_CONTEXT_H
#define HEED_RUNTIME_SUPPORT_CONTEXT_H

#include "runtime/support/Buffer.h"
#include "runtime/support/Host.h"
#include "runtime/support/Model.h"
#include "runtime/support/Profile.h"

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace heed::runtime {

/// What a library room (runtime/onednn, runtime/cuda) keeps in a program or in a context.
/// Support only owns it.
struct LibraryState {
  virtual ~LibraryState() = default;
};

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

/// Scratch memory that is the caller's. A run takes the parts of the arena from
/// its beginning, one after the other; library primitives use what is left, each
/// from the same place.
struct Workspace {
  char *memory = nullptr; // null: the context's own buffers
  int64_t bytes = 0, used = 0;
};

/// What a run will ask for, as counted.
struct Need {
  std::vector<int64_t> parts; // of the arena
  int64_t library = 0;        // of the primitive that wants most
};

/// What marks write to; neither list grows after heed_profile_open.
struct Profile {
  std::vector<HeedKernelTotal> totals;  // by kernel
  std::vector<HeedProfileEvent> events; // the first `used` are filled
  int64_t used = 0, lost = 0;
  int64_t running = -1; // the kernel that has begun and not ended
  int64_t began = 0, origin = 0;
  bool enabled = true;
};

} // namespace heed::runtime

struct HeedProgram {
  std::vector<const void *> weights;
  /// Guards `library` and what is reached through it while that is built; what
  /// is built does not change any more and is used without the lock.
  std::mutex mutex;
  std::unique_ptr<heed::runtime::LibraryState> library;
  std::unique_ptr<heed::runtime::LibraryState> cuda; // the device
  // Of a model that heed-compile made:
  const HeedModel *model = nullptr; // null: not one, or not loaded
  heed::runtime::Buffer fileWeights;
  int32_t status = 0; // of loading it
  std::string message;
};

struct HeedContext {
  HeedProgram *program = nullptr;
  int64_t numThreads = 1;
  std::vector<heed::runtime::Input> inputs;
  std::vector<heed::runtime::Output> outputs;
  heed::runtime::Buffer arena;                  // of compiled code
  std::deque<heed::runtime::Buffer> arenaParts; // what follows it
  std::deque<heed::runtime::Buffer> blocks;     // of one run
  heed::runtime::Buffer scratchpad;             // of library primitives
  heed::runtime::Buffer conversions; // operands in a primitive's own layout
  heed::runtime::Workspace workspace;
  heed::runtime::Need need;
  std::unique_ptr<heed::runtime::LibraryState> library;
  std::unique_ptr<heed::runtime::LibraryState> cuda; // buffers on the device
  std::unique_ptr<heed::runtime::Profile> profile;   // if the host asked for it
  int32_t status = 0;
  std::string message;
};

namespace heed::runtime {

/// In multiples of a cache line, as all scratch memory is.
constexpr int64_t kLine = 64;
constexpr int64_t roundUp(int64_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

/// Records a failure with a status of Model.h. The first message is kept.
void fail(HeedContext &context, int32_t status, const char *message) noexcept;

/// The next `bytes` of the caller's workspace, for the whole run if `keep`; null
/// with a failure where it is too small.
void *takeWorkspace(HeedContext &context, int64_t bytes, bool keep) noexcept;

} // namespace heed::runtime

#endif // HEED_RUNTIME_SUPPORT_CONTEXT_H
