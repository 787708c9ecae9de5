// Model.cpp - loads and runs the models that heed-compile made
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/ModelLoad.h"

#include <cinttypes>
#include <cstdio>
#include <new>

using namespace heed::runtime;

namespace {
struct TypeInfo {
  const char *name;
  int64_t bytes;
};

/// In the order of HeedType.
constexpr TypeInfo kTypes[] = {{"bool", 1},    {"int8", 1},     {"uint8", 1},
                               {"int16", 2},   {"uint16", 2},   {"int32", 4},
                               {"uint32", 4},  {"int64", 8},    {"uint64", 8},
                               {"float16", 2}, {"bfloat16", 2}, {"float32", 4},
                               {"float64", 8}};
constexpr size_t kNumTypes = sizeof kTypes / sizeof *kTypes;
static_assert(kNumTypes == HEED_FLOAT64 + 1, "one entry for each type");

/// What makes an argument bad; empty where nothing does.
using Problem = std::string;

std::string shapeText(const int64_t *shape, int64_t rank) {
  std::string text = "[";
  for (int64_t i = 0; i < rank; ++i)
    text += (i ? "," : "") +
            (shape[i] < 0 ? std::string("?") : std::to_string(shape[i]));
  return text + "]";
}

/// "input 0 (x: float32[1,3,?,?])"
std::string portText(const char *kind, int64_t index, const HeedPort &port) {
  return std::string(kind) + " " + std::to_string(index) + " (" + port.name +
         ": " + heed_type_name(port.type) + shapeText(port.shape, port.rank) +
         ")";
}

/// A shape that the caller gave, or null, as that of an input; its size in bytes.
Problem bindShape(const HeedPort &port, const int64_t *given,
                  const int64_t *&shape, int64_t &bytes) {
  shape = given ? given : port.shape;
  bytes = heed_type_bytes(port.type);
  for (int64_t i = 0; i < port.rank; ++i) {
    if (shape[i] < 0 && !given)
      return "expected a shape, got null";
    if (shape[i] < 0 || (port.shape[i] >= 0 && shape[i] != port.shape[i]) ||
        __builtin_mul_overflow(bytes, shape[i], &bytes))
      return "got the shape " + shapeText(shape, port.rank);
  }
  return {};
}

void setInput(HeedContext &context, int64_t index, const HeedPort &port,
              const void *data, const int64_t *shape) {
  if (heed_context_set_input(&context, index, data, port.rank, shape))
    throw std::bad_alloc();
}

Problem bindInput(HeedContext &context, int64_t index, const HeedPort &port,
                  const HeedInput &input) {
  const int64_t *shape;
  int64_t bytes;
  if (Problem problem = bindShape(port, input.shape, shape, bytes);
      !problem.empty())
    return problem;
  if (input.bytes != bytes)
    return "expected " + std::to_string(bytes) + " bytes, got " +
           std::to_string(input.bytes);
  if (!input.data && bytes > 0)
    return "expected data, got null";
  setInput(context, index, port, input.data, shape);
  return {};
}

bool overlap(const void *a, int64_t aBytes, const void *b, int64_t bBytes) {
  auto begin = [](const void *p) { return reinterpret_cast<uintptr_t>(p); };
  return begin(a) < begin(b) + static_cast<uintptr_t>(bBytes) &&
         begin(b) < begin(a) + static_cast<uintptr_t>(aBytes);
}

Problem bindOutput(HeedContext &context, const HeedModel &model, int64_t index,
                   const HeedInput *inputs, const HeedOutput *outputs) {
  const HeedPort &port = model.outputs[index];
  void *buffer = outputs[index].buffer;
  int64_t bytes = buffer ? outputs[index].bufferBytes : 0;
  if (bytes < 0)
    return "expected a buffer's size, got " + std::to_string(bytes);
  for (int64_t i = 0; i < model.numInputs; ++i)
    if (overlap(buffer, bytes, inputs[i].data, inputs[i].bytes) &&
        !(i == port.inPlace && buffer == inputs[i].data))
      return "its buffer overlaps input " + std::to_string(i);
  for (int64_t i = 0; i < index; ++i)
    if (outputs[i].buffer &&
        overlap(buffer, bytes, outputs[i].buffer, outputs[i].bufferBytes))
      return "its buffer overlaps output " + std::to_string(i);
  heed_context_set_output(&context, index, heed_type_bytes(port.type), buffer,
                          bytes);
  return {};
}

int32_t refuse(HeedContext &context, int32_t status,
               const std::string &message) {
  fail(context, status, message.c_str());
  return status;
}

int32_t bindAll(HeedContext &context, const HeedModel &model,
                const HeedInput *inputs, HeedOutput *outputs) {
  if ((model.numInputs > 0 && !inputs) || (model.numOutputs > 0 && !outputs))
    return refuse(context, HEED_BAD_ARGUMENT,
                  "expected arrays of inputs and outputs, got null");
  for (int64_t i = 0; i < model.numInputs; ++i)
    if (Problem problem = bindInput(context, i, model.inputs[i], inputs[i]);
        !problem.empty())
      return refuse(context, HEED_BAD_ARGUMENT,
                    portText("input", i, model.inputs[i]) + ": " + problem);
  for (int64_t i = 0; i < model.numOutputs; ++i)
    if (Problem problem = bindOutput(context, model, i, inputs, outputs);
        !problem.empty())
      return refuse(context, HEED_BAD_ARGUMENT,
                    portText("output", i, model.outputs[i]) + ": " + problem);
  return HEED_OK;
}
} // namespace

