// assemble-test.cpp - each kernel through ptxas: no spills, within the limits
// of the chip.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "passes/lower/gpu/kernel/KernelBuilder.h"
#include "passes/pipelines/Pipelines.h"
#include "tests/unit/gpu/fixture.h"
#include "tests/unit/gpu/gates.h"
#include "tests/unit/gpu/rows.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <map>
#include <regex>

using namespace mlir;
using heed::test::Attention;

namespace {

/// What `ptxas -v` says of a kernel.
struct Figures {
  std::string kernel;
  int registers = -1, spills = -1;
};

/// Of all kernels of a file; `text` is all that was said.
std::vector<Figures> assemble(const std::string &ptxas, llvm::StringRef ptx,
                              const std::string &chip, std::string &text) {
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
  if (auto said = llvm::MemoryBuffer::getFile(output))
    text = (*said)->getBuffer().str();
  llvm::sys::fs::remove(input);
  llvm::sys::fs::remove(output);
  std::vector<Figures> all;
  if (status != 0)
    return all;
  std::regex figures(
      "entry function '(\\w+)'[\\s\\S]*?(\\d+) bytes spill stores"
      "[\\s\\S]*?Used (\\d+) registers");
  for (std::sregex_iterator match(text.begin(), text.end(), figures), end;
       match != end; ++match)
    all.push_back(
        {(*match)[1], std::stoi((*match)[3]), std::stoi((*match)[2])});
  return all;
}

/// A kernel's launch of the most shared memory.
struct Launch {
  std::string function; // of the host
  int64_t threads = 0, sharedBytes = 0;
};

std::map<std::string, Launch> launchesOf(ModuleOp module) {
  std::map<std::string, Launch> launches;
  module.walk([&](gpu::LaunchFuncOp op) {
    APInt bytes, threads;
    ASSERT_TRUE(
        matchPattern(op.getDynamicSharedMemorySize(), m_ConstantInt(&bytes)));
    ASSERT_TRUE(matchPattern(op.getBlockSizeOperandValues().x,
                             m_ConstantInt(&threads)));
    Launch &launch = launches[op.getKernelName().str()];
    launch.function = op->getParentOfType<func::FuncOp>().getName().str();
    launch.threads = threads.getSExtValue();
    launch.sharedBytes = std::max(launch.sharedBytes, bytes.getSExtValue());
  });
  return launches;
}

/// The program with another name than @main.
std::string rename(std::string program, const std::string &name) {
  return program.replace(program.find("@main"), 5, "@" + name);
}

class Assemble : public testing::TestWithParam<const char *> {};

TEST_P(Assemble, WithoutSpills) {
  llvm::ErrorOr<std::string> ptxas = llvm::sys::findProgramByName("ptxas");
  if (!ptxas)
    GTEST_SKIP() << "ptxas is not on the PATH: it comes with the CUDA toolkit "
                    "or the wheel nvidia-cuda-nvcc";
  std::string chip = GetParam();
  if (llvm::sys::ExecuteAndWait(*ptxas, {*ptxas, "-arch=" + chip, "--version"},
                                std::nullopt, {std::nullopt, "", ""}) != 0)
    GTEST_SKIP() << "ptxas does not know " << chip
                 << ": a later one comes with CUDA 13";
  int64_t limit = heed::cuda::getChip(chip)->sharedBytes;
  // The schedules of later chips are those of sm_90, in less shared memory: a
  // few will do, and the largest.
  size_t every = chip == "sm_100" || chip == "sm_120" ? 6 : 1;
  llvm::outs()
      << "program                      kernel           chip     threads  "
         "registers  spills  shared bytes\n";
  std::vector<std::pair<std::string, std::string>> programs;
  for (const auto &[at, attention] : llvm::enumerate(heed::test::attentions()))
    if (at % every == 0 || attention.d > 192)
      programs.emplace_back(
          attention.name, rename(heed::test::print(attention), attention.name));
  // Small kernels, one file of each kind.
  std::string gates, rows;
  for (const heed::test::Gate &gate : heed::test::gates())
    gates += rename(heed::test::print(gate), gate.name);
  for (const heed::test::Row &row : heed::test::rows())
    rows += rename(row.print(), row.name);
  programs.emplace_back("gates", gates);
  programs.emplace_back("rows", rows);
  for (const auto &[name, program] : programs) {
    auto module = parseSourceString<ModuleOp>(program, &heed::test::context());
    ASSERT_TRUE(module) << name;
    PassManager pm(&heed::test::context());
    heed::LowerGpuOptions options;
    options.chip = chip;
    heed::buildLowerGpuPipeline(pm, options);
    ASSERT_TRUE(succeeded(pm.run(*module))) << name;
    auto launches = launchesOf(*module);
    EXPECT_FALSE(launches.empty()) << name;
    size_t kernels = 0;
    module->walk([&](gpu::BinaryOp binary) {
      for (Attribute object : binary.getObjects()) {
        StringAttr ptx = cast<gpu::ObjectAttr>(object).getObject();
        std::string text;
        for (const Figures &figures :
             assemble(*ptxas, ptx.getValue().rtrim('\0'), chip, text)) {
          ++kernels;
          const Launch &launch = launches[figures.kernel];
          llvm::outs() << llvm::formatv(
              "{0,-28} {1,-16} {2,-8} {3,7}  {4,9}  {5,6}  {6,12}\n",
              launch.function, figures.kernel, chip, launch.threads,
              figures.registers, figures.spills, launch.sharedBytes);
          EXPECT_EQ(figures.spills, 0) << figures.kernel << text;
          EXPECT_LE(launch.sharedBytes, limit) << figures.kernel;
          // The registers of an SM, of which a block must not ask for more.
          EXPECT_LE(figures.registers * launch.threads, 65536)
              << figures.kernel;
        }
        EXPECT_EQ(kernels, launches.size()) << name << text;
        // Products that ptxas makes wait for each other.
        for (const char *word : {"serialized", "Performance Loss"})
          EXPECT_EQ(text.find(word), std::string::npos) << name << text;
      }
    });
    EXPECT_GT(kernels, 0u) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Gpu, Assemble,
                         testing::Values("sm_80", "sm_90", "sm_90a", "sm_100",
                                         "sm_120"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

} // namespace
