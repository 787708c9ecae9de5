// cuda-test.cpp - where buffers are up to date, on the emulated driver.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/cuda/Cuda.h"
#include "runtime/support/Host.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

/// y[i] = x[i] + 1 for 32 floats.
const char *const kImage = R"(
gpu.module @heed_kernels {
  llvm.func @increment(%x: !llvm.ptr, %y: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    %one = arith.constant 1.0 : f32
    %four = arith.constant 4 : i32
    %i = nvvm.read.ptx.sreg.tid.x : i32
    %offset = arith.muli %i, %four : i32
    %from = llvm.getelementptr %x[%offset] : (!llvm.ptr, i32) -> !llvm.ptr, i8
    %to = llvm.getelementptr %y[%offset] : (!llvm.ptr, i32) -> !llvm.ptr, i8
    %a = llvm.load %from : !llvm.ptr -> f32
    %b = arith.addf %a, %one : f32
    llvm.store %b, %to : f32, !llvm.ptr
    llvm.return
  }
})";
constexpr int64_t kCount = 32, kBytes = 4 * kCount;
using Floats = std::vector<float>;

class Cuda : public testing::Test {
protected:
  Cuda() { setenv("HEED_CUDA_DRIVER", HEED_FAKE_CUDA, 1); }
  ~Cuda() override { unsetenv("HEED_FAKE_CUDA_MEMORY"); }

  void add(Floats &memory, HeedCudaBufferKind kind) {
    heed_cuda_buffer(handle, memory.data(), 4 * int64_t(memory.size()), kind);
  }

  int32_t increment(const float *x, float *y) {
    int64_t frame[HEED_CUDA_LAUNCH_WORDS + 2] = {1, 1, 1, 32, 1, 1};
    frame[HEED_CUDA_LAUNCH_WORDS] = reinterpret_cast<int64_t>(
        heed_cuda_to_device(handle, const_cast<float *>(x), 0));
    frame[HEED_CUDA_LAUNCH_WORDS + 1] =
        reinterpret_cast<int64_t>(heed_cuda_to_device(handle, y, 1));
    return heed_cuda_launch(handle, kImage, "increment", frame,
                            HEED_CUDA_LAUNCH_WORDS + 2);
  }

  HeedCudaCounts counts() {
    HeedCudaCounts result;
    heed_cuda_counts(handle, &result);
    return result;
  }

  heed::Program program;
  heed::Context context{program, 0, 0, 1};
  HeedContext *handle = context.get();
  Floats x = Floats(kCount, 1), y = Floats(kCount, 0), z = Floats(kCount, 0);
};

TEST_F(Cuda, SaysWhatTheDeviceIs) {
  HeedCudaDevice device;
  char error[256] = "";
  ASSERT_EQ(heed_cuda_device(&device, error, sizeof error), 0) << error;
  EXPECT_EQ(std::string(device.name), "emulated GPU");
  EXPECT_EQ(device.major, 9);
  EXPECT_EQ(device.minor, 0);
}

TEST_F(Cuda, CopiesWhereABufferIsUsedNext) {
  ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
  add(x, HEED_CUDA_INPUT);
  add(y, HEED_CUDA_SCRATCH);
  add(z, HEED_CUDA_OUTPUT);
  ASSERT_EQ(increment(x.data(), y.data()), 0) << context.error();
  ASSERT_EQ(increment(y.data(), z.data()), 0) << context.error();
  EXPECT_EQ(y[0], 0); // nobody asked
  ASSERT_EQ(heed_cuda_to_host(handle, z.data(), 0), 0) << context.error();
  EXPECT_EQ(z, Floats(kCount, 3));
  // The host changes y; from here on that is the one.
  ASSERT_EQ(heed_cuda_to_host(handle, y.data(), 1), 0) << context.error();
  EXPECT_EQ(y, Floats(kCount, 2));
  y.assign(kCount, 7);
  ASSERT_EQ(increment(y.data(), z.data()), 0) << context.error();
  ASSERT_EQ(heed_cuda_to_host(handle, z.data(), 0), 0) << context.error();
  EXPECT_EQ(z, Floats(kCount, 8));
  ASSERT_EQ(heed_cuda_finish(handle), 0) << context.error();
  EXPECT_EQ(counts().launches, 3);
  EXPECT_EQ(counts().copiesToDevice, 2); // x, and y once
  EXPECT_EQ(counts().copiesToHost, 3);
  EXPECT_EQ(counts().bytesToHost, 3 * kBytes);
}

TEST_F(Cuda, AViewIsInItsBuffer) {
  ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
  Floats both(2 * kCount, 4);
  add(both, HEED_CUDA_INPUT);
  add(y, HEED_CUDA_SCRATCH);
  ASSERT_EQ(increment(both.data() + kCount, y.data()), 0) << context.error();
  ASSERT_EQ(increment(y.data(), both.data() + kCount), 0) << context.error();
  ASSERT_EQ(heed_cuda_to_host(handle, both.data(), 0), 0) << context.error();
  EXPECT_EQ(both[0], 4);
  EXPECT_EQ(both[kCount], 6);
}

TEST_F(Cuda, ScratchMemoryIsUsedAgain) {
  ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
  add(x, HEED_CUDA_INPUT);
  Floats arena(2 * kCount, 0);
  add(arena, HEED_CUDA_SCRATCH);
  ASSERT_EQ(increment(x.data(), arena.data()), 0) << context.error();
  // Another buffer in a part of the same memory: what was there is gone.
  float *part = arena.data() + kCount / 2;
  heed_cuda_buffer(handle, part, kBytes, HEED_CUDA_SCRATCH);
  ASSERT_EQ(heed_cuda_to_host(handle, part, 1), 0);
  std::fill_n(part, kCount, 9.0f);
  ASSERT_EQ(increment(part, part), 0) << context.error();
  ASSERT_EQ(heed_cuda_to_host(handle, part, 0), 0) << context.error();
  EXPECT_EQ(part[0], 10);
  EXPECT_EQ(heed_cuda_to_host(handle, arena.data(), 0), 1);
  EXPECT_STREQ(context.error(), "expected an address of a buffer");
}

