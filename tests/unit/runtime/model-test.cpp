// model-test.cpp - loading and calling a model as heed-compile describes one
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/MathCalls.h"
#include "runtime/support/Model.h"
#include "runtime/support/ModelCode.h"

#include <array>
#include <cstring>
#include <gtest/gtest.h>

namespace {

/// y = weight 0 · x, elementwise, which may be done in place.
int32_t scale(HeedContext *context) {
  int64_t n = heed_input_dim(context, 0, 1);
  int64_t dims[] = {2, n};
  auto *x = static_cast<const float *>(heed_input(context, 0));
  auto *y = static_cast<float *>(heed_output(context, 0, 2, dims));
  auto *w = static_cast<const float *>(heed_weight(context, 0));
  if (heed_status(context))
    return heed_status(context);
  for (int64_t i = 0; i < 2 * n; ++i)
    y[i] = *w * x[i];
  return 0;
}

/// Asks for 4 bytes an element, and in a second part for 100.
int32_t useScratch(HeedContext *context) {
  int64_t n = heed_input_dim(context, 0, 1);
  void *first = heed_arena(context, 8 * n);
  void *second = first ? heed_arena_part(context, 1, 100) : nullptr;
  if (!second)
    return heed_status(context);
  std::memset(first, 1, static_cast<size_t>(8 * n));
  std::memset(second, 2, 100);
  return scale(context);
}

int32_t countScratch(HeedContext *context) {
  heed_count_arena(context, 1, 100);
  heed_count_arena(context, 0, 8 * heed_input_dim(context, 0, 1));
  return heed_status(context);
}

struct ModelTest : testing::Test {
  float weight = 3;
  int64_t offset = 0;
  int64_t shape[2] = {2, -1};
  HeedModelCode code{scale, countScratch, 0, &weight, 0, 1, &offset};
  HeedPort input{"x", HEED_FLOAT32, 2, shape, -1};
  HeedPort output{"y", HEED_FLOAT32, 2, shape, 0};
  HeedModel model{HEED_MODEL_VERSION,
                  1,
                  1,
                  "scale",
                  "any",
                  &input,
                  &output,
                  0,
                  64,
                  0,
                  &code};
  HeedProgram *program = nullptr;
  HeedContext *context = nullptr;
  std::array<float, 6> x{1, 2, 3, 4, 5, 6}, y{};
  int64_t sizes[2] = {2, 3};
  HeedInput in{x.data(), sizeof x, sizes};
  HeedOutput out{};