int64_t heed_type_bytes(HeedType type) noexcept {
  return static_cast<size_t>(type) < kNumTypes ? kTypes[type].bytes : 0;
}

const char *heed_type_name(HeedType type) noexcept {
  return static_cast<size_t>(type) < kNumTypes ? kTypes[type].name : "";
}

const char *heed_status_message(int32_t status) noexcept {
  switch (status) {
  case HEED_OK:
    return "no error";
  case HEED_FAILED:
    return "the run failed";
  case HEED_BAD_ARGUMENT:
    return "an array does not fit the model";
  case HEED_BAD_WEIGHTS:
    return "the weights' file cannot be used";
  case HEED_BAD_CPU:
    return "the model was compiled for another CPU";
  case HEED_BAD_VERSION:
    return "the model was compiled for another version of the runtime";
  case HEED_NO_MEMORY:
    return "out of memory";
  case HEED_SMALL_WORKSPACE:
    return "the workspace is too small";
  default:
    return "not a status";
  }
}

static void load(HeedProgram &program, const HeedModel &model,
                 const char *weightsFile) {
  auto refuse = [&](int32_t status, std::string message) {
    program.status = status;
    program.message = std::move(message);
  };
  // The only field whose place is the same in all versions.
  if (model.version != HEED_MODEL_VERSION)
    return refuse(HEED_BAD_VERSION, "the model was compiled for version " +
                                        std::to_string(model.version) +
                                        " of the runtime, this is version " +
                                        std::to_string(HEED_MODEL_VERSION));
  const HeedModelCode &code = *model.code;
  if (std::string missing = missingCpuFeatures(code.cpuFeatures);
      !missing.empty())
    return refuse(HEED_BAD_CPU, std::string(model.name) +
                                    ": compiled for the CPU " + model.cpu +
                                    "; this one lacks " + missing);
  const void *weights = code.weights;
  if (model.weightsInFile) {
    std::string problem = readWeights(model, weightsFile, program.fileWeights);
    if (!problem.empty())
      return refuse(HEED_BAD_WEIGHTS, std::string(model.name) + ": " + problem);
    weights = program.fileWeights.data();
  }
  for (int64_t i = 0; i < code.numWeights; ++i)
    program.weights.push_back(static_cast<const char *>(weights) +
                              code.weightOffsets[i]);
  program.model = &model;
}

int32_t heed_model_load(const HeedModel *model, const char *weightsFile,
                        HeedProgram **program) noexcept {
  *program = nullptr;
  try {
    auto made = std::make_unique<HeedProgram>();
    if (model) {
      load(*made, *model, weightsFile);
    } else {
      made->status = HEED_BAD_ARGUMENT;
      made->message = "expected a model, got null";
    }
    *program = made.release();
    return (*program)->status;
  } catch (...) {
    return HEED_NO_MEMORY;
  }
}

