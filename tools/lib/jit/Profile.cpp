// Profile.cpp - runs of a program with the runtime's profile.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/jit/Session.h"

#include <chrono>

using namespace mlir;

namespace heed {

void CompiledProgram::takeKernels(ModuleOp module) {
  auto list = module->getAttrOfType<ArrayAttr>("attn.kernels");
  if (!list)
    return;
  for (auto entry : list.getAsRange<DictionaryAttr>()) {
    ProfiledKernel kernel;
    kernel.name = entry.getAs<StringAttr>("kernel").str();
    for (auto node : entry.getAs<ArrayAttr>("nodes").getAsRange<StringAttr>())
      kernel.nodes.push_back(node.str());
    kernelList.push_back(std::move(kernel));
  }
  module->removeAttr("attn.kernels");
}

/// More calls than a run of a network makes; a loop may make more.
static constexpr int64_t kMaxEvents = 1 << 16;

llvm::Expected<Profile> CompiledProgram::profile(ArrayRef<Array> inputs,
                                                 int64_t threads,
                                                 double seconds,
                                                 std::vector<Array> &outputs) {
  auto session = Session::open(*this, inputs, threads);
  if (!session)
    return session.takeError();
  HeedContext *context = (*session)->handle();
  if (heed_profile_open(context, kernelList.size(), kMaxEvents) != 0)
    return llvm::createStringError("out of memory for the profile");
  using Clock = std::chrono::steady_clock;
  auto timed = [&](bool marked) -> llvm::Expected<double> {
    heed_profile_enable(context, marked);
    auto start = Clock::now();
    heed_profile_reset(context); // events count from the run's start
    if (llvm::Error error = (*session)->call())
      return std::move(error);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  constexpr int kWarmUp = 3, kMinRuns = 3, kMaxRuns = 2000;
  for (int i = 0; i < kWarmUp; ++i)
    if (auto warm = timed(false); !warm)
      return warm.takeError();
  outputs = (*session)->results();
  Profile profile;
  profile.threads = heed_num_threads(context);
  double total = 0;
  while ((total < seconds || profile.runs.size() < kMinRuns) &&
         profile.runs.size() < kMaxRuns) {
    auto unmarked = timed(false);
    if (!unmarked)
      return unmarked.takeError();
    profile.unmarked.push_back(*unmarked);
    auto marked = timed(true);
    if (!marked)
      return marked.takeError();
    int64_t count = 0;
    const HeedKernelTotal *totals = heed_profile_totals(context, &count);
    profile.runs.push_back({*marked, {totals, totals + count}});
    total += *unmarked + *marked;
  }
  int64_t count = 0;
  const HeedProfileEvent *events =
      heed_profile_events(context, &count, &profile.lostEvents);
  profile.events.assign(events, events + count);
  return profile;
}

} // namespace heed