// An empty buffer may lie where another begins, and a view of it behind both.
TEST_F(Cuda, EmptyBuffers) {
  ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
  add(x, HEED_CUDA_INPUT);
  add(y, HEED_CUDA_OUTPUT);
  ASSERT_EQ(increment(x.data(), y.data()), 0) << context.error();
  heed_cuda_buffer(handle, y.data(), 0, HEED_CUDA_SCRATCH);
  EXPECT_EQ(heed_cuda_to_device(handle, y.data(), HEED_CUDA_NOTHING), nullptr);
  char *behind = reinterpret_cast<char *>(std::max(x.data(), y.data()));
  behind += 16 * kBytes;
  EXPECT_EQ(heed_cuda_to_device(handle, behind, HEED_CUDA_READS), nullptr);
  EXPECT_EQ(heed_cuda_to_host(handle, behind, 1), 0) << context.error();
  ASSERT_EQ(heed_cuda_to_host(handle, y.data(), 0), 0) << context.error();
  EXPECT_EQ(y[0], 2);
}

TEST_F(Cuda, AnOutputMayBeAnInput) {
  ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
  add(x, HEED_CUDA_INPUT);
  add(x, HEED_CUDA_OUTPUT);
  ASSERT_EQ(increment(x.data(), x.data()), 0) << context.error();
  ASSERT_EQ(heed_cuda_to_host(handle, x.data(), 0), 0) << context.error();
  EXPECT_EQ(x, Floats(kCount, 2));
}

TEST_F(Cuda, ConstantsAreCopiedOnceForAllContexts) {
  heed::Context other(program, 0, 0, 1);
  Floats constant(kCount, 5);
  for (HeedContext *running : {handle, other.get(), handle}) {
    handle = running;
    ASSERT_EQ(heed_cuda_start(handle), 0);
    add(constant, HEED_CUDA_CONSTANT);
    add(y, HEED_CUDA_OUTPUT);
    ASSERT_EQ(increment(constant.data(), y.data()), 0);
    ASSERT_EQ(heed_cuda_to_host(handle, y.data(), 0), 0);
    EXPECT_EQ(y, Floats(kCount, 6));
  }
  EXPECT_EQ(counts().copiesToDevice, 0);
  EXPECT_EQ(increment(constant.data(), constant.data()), 1);
  EXPECT_STREQ(heed_context_error(handle),
               "expected a kernel that does not write to a constant");
}

TEST_F(Cuda, RunsUseTheSameMemory) {
  setenv("HEED_FAKE_CUDA_MEMORY", "1024", 1); // two buffers of 512
  for (int run = 0; run < 3; ++run) {
    ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
    add(x, HEED_CUDA_INPUT);
    add(y, HEED_CUDA_OUTPUT);
    ASSERT_EQ(increment(x.data(), y.data()), 0) << context.error();
    ASSERT_EQ(heed_cuda_finish(handle), 0) << context.error();
  }
  // Larger ones in their place: memory that is free is given back for it.
  ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
  Floats large(8 * kCount, 1);
  add(large, HEED_CUDA_INPUT);
  EXPECT_NE(heed_cuda_to_device(handle, large.data(), 0), nullptr)
      << context.error();
}

TEST_F(Cuda, AFailureStays) {
  ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
  add(x, HEED_CUDA_INPUT);
  int64_t frame[HEED_CUDA_LAUNCH_WORDS] = {1, 1, 1, 32, 1, 1};
  EXPECT_EQ(heed_cuda_launch(handle, kImage, "decrement", frame,
                             HEED_CUDA_LAUNCH_WORDS),
            1);
  EXPECT_STREQ(context.error(), "looking for the kernel decrement: "
                                "CUDA_ERROR_NOT_FOUND (named symbol not "
                                "found)");
  EXPECT_EQ(heed_cuda_to_device(handle, x.data(), 0), nullptr);
  EXPECT_EQ(heed_cuda_finish(handle), 1);
}

TEST_F(Cuda, GridsHaveLimits) {
  ASSERT_EQ(heed_cuda_start(handle), 0) << context.error();
  int64_t frame[HEED_CUDA_LAUNCH_WORDS] = {1, 0, 1, 32, 1, 1};
  EXPECT_EQ(heed_cuda_launch(handle, kImage, "increment", frame,
                             HEED_CUDA_LAUNCH_WORDS),
            0);
  EXPECT_EQ(counts().launches, 0);
  frame[1] = 65536;
  EXPECT_EQ(heed_cuda_launch(handle, kImage, "increment", frame,
                             HEED_CUDA_LAUNCH_WORDS),
            1);
  EXPECT_NE(std::string(context.error()).find("expected at most"),
            std::string::npos);
}

TEST(CudaDriver, IsNotThere) {
  setenv("HEED_CUDA_DRIVER", "/nowhere/libcuda.so", 1);
  HeedCudaDevice device;
  char error[256] = "";
  EXPECT_EQ(heed_cuda_device(&device, error, sizeof error), 1);
  EXPECT_NE(std::string(error).find("no CUDA driver: /nowhere/libcuda.so"),
            std::string::npos);
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  EXPECT_EQ(heed_cuda_start(context.get()), 1);
  EXPECT_NE(std::string(context.error()).find("no CUDA driver"),
            std::string::npos);
}

} // namespace
