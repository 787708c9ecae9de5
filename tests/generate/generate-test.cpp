// generate-test.cpp - generated equivalents are recognised, near-misses are
// refused, and all compute what the reference computes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   generate-test                              the unit test
//   generate-test --cases N --seed S           a long run of every family
//   generate-test --family F --only SEED       one case, its program printed
#include "tests/generate/Check.h"
#include "tests/generate/Mutants.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

namespace heed::generate {

void PrintTo(const Mutant &mutant, std::ostream *os) { *os << mutant.name; }

namespace {

struct Family {
  const char *name;
  Case (*make)(mlir::MLIRContext &, uint64_t);
};
constexpr Family kFamilies[] = {
    {"attention", makeAttention}, {"attention miss", makeAttentionMiss},
    {"gate", makeGate},           {"gate miss", makeGateMiss},
    {"norm", makeNorm},           {"norm miss", makeNormMiss},
};

/// Uniqued types and attributes are never freed: a new context now and then.
constexpr int64_t kCasesPerContext = 200;

/// Runs the cases; the number of failures, each told.
int64_t runCases(const Family &family, uint64_t first, int64_t count,
                 llvm::raw_ostream &os) {
  std::unique_ptr<Session> session;
  int64_t failures = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (i % kCasesPerContext == 0)
      session = std::make_unique<Session>();
    uint64_t seed = first + uint64_t(i);
    // What a crash tells.
    llvm::PrettyStackTraceFormat trace("--family '%s' --only %llu", family.name,
                                       (unsigned long long)seed);
    Case generated = family.make(session->context(), seed);
    std::string problem = session->check(generated);
    if (problem.empty())
      continue;
    ++failures;
    os << "--family '" << family.name << "' --only " << seed << "\n  "
       << generated.name << "\n  " << problem << "\n";
    os.flush();
  }
  return failures;
}

int printCase(const Family &family, uint64_t seed) {
  Session session;
  Case generated = family.make(session.context(), seed);
  llvm::outs() << "// " << generated.name << "\n" << print(*generated.module);
  llvm::outs().flush();
  mlir::OwningOpRef<mlir::ModuleOp> fused = generated.module->clone();
  llvm::outs() << "// recognised " << session.recognize(*fused) << "\n"
               << print(*fused);
  printAnchors(llvm::outs(), session.anchors);
  std::string problem = session.check(generated);
  llvm::outs() << "// " << (problem.empty() ? "right" : problem) << "\n";
  return !problem.empty();
}

/// Some cases of a family; ctest runs the shards beside each other.
constexpr int64_t kShards = 4, kCasesPerShard = 15;

class Generated : public testing::TestWithParam<std::tuple<Family, int64_t>> {};

TEST_P(Generated, MeansWhatItSays) {
  auto [family, shard] = GetParam();
  std::string problems;
  llvm::raw_string_ostream os(problems);
  EXPECT_EQ(runCases(family, uint64_t(1 + shard * kCasesPerShard),
                     kCasesPerShard, os),
            0)
      << problems;
}

std::string nameOf(const testing::TestParamInfo<Generated::ParamType> &info) {
  std::string name = std::get<0>(info.param).name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name + "_" + std::to_string(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(Every, Generated,
                         testing::Combine(testing::ValuesIn(kFamilies),
                                          testing::Range<int64_t>(0, kShards)),
                         nameOf);

/// Every planted miscompile is seen: the unchanged subject is right, the changed
/// one computes other numbers.
class Planted : public testing::TestWithParam<Mutant> {};

TEST_P(Planted, IsSeen) {
  const Mutant &mutant = GetParam();
  Session session;
  Case subject = makeSubject(session.context(), mutant.subject);
  mlir::OwningOpRef<mlir::ModuleOp> fused = subject.module->clone();
  ASSERT_EQ(session.check(subject), "");
  ASSERT_EQ(session.recognize(*fused), "");
  ASSERT_TRUE(mutant.plant(*fused)) << "nothing to change in\n"
                                    << print(*fused);
  std::string changed = print(*fused);
  // By its numbers: what the verifier refuses would be no miscompile.
  std::string problem = session.checkNumbers(subject, *fused, /*fuse=*/true);
  EXPECT_EQ(problem.substr(0, 6), "output") << problem << changed;
}

INSTANTIATE_TEST_SUITE_P(Sdpa, Planted, testing::ValuesIn(sdpaMutants()),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
INSTANTIATE_TEST_SUITE_P(Norm, Planted, testing::ValuesIn(normMutants()),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
INSTANTIATE_TEST_SUITE_P(Gate, Planted, testing::ValuesIn(gateMutants()),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

void PrintTo(const Family &family, std::ostream *os) { *os << family.name; }

} // namespace
} // namespace heed::generate

int main(int argc, char **argv) {
  using namespace heed::generate;
  namespace cl = llvm::cl;
  llvm::sys::PrintStackTraceOnErrorSignal(argv[0]);
  llvm::EnablePrettyStackTrace();
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  testing::InitGoogleTest(&argc, argv);
  cl::opt<int64_t> cases{"cases", cl::desc("cases of each family")};
  cl::opt<uint64_t> seed{"seed", cl::init(1), cl::desc("first seed")};
  cl::opt<int64_t> only{"only", cl::init(-1), cl::desc("print one case")};
  cl::opt<std::string> name{"family", cl::desc("one family only")};
  cl::ParseCommandLineOptions(argc, argv);
  if (cases == 0 && only < 0)
    return RUN_ALL_TESTS();
  int64_t failures = 0;
  for (const Family &family : kFamilies) {
    if (!name.empty() && name != family.name)
      continue;
    if (only >= 0)
      return printCase(family, uint64_t(only));
    int64_t failed = runCases(family, seed, cases, llvm::outs());
    llvm::outs() << family.name << ": " << cases - failed << " of " << cases
                 << " right\n";
    failures += failed;
  }
  return failures != 0;
}