  void load() {
    ASSERT_EQ(heed_model_load(&model, nullptr, &program), HEED_OK);
    context = heed_model_context(program, 1);
    ASSERT_TRUE(context);
  }
  void refuse(const char *message, int32_t status = HEED_BAD_ARGUMENT) {
    EXPECT_EQ(heed_model_run(context, &model, &in, &out), status);
    EXPECT_STREQ(heed_context_error(context), message);
  }
  ~ModelTest() override {
    heed_context_destroy(context);
    heed_program_destroy(program);
  }
};

TEST_F(ModelTest, RunsIntoTheContextsMemoryAndTheCallers) {
  load();
  ASSERT_EQ(heed_model_run(context, &model, &in, &out), HEED_OK);
  EXPECT_EQ(out.bytes, 24);
  EXPECT_EQ(out.shape[1], 3);
  EXPECT_EQ(static_cast<float *>(out.data)[5], 18);
  out.buffer = y.data();
  out.bufferBytes = sizeof y;
  ASSERT_EQ(heed_model_run(context, &model, &in, &out), HEED_OK);
  EXPECT_EQ(out.data, y.data());
  EXPECT_EQ(y[0], 3);
}

TEST_F(ModelTest, AllowedToShareMemoryInPlace) {
  load();
  out.buffer = x.data();
  out.bufferBytes = sizeof x;
  ASSERT_EQ(heed_model_run(context, &model, &in, &out), HEED_OK);
  EXPECT_EQ(x[5], 18);
  output.inPlace = -1;
  refuse("output 0 (y: float32[2,?]): its buffer overlaps input 0");
  output.inPlace = 0;
  out.buffer = x.data() + 1;
  out.bufferBytes = sizeof x - 4;
  refuse("output 0 (y: float32[2,?]): its buffer overlaps input 0");
}

TEST_F(ModelTest, RefusesWhatDoesNotFit) {
  load();
  sizes[0] = 3;
  refuse("input 0 (x: float32[2,?]): got the shape [3,3]");
  sizes[0] = 2;
  sizes[1] = INT64_MAX / 4;
  refuse("input 0 (x: float32[2,?]): got the shape [2,2305843009213693951]");
  sizes[1] = 2;
  refuse("input 0 (x: float32[2,?]): expected 16 bytes, got 24");
  in.shape = nullptr;
  refuse("input 0 (x: float32[2,?]): expected a shape, got null");
  in.shape = sizes;
  in.bytes = 16;
  in.data = nullptr;
  refuse("input 0 (x: float32[2,?]): expected data, got null");
  in.data = x.data();
  out.buffer = y.data();
  out.bufferBytes = 8;
  refuse("output 0: expected a buffer of 16 bytes, got 8", HEED_FAILED);
  out.bufferBytes = -1;
  refuse("output 0 (y: float32[2,?]): expected a buffer's size, got -1");
  EXPECT_EQ(heed_model_run(context, &model, nullptr, &out), HEED_BAD_ARGUMENT);
  EXPECT_EQ(heed_model_run(nullptr, &model, &in, &out), HEED_BAD_ARGUMENT);
  HeedModel other = model;
  EXPECT_EQ(heed_model_run(context, &other, &in, &out), HEED_BAD_ARGUMENT);
  out = {};
  EXPECT_EQ(heed_model_run(context, &model, &in, &out), HEED_OK);
  EXPECT_STREQ(heed_context_error(context), "");
}

TEST_F(ModelTest, TakesScratchMemoryFromTheCallersWorkspace) {
  code.entry = useScratch;
  load();
  const int64_t *shapes[] = {sizes};
  int64_t bytes = 0;
  ASSERT_EQ(heed_model_workspace(context, shapes, &bytes), HEED_OK);
  EXPECT_EQ(bytes, 64 + 128); // 24 and 100, in lines
  alignas(64) std::array<char, 256> memory{};
  ASSERT_EQ(heed_context_set_workspace(context, memory.data(), bytes), HEED_OK);
  for (int run = 0; run < 2; ++run) {
    memory.fill(0);
    ASSERT_EQ(heed_model_run(context, &model, &in, &out), HEED_OK);
    EXPECT_EQ(memory[23], 1);
    EXPECT_EQ(memory[24], 0);
    EXPECT_EQ(memory[64], 2);
    EXPECT_EQ(memory[164], 0);
  }
  EXPECT_EQ(heed_context_scratch_bytes(context), 0);
  heed_context_set_workspace(context, memory.data(), 128);
  refuse("the workspace is too small: expected at least 192 bytes, got 128",
         HEED_SMALL_WORKSPACE);
  ASSERT_EQ(heed_context_set_workspace(context, nullptr, 0), HEED_OK);
  ASSERT_EQ(heed_model_run(context, &model, &in, &out), HEED_OK);
  EXPECT_EQ(heed_context_scratch_bytes(context), 64 + 128);
}

TEST_F(ModelTest, RefusesAWorkspaceThatIsNone) {
  code.entry = useScratch;
  load();
  alignas(64) std::array<char, 256> memory{};
  ASSERT_EQ(heed_context_set_workspace(context, memory.data(), 256), HEED_OK);
  EXPECT_EQ(heed_context_set_workspace(context, memory.data() + 8, 128),
            HEED_BAD_ARGUMENT);
  EXPECT_STREQ(heed_context_error(context),
               "expected a workspace at a multiple of 64 bytes");
  EXPECT_EQ(heed_context_set_workspace(context, memory.data(), -1),
            HEED_BAD_ARGUMENT);
  EXPECT_EQ(heed_context_set_workspace(nullptr, nullptr, 0), HEED_BAD_ARGUMENT);
  EXPECT_EQ(heed_model_run(context, &model, &in, &out), HEED_OK);
  EXPECT_EQ(memory[0], 1); // what was refused changed nothing

  int64_t bytes = 0, wrong[] = {3, 3};
  const int64_t *shapes[] = {wrong};
  EXPECT_EQ(heed_model_workspace(context, shapes, &bytes), HEED_BAD_ARGUMENT);
  EXPECT_STREQ(heed_context_error(context),
               "input 0 (x: float32[2,?]): got the shape [3,3]");
  EXPECT_EQ(heed_model_workspace(context, nullptr, &bytes), HEED_BAD_ARGUMENT);
  EXPECT_STREQ(heed_context_error(context),
               "input 0 (x: float32[2,?]): expected a shape, got null");
  wrong[0] = 2;
  wrong[1] = INT64_MAX / 4;
  EXPECT_EQ(heed_model_workspace(context, shapes, &bytes), HEED_BAD_ARGUMENT);
  wrong[1] = INT64_MAX / 8; // of 4 bytes each, just addressable
  EXPECT_EQ(heed_model_workspace(context, shapes, &bytes), HEED_NO_MEMORY);
  EXPECT_EQ(heed_model_workspace(nullptr, shapes, &bytes), HEED_BAD_ARGUMENT);
  EXPECT_EQ(heed_model_workspace(context, shapes, nullptr), HEED_BAD_ARGUMENT);
  code.workspace = nullptr;
  wrong[1] = 3;
  EXPECT_EQ(heed_model_workspace(context, shapes, &bytes), HEED_FAILED);
  EXPECT_STREQ(heed_context_error(context),
               "scale: the workspace depends on elements of the inputs");
}

TEST_F(ModelTest, RefusesAnotherVersionBeforeAnythingElse) {
  model.version = HEED_MODEL_VERSION + 1;
  model.code = nullptr;
  EXPECT_EQ(heed_model_load(&model, nullptr, &program), HEED_BAD_VERSION);
  EXPECT_TRUE(std::strstr(heed_program_error(program), "version 3"));
  EXPECT_EQ(heed_model_context(program, 1), nullptr);
}

TEST_F(ModelTest, RefusesACpuFeatureThatTheRuntimeDoesNotKnow) {
  code.cpuFeatures = uint64_t(1) << 63;
  EXPECT_EQ(heed_model_load(&model, nullptr, &program), HEED_BAD_CPU);
  EXPECT_TRUE(std::strstr(heed_program_error(program), "this one lacks "));
  EXPECT_EQ(heed_model_context(program, 1), nullptr);
}

TEST_F(ModelTest, RefusesNoModel) {
  EXPECT_EQ(heed_model_load(nullptr, nullptr, &program), HEED_BAD_ARGUMENT);
  EXPECT_STREQ(heed_program_error(program), "expected a model, got null");
}

TEST(StatusTest, EachHasAMessage) {
  for (int32_t status = HEED_OK; status <= HEED_SMALL_WORKSPACE; ++status)
    EXPECT_STRNE(heed_status_message(status), "not a status") << status;
  EXPECT_STREQ(heed_status_message(99), "not a status");
  EXPECT_EQ(heed_type_bytes(HEED_FLOAT64), 8);
  EXPECT_STREQ(heed_type_name(HEED_BFLOAT16), "bfloat16");
}

/// The bf16 that lies in the low half of the register.
uint16_t toBf16(double x) {
  float result = heed_math___truncdfbf2(x);
  uint32_t bits;
  std::memcpy(&bits, &result, sizeof bits);
  return static_cast<uint16_t>(bits);
}

TEST(MathCallsTest, RoundsADoubleOnceToBf16) {
  EXPECT_EQ(toBf16(1), 0x3f80);
  EXPECT_EQ(toBf16(-2), 0xc000);
  // Ties between 1 and 1 + 2^-7: exactly, and a trace above and below.
  double tie = 1 + 0x1p-8;
  EXPECT_EQ(toBf16(tie), 0x3f80);
  EXPECT_EQ(toBf16(tie + 0x1p-50), 0x3f81);
  EXPECT_EQ(toBf16(tie - 0x1p-50), 0x3f80);
  EXPECT_EQ(toBf16(1 + 3 * 0x1p-8 - 0x1p-50), 0x3f81);
  EXPECT_EQ(toBf16(-tie - 0x1p-50), 0xbf81);
  EXPECT_EQ(toBf16(1e300), 0x7f80);
  EXPECT_EQ(toBf16(0.0 / 0.0) & 0x7fc0, 0x7fc0);
}

} // namespace
