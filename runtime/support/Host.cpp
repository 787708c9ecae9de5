// Host.cpp - makes programs and contexts, and runs compiled code
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Context.h"

#include <omp.h>

HeedProgram *heed_program_create(int64_t numWeights,
                                 const void *const *weights) noexcept {
  try {
    auto program = std::make_unique<HeedProgram>();
    program->weights.assign(weights, weights + numWeights);
    return program.release();
  } catch (...) {
    return nullptr;
  }
}

void heed_program_destroy(HeedProgram *program) noexcept { delete program; }

HeedContext *heed_context_create(HeedProgram *program, int64_t numInputs,
                                 int64_t numOutputs,
                                 int64_t numThreads) noexcept {
  try {
    auto context = std::make_unique<HeedContext>();
    context->program = program;
    context->numThreads = numThreads > 0 ? numThreads : omp_get_max_threads();
    context->inputs.resize(static_cast<size_t>(numInputs));
    context->outputs =
        std::vector<heed::runtime::Output>(static_cast<size_t>(numOutputs));
    return context.release();
  } catch (...) {
    return nullptr;
  }
}

void heed_context_destroy(HeedContext *context) noexcept { delete context; }

int32_t heed_context_set_input(HeedContext *context, int64_t index,
                               const void *data, int64_t rank,
                               const int64_t *dims) noexcept {
  if (index < 0 || index >= static_cast<int64_t>(context->inputs.size()))
    return 1;
  try {
    heed::runtime::Input &input = context->inputs[static_cast<size_t>(index)];
    input.dims.assign(dims, dims + rank);
    input.data = data;
    return 0;
  } catch (...) {
    return 1;
  }
}

int32_t heed_context_set_output(HeedContext *context, int64_t index,
                                int64_t elementBytes, void *buffer,
                                int64_t bytes) noexcept {
  if (index < 0 || index >= static_cast<int64_t>(context->outputs.size()) ||
      elementBytes <= 0)
    return 1;
  heed::runtime::Output &output = context->outputs[static_cast<size_t>(index)];
  output.elementBytes = elementBytes;
  output.buffer = buffer;
  output.bufferBytes = bytes;
  return 0;
}

void *heed_context_output(HeedContext *context, int64_t index, int64_t *rank,
                          const int64_t **dims) noexcept {
  *rank = 0;
  *dims = nullptr;
  if (index < 0 || index >= static_cast<int64_t>(context->outputs.size()))
    return nullptr;
  heed::runtime::Output &output = context->outputs[static_cast<size_t>(index)];
  *rank = static_cast<int64_t>(output.dims.size());
  *dims = output.dims.data();
  return output.data;
}

void heed_context_reset(HeedContext *context) noexcept {
  context->status = 0;
  context->message.clear();
  context->blocks.clear();
}

int32_t heed_context_run(HeedContext *context, HeedEntry entry) noexcept {
  heed_context_reset(context);
  context->workspace.used = 0;
  int32_t status = entry(context);
  return context->status != 0 ? context->status : status;
}

const char *heed_context_error(HeedContext *context) noexcept {
  if (context->status != 0 && context->message.empty())
    return "out of memory";
  return context->message.c_str();
}

int64_t heed_context_scratch_bytes(HeedContext *context) noexcept {
  int64_t parts = 0;
  for (const heed::runtime::Buffer &part : context->arenaParts)
    parts += part.size();
  for (const heed::runtime::Buffer &block : context->blocks)
    parts += block.size();
  return context->arena.size() + parts + context->scratchpad.size() +
         context->conversions.size();
}
