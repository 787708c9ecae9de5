// allocation-test.cpp - a step of a decoder allocates nothing.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The number of allocations of a whole call is the same whatever the number of
// steps. (A sanitizer has a malloc of its own.)
#include "mlir/IR/MLIRContext.h"
#include "tools/lib/decode/Decoder.h"
#include "tools/lib/model/LoadModel.h"
#include <atomic>
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>

static std::atomic<int64_t> allocations{0};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HEED_COUNTS_ALLOCATIONS 1
extern "C" {
void *__libc_malloc(size_t) noexcept;
void *__libc_calloc(size_t, size_t) noexcept;
void *__libc_realloc(void *, size_t) noexcept;
void *__libc_memalign(size_t, size_t) noexcept;
void *malloc(size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) noexcept {
  ++allocations;
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) noexcept {
  ++allocations;
  return __libc_realloc(memory, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) noexcept {
  ++allocations;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
void *aligned_alloc(size_t alignment, size_t size) noexcept {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}
#endif

using namespace heed;

namespace {

/// Allocations of the second call with this limit.
int64_t countAllocations(mlir::MLIRContext &context, int64_t maxTokens,
                         std::vector<std::string> files) {
  DecodeOptions options;
  options.startTokens = {1};
  options.maxTokens = maxTokens;
  options.threads = 1;
  for (std::string &file : files)
    file = std::string(HEED_TEST_MODELS "/speller_") + file + ".onnx";
  auto decoder = Decoder::open(files, context, options);
  if (!decoder) {
    ADD_FAILURE() << toString(decoder.takeError());
    return -1;
  }
  auto input = readNpy(HEED_TEST_MODELS "/speller.in1.npy");
  EXPECT_TRUE(bool(input));
  int64_t count = 0;
  for (int call = 0; call < 2; ++call) {
    int64_t before = allocations;
    auto tokens = (*decoder)->decode(*input);
    count = allocations - before;
    EXPECT_TRUE(bool(tokens));
    EXPECT_EQ(int64_t(tokens->size()), maxTokens); // no end token
  }
  return count;
}

TEST(Allocation, StepsAllocateNothing) {
#ifndef HEED_COUNTS_ALLOCATIONS
  GTEST_SKIP() << "a sanitizer counts its own";
#endif
  mlir::DialectRegistry registry;
  registerModelDialects(registry);
  mlir::MLIRContext context(registry);
  for (const std::vector<std::string> &files :
       {std::vector<std::string>{"encoder", "merged"},
        std::vector<std::string>{"encoder", "step"}}) {
    int64_t few = countAllocations(context, 5, files);
    int64_t many = countAllocations(context, 50, files);
    EXPECT_GT(few, 0);
    EXPECT_EQ(few, many);
  }
}

} // namespace
