// Context.cpp - the memory and the state of one call of a compiled program
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Context.h"

#include <cstdint>
#include <cstdio>

using namespace heed::runtime;

template <typename T>
static T *elementOrFail(HeedContext *context, std::vector<T> &list,
                        int64_t index, const char *what) noexcept {
  if (index >= 0 && index < static_cast<int64_t>(list.size()))
    return &list[static_cast<size_t>(index)];
  char text[96];
  std::snprintf(text, sizeof text, "%s %lld: the context has %zu", what,
                static_cast<long long>(index), list.size());
  heed_fail(context, text);
  return nullptr;
}

void heed::runtime::fail(HeedContext &context, int32_t status,
                         const char *message) noexcept {
  if (context.status != 0)
    return;
  context.status = status;
  try {
    context.message = message;
  } catch (...) {
    context.message.clear(); // out of memory: the status alone has to do
  }
}

void heed_fail(HeedContext *context, const char *message) noexcept {
  fail(*context, HEED_FAILED, message);
}

int32_t heed_status(HeedContext *context) noexcept { return context->status; }

int64_t heed_num_threads(HeedContext *context) noexcept {
  return context->numThreads;
}

void *heed_input(HeedContext *context, int64_t index) noexcept {
  Input *input = elementOrFail(context, context->inputs, index, "input");
  if (!input)
    return nullptr;
  // Compiled code takes one pointer type for all memory but only reads inputs.
  return const_cast<void *>(input->data);
}

int64_t heed_input_dim(HeedContext *context, int64_t index,
                       int64_t dim) noexcept {
  Input *input = elementOrFail(context, context->inputs, index, "input");
  if (!input)
    return 0;
  int64_t *size =
      elementOrFail(context, input->dims, dim, "dimension of an input");
  return size ? *size : 0;
}

/// bytes = elementBytes · Π dims, or −1 if that is negative or does not fit.
static int64_t byteSize(int64_t elementBytes, int64_t rank,
                        const int64_t *dims) noexcept {
  int64_t bytes = elementBytes;
  for (int64_t i = 0; i < rank; ++i)
    if (dims[i] < 0 || __builtin_mul_overflow(bytes, dims[i], &bytes))
      return -1;
  return bytes;
}

void *heed_output(HeedContext *context, int64_t index, int64_t rank,
                  const int64_t *dims) noexcept {
  Output *output = elementOrFail(context, context->outputs, index, "output");
  if (!output)
    return nullptr;
  output->data = nullptr;
  int64_t bytes = byteSize(output->elementBytes, rank, dims);
  char text[128];
  if (bytes < 0 || output->elementBytes <= 0) {
    std::snprintf(text, sizeof text, "output %lld: its size is not a size",
                  static_cast<long long>(index));
    heed_fail(context, text);
    return nullptr;
  }
  try {
    output->dims.assign(dims, dims + rank);
  } catch (...) {
    heed_fail(context, "out of memory");
    return nullptr;
  }
  if (output->buffer && output->bufferBytes < bytes) {
    std::snprintf(text, sizeof text,
                  "output %lld: expected a buffer of %lld bytes, got %lld",
                  static_cast<long long>(index), static_cast<long long>(bytes),
                  static_cast<long long>(output->bufferBytes));
    heed_fail(context, text);
    return nullptr;
  }
  output->data = output->buffer ? output->buffer : output->own.reserve(bytes);
  if (!output->data)
    heed_fail(context, "out of memory for an output");
  return output->data;
}

const void *heed_weight(HeedContext *context, int64_t index) noexcept {
  const void **weight =
      elementOrFail(context, context->program->weights, index, "weight");
  return weight ? *weight : nullptr;
}

void *heed::runtime::takeWorkspace(HeedContext &context, int64_t bytes,
                                   bool keep) noexcept {
  Workspace &workspace = context.workspace;
  int64_t end;
  if (bytes < 0 || bytes > INT64_MAX - kLine ||
      __builtin_add_overflow(workspace.used, roundUp(bytes), &end)) {
    fail(context, HEED_NO_MEMORY, "out of memory for the arena");
    return nullptr;
  }
  if (end > workspace.bytes) {
    char text[128];
    std::snprintf(text, sizeof text,
                  "the workspace is too small: expected at least %lld bytes, "
                  "got %lld",
                  static_cast<long long>(end),
                  static_cast<long long>(workspace.bytes));
    fail(context, HEED_SMALL_WORKSPACE, text);
    return nullptr;
  }
  void *memory = workspace.memory + workspace.used;
  if (keep)
    workspace.used = end;
  return memory;
}

void heed_count_arena(HeedContext *context, int64_t part,
                      int64_t bytes) noexcept {
  std::vector<int64_t> &parts = context->need.parts;
  try {
    if (part >= static_cast<int64_t>(parts.size()))
      parts.resize(static_cast<size_t>(part) + 1);
    parts[static_cast<size_t>(part)] = bytes;
  } catch (...) {
    fail(*context, HEED_NO_MEMORY, "out of memory");
  }
}

void *heed_arena(HeedContext *context, int64_t bytes) noexcept {
  if (context->workspace.memory)
    return takeWorkspace(*context, bytes, /*keep=*/true);
  void *memory = context->arena.reserve(bytes);
  if (!memory)
    heed_fail(context, "out of memory for the arena");
  return memory;
}

void *heed_block(HeedContext *context, int64_t bytes) noexcept {
  void *memory = nullptr;
  try {
    memory = context->blocks.emplace_back().reserve(bytes);
  } catch (...) {
    memory = nullptr;
  }
  if (!memory)
    heed_fail(context, "out of memory for a value of a loop or branch");
  return memory;
}

void *heed_arena_part(HeedContext *context, int64_t part,
                      int64_t bytes) noexcept {
  if (part == 0)
    return heed_arena(context, bytes);
  if (context->workspace.memory)
    return takeWorkspace(*context, bytes, /*keep=*/true);
  void *memory = nullptr;
  try {
    while (part > static_cast<int64_t>(context->arenaParts.size()))
      context->arenaParts.emplace_back();
    if (part > 0)
      memory =
          context->arenaParts[static_cast<size_t>(part - 1)].reserve(bytes);
  } catch (...) {
    memory = nullptr;
  }
  if (!memory)
    heed_fail(context, "out of memory for the arena");
  return memory;
}
