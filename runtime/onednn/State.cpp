// State.cpp - plans and packed constants, shared by the callers of a program
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/State.h"

namespace heed::runtime {

static ProgramState &programState(HeedProgram &program) {
  if (!program.library)
    program.library = std::make_unique<ProgramState>();
  return static_cast<ProgramState &>(*program.library);
}

/// The caller holds the program's lock.
static ProgramSite &programSite(HeedProgram &program, const int64_t *record) {
  ProgramState &state = programState(program);
  auto found = state.sites.find(record);
  if (found == state.sites.end())
    found = state.sites.emplace(record, ProgramSite{decodeSite(record), {}, {}})
                .first;
  return found->second;
}

const Site &findSite(HeedContext &context, const int64_t *record) {
  std::lock_guard<std::mutex> lock(context.program->mutex);
  ProgramSite &site = programSite(*context.program, record);
  if (!context.library)
    context.library =
        std::make_unique<ContextState>(programState(*context.program).engine);
  return site.site;
}

dnnl::memory findPacked(HeedContext &context, const int64_t *record,
                        const Argument &argument, const void *data) {
  std::lock_guard<std::mutex> lock(context.program->mutex);
  ProgramSite &site = programSite(*context.program, record);
  for (const ProgramSite::Packed &packed : site.packed)
    if (packed.operand == argument.operand && packed.source == data &&
        packed.memory.get_desc() == argument.wanted)
      return packed.memory;
  const dnnl::engine &engine = programState(*context.program).engine;
  dnnl::memory from(argument.given, engine, const_cast<void *>(data));
  dnnl::memory to(argument.wanted, engine);
  dnnl::stream stream(engine);
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  site.packed.push_back({argument.operand, data, to});
  return to;
}

std::shared_ptr<const Plan> findPlan(HeedContext &context,
                                     const int64_t *record, const PlanKey &key,
                                     const int64_t *call) {
  std::lock_guard<std::mutex> lock(context.program->mutex);
  ProgramSite &site = programSite(*context.program, record);
  if (auto found = site.plans.find(key); found != site.plans.end())
    return found->second;

  if (site.plans.size() >= kMaxPlans)
    site.plans.clear(); // contexts keep what they use
  size_t operands = site.site.operands.size();
  auto plan = std::make_shared<const Plan>(
      makePlan(programState(*context.program).engine, site.site,
               makeViews(site.site, call + operands)));
  site.plans.emplace(key, plan);
  return plan;
}

} // namespace heed::runtime