const char *heed_program_error(const HeedProgram *program) noexcept {
  return program ? program->message.c_str()
                 : heed_status_message(HEED_NO_MEMORY);
}

HeedContext *heed_model_context(HeedProgram *program,
                                int64_t numThreads) noexcept {
  if (!program || !program->model)
    return nullptr;
  return heed_context_create(program, program->model->numInputs,
                             program->model->numOutputs, numThreads);
}

int32_t heed_model_run(HeedContext *context, const HeedModel *model,
                       const HeedInput *inputs, HeedOutput *outputs) noexcept {
  if (!context)
    return HEED_BAD_ARGUMENT;
  heed_context_reset(context);
  try {
    if (context->program->model != model)
      return refuse(*context, HEED_BAD_ARGUMENT,
                    "the context was made for another model");
    if (int32_t status = bindAll(*context, *model, inputs, outputs))
      return status;
  } catch (...) {
    context->message.clear();
    return context->status = HEED_NO_MEMORY;
  }
  if (int32_t status = heed_context_run(context, model->code->entry))
    return status;
  for (int64_t i = 0; i < model->numOutputs; ++i) {
    int64_t rank = 0;
    outputs[i].data = heed_context_output(context, i, &rank, &outputs[i].shape);
    outputs[i].bytes = heed_type_bytes(model->outputs[i].type);
    for (int64_t d = 0; d < rank; ++d)
      outputs[i].bytes *= outputs[i].shape[d];
  }
  return HEED_OK;
}

/// What the counted parts come to: in the workspace they lie one after the
/// other, and the primitives' memory behind the last.
static int32_t sum(HeedContext &context, int64_t *bytes) {
  int64_t total = roundUp(context.need.library);
  for (int64_t part : context.need.parts)
    if (part < 0 || part > INT64_MAX - kLine ||
        __builtin_add_overflow(total, roundUp(part), &total))
      return refuse(context, HEED_NO_MEMORY,
                    "the workspace is larger than any memory");
  *bytes = total;
  return HEED_OK;
}

int32_t heed_model_workspace(HeedContext *context, const int64_t *const *shapes,
                             int64_t *bytes) noexcept {
  if (!context || !context->program->model || !bytes)
    return HEED_BAD_ARGUMENT;
  const HeedModel &model = *context->program->model;
  heed_context_reset(context);
  context->need = {};
  try {
    for (int64_t i = 0; i < model.numInputs; ++i) {
      const HeedPort &port = model.inputs[i];
      const int64_t *shape;
      int64_t inputBytes;
      Problem problem =
          bindShape(port, shapes ? shapes[i] : nullptr, shape, inputBytes);
      if (!problem.empty())
        return refuse(*context, HEED_BAD_ARGUMENT,
                      portText("input", i, port) + ": " + problem);
      setInput(*context, i, port, nullptr, shape);
    }
    if (!model.code->workspace)
      return refuse(*context, HEED_FAILED,
                    std::string(model.name) +
                        ": the workspace depends on elements of the inputs");
    if (int32_t status = heed_context_run(context, model.code->workspace))
      return status;
    return sum(*context, bytes);
  } catch (...) {
    context->message.clear();
    return context->status = HEED_NO_MEMORY;
  }
}

int32_t heed_context_set_workspace(HeedContext *context, void *memory,
                                   int64_t bytes) noexcept {
  if (!context)
    return HEED_BAD_ARGUMENT;
  heed_context_reset(context);
  try {
    if (bytes < 0)
      return refuse(*context, HEED_BAD_ARGUMENT,
                    "expected a workspace's size, got " +
                        std::to_string(bytes));
    if (reinterpret_cast<uintptr_t>(memory) % HEED_WORKSPACE_ALIGNMENT != 0)
      return refuse(*context, HEED_BAD_ARGUMENT,
                    "expected a workspace at a multiple of " +
                        std::to_string(HEED_WORKSPACE_ALIGNMENT) + " bytes");
  } catch (...) {
    return context->status = HEED_BAD_ARGUMENT;
  }
  for (Buffer *own :
       {&context->arena, &context->scratchpad, &context->conversions})
    own->release();
  context->arenaParts.clear();
  context->workspace = {static_cast<char *>(memory), bytes, 0};
  return HEED_OK;
}
