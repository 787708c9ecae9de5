// assemble-test.cpp - each kernel through ptxas: no spills, within the limits
// of the chip.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "passes/lower/gpu/KernelBuilder.h"
#include "passes/pipelines/Pipelines.h"
#include "tests/unit/gpu/fixture.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <regex>

using namespace mlir;
using heed::test::Attention;

namespace {

struct Figures {
  int registers = -1, spills = -1;
  std::string text;
};

/// What `ptxas -v` says of kernels.
Figures assemble(const std::string &ptxas, llvm::StringRef ptx,
                 const std::string &chip) {
  Figures figures;
  llvm::SmallString<128> input, output;
  llvm::sys::fs::createTemporaryFile("heed", "ptx", input);
  llvm::sys::fs::createTemporaryFile("heed", "txt", output);
  std::error_code error;
  {
    llvm::raw_fd_ostream file(input, error);
    file << ptx;
  }
  std::string arch = "-arch=" + chip;
  std::optional<llvm::StringRef> redirects[] = {std::nullopt, output.str(),
                                                output.str()};
  int status = llvm::sys::ExecuteAndWait(
      ptxas, {ptxas, "-v", arch, input, "-o", "/dev/null"}, std::nullopt,
      redirects);
  if (auto text = llvm::MemoryBuffer::getFile(output))
    figures.text = (*text)->getBuffer().str();
  llvm::sys::fs::remove(input);
  llvm::sys::fs::remove(output);
  if (status != 0)
    return figures;
  // The most of any kernel.
  auto mostOf = [&](const char *pattern) {
    int most = -1;
    std::regex regex(pattern);
    auto begin =
        std::sregex_iterator(figures.text.begin(), figures.text.end(), regex);
    for (auto at = begin; at != std::sregex_iterator(); ++at)
      most = std::max(most, std::stoi((*at)[1]));
    return most;
  };
  figures.registers = mostOf("Used (\\d+) registers");
  figures.spills = mostOf("(\\d+) bytes spill stores");
  return figures;
}

class Assemble : public testing::TestWithParam<const char *> {};

TEST_P(Assemble, WithoutSpills) {
  llvm::ErrorOr<std::string> ptxas = llvm::sys::findProgramByName("ptxas");
  if (!ptxas)
    GTEST_SKIP() << "ptxas is not on the PATH: it comes with the CUDA toolkit "
                    "or the wheel nvidia-cuda-nvcc";
  std::string chip = GetParam();
  int64_t limit = heed::cuda::getChip(chip)->sharedBytes;
  llvm::outs() << "kernel                   chip     threads  registers  "
                  "spills  shared bytes\n";
  for (const Attention &attention : heed::test::attentions()) {
    std::string program = heed::test::print(attention);
    auto module = parseSourceString<ModuleOp>(program, &heed::test::context());
    ASSERT_TRUE(module);
    PassManager pm(&heed::test::context());
    heed::LowerGpuOptions options;
    options.chip = chip;
    heed::buildLowerGpuPipeline(pm, options);
    ASSERT_TRUE(succeeded(pm.run(*module))) << attention.name;
    int64_t kernels = 0, shared = 0;
    module->walk([&](gpu::LaunchFuncOp launch) {
      APInt bytes;
      ++kernels;
      if (matchPattern(launch.getDynamicSharedMemorySize(),
                       m_ConstantInt(&bytes)))
        shared = std::max(shared, bytes.getSExtValue());
    });
    EXPECT_GT(shared, 0) << attention.name;
    EXPECT_LE(shared, limit) << attention.name;
    module->walk([&](gpu::BinaryOp binary) {
      for (Attribute object : binary.getObjects()) {
        StringAttr ptx = cast<gpu::ObjectAttr>(object).getObject();
        llvm::StringRef text = ptx.getValue().rtrim('\0');
        Figures figures = assemble(*ptxas, text, chip);
        std::smatch match;
        std::string whole = text.str();
        std::regex_search(whole, match, std::regex("\\.reqntid (\\d+)"));
        int threads = match.empty() ? 0 : std::stoi(match[1]);
        llvm::outs() << llvm::formatv(
            "{0,-24} {1,-8} {2,7}  {3,9}  {4,6}  {5,12}\n", attention.name,
            chip, threads, figures.registers, figures.spills, shared);
        EXPECT_EQ(figures.spills, 0) << attention.name << figures.text;
        EXPECT_GT(figures.registers, 0) << attention.name << figures.text;
        // Products that ptxas makes wait for each other.
        for (const char *word : {"serialized", "Performance Loss"})
          EXPECT_EQ(figures.text.find(word), std::string::npos)
              << attention.name << figures.text;
        // The registers of an SM, of which a block must not ask for more.
        EXPECT_LE(figures.registers * threads, 65536) << attention.name;
      }
    });
    EXPECT_EQ(kernels, attention.launches) << attention.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Gpu, Assemble,
                         testing::Values("sm_80", "sm_90", "sm_90a"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

} // namespace
