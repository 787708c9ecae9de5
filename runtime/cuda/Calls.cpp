// Calls.cpp - what compiled code calls, for the device of its context
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Device.h"

#include <new>

using namespace heed::cuda;

static void open(HeedContext &context) {
  HeedProgram &program = *context.program;
  {
    std::lock_guard<std::mutex> lock(program.mutex);
    if (!program.cuda)
      program.cuda = std::make_unique<Device>();
  }
  auto &device = static_cast<Device &>(*program.cuda);
  device.makeCurrent();
  context.cuda = std::make_unique<Session>(device);
}

int32_t heed_cuda_start(HeedContext *context) noexcept {
  if (context->status == 0 && !context->cuda) {
    try {
      open(*context);
    } catch (const Error &error) {
      heed_fail(context, error.message.c_str());
    } catch (...) {
      heed_fail(context, "out of memory");
    }
  }
  guarded(context, [](Session &session) {
    session.device.makeCurrent();
    session.reset();
  });
  return context->status;
}

void heed_cuda_buffer(HeedContext *context, void *memory, int64_t bytes,
                      int32_t kind) noexcept {
  guarded(context, [&](Session &session) {
    session.add(static_cast<const char *>(memory), bytes, kind);
  });
}

void *heed_cuda_to_device(HeedContext *context, void *address,
                          int32_t access) noexcept {
  DevicePointer result = 0;
  if (access == HEED_CUDA_NOTHING)
    return nullptr;
  guarded(context, [&](Session &session) {
    result = session.toDevice(static_cast<const char *>(address),
                              access == HEED_CUDA_WRITES);
  });
  return reinterpret_cast<void *>(result);
}

int32_t heed_cuda_to_host(HeedContext *context, void *address,
                          int32_t writes) noexcept {
  guarded(context, [&](Session &session) {
    session.toHost(static_cast<const char *>(address), writes != 0);
  });
  return context->status;
}

int32_t heed_cuda_tensor_map(HeedContext *context, void *map, void *address,
                             int32_t isBf16, int64_t rank,
                             const int64_t *frame) noexcept {
  guarded(context, [&](Session &session) {
    if (rank < 1 || rank > HEED_CUDA_MAP_DIMS)
      throw Error{"expected a tensor map of 1 to 5 dims"};
    session.encodeMap(map, static_cast<const char *>(address), isBf16 != 0,
                      rank, frame);
  });
  return context->status;
}

int32_t heed_cuda_launch(HeedContext *context, const void *image,
                         const char *name, const int64_t *frame,
                         int64_t words) noexcept {
  guarded(context,
          [&](Session &session) { session.launch(image, name, frame, words); });
  return context->status;
}

int32_t heed_cuda_finish(HeedContext *context) noexcept {
  guarded(context, [](Session &session) { session.wait(); });
  return context->status;
}

void heed_cuda_counts(HeedContext *context, HeedCudaCounts *counts) noexcept {
  *counts = HeedCudaCounts{};
  if (auto *session = static_cast<Session *>(context->cuda.get()))
    *counts = session->counts;
}
