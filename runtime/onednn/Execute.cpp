// Execute.cpp - runs the primitive of a call site
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/Onednn.h"
#include "runtime/onednn/State.h"

#include <algorithm>
#include <omp.h>
#include <string>

namespace heed::runtime {

namespace {
/// oneDNN takes the number of threads from OpenMP, both when it makes a
/// primitive and when it runs one. The setting is the calling thread's own.
class ThreadGuard {
public:
  explicit ThreadGuard(int64_t threads) : before(omp_get_max_threads()) {
    if (before != threads)
      omp_set_num_threads(static_cast<int>(threads));
  }
  ~ThreadGuard() {
    if (omp_get_max_threads() != before)
      omp_set_num_threads(before);
  }

private:
  int before;
};
} // namespace

static int64_t sizeOf(const dnnl::memory::desc &desc) {
  return roundUp(static_cast<int64_t>(desc.get_size()));
}

static void check(dnnl_status_t status, const char *what) {
  if (status != dnnl_success)
    throw dnnl::error(status, what);
}

static Execution makeExecution(const dnnl::engine &engine, const Site &site,
                               std::shared_ptr<const Plan> plan) {
  Execution execution;
  for (const Argument &argument : plan->arguments) {
    Execution::Slot slot;
    slot.given = dnnl::memory(argument.given, engine, nullptr);
    slot.wanted = slot.given;
    slot.isPacked =
        argument.converted() && site.operands[argument.operand].constant;
    if (argument.converted() && !slot.isPacked) {
      slot.wanted = dnnl::memory(argument.wanted, engine, nullptr);
      slot.conversionOffset = execution.conversionBytes;
      execution.conversionBytes += sizeOf(argument.wanted);
    }
    execution.slots.push_back(slot);
    execution.arguments.push_back({argument.id, slot.wanted.get()});
  }
  execution.scratchpad = dnnl::memory(plan->scratchpad, engine, nullptr);
  execution.arguments.push_back(
      {DNNL_ARG_SCRATCHPAD, execution.scratchpad.get()});
  execution.plan = std::move(plan);
  return execution;
}

/// The execution for the shapes in the call words, looked up without a lock
/// when they are those of the last call.
static Execution &findExecution(HeedContext &context, ContextSite &site,
                                const int64_t *record, const int64_t *call) {
  size_t operands = site.site->operands.size(), words = site.site->shapeWords;
  const int64_t *shapes = call + operands;
  if (site.last && std::equal(shapes, shapes + words, site.lastKey.begin() + 1))
    return *site.last;
  PlanKey key(words + 1);
  key[0] = context.numThreads;
  std::copy(shapes, shapes + words, key.begin() + 1);
  auto found = site.executions.find(key);
  if (found == site.executions.end()) {
    if (site.executions.size() >= kMaxPlans) {
      site.last = nullptr;
      site.executions.clear();
    }
    auto &state = static_cast<ContextState &>(*context.library);
    Execution execution = makeExecution(state.stream.get_engine(), *site.site,
                                        findPlan(context, record, key, call));
    found = site.executions.emplace(key, std::move(execution)).first;
  }
  site.last = &found->second;
  site.lastKey = std::move(key);
  return *site.last;
}

/// Memory for one primitive, of `scratchBytes` and behind that of
/// `conversionBytes`.
struct Scratch {
  char *pad, *conversions;
};

static Scratch reserveScratch(HeedContext &context, int64_t scratchBytes,
                              int64_t conversionBytes) {
  if (context.workspace.memory) {
    void *memory = takeWorkspace(context, scratchBytes + conversionBytes,
                                 /*keep=*/false);
    if (!memory)
      throw std::bad_alloc(); // the context knows why
    auto *pad = static_cast<char *>(memory);
    return {pad, pad + scratchBytes};
  }
  void *pad = context.scratchpad.reserve(scratchBytes);
  void *conversions = context.conversions.reserve(conversionBytes);
  if (!pad || !conversions)
    throw std::bad_alloc();
  return {static_cast<char *>(pad), static_cast<char *>(conversions)};
}

static void convert(ContextState &state, const Argument &argument,
                    const dnnl::memory &from, const dnnl::memory &to) {
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from.get()},
                                 {DNNL_ARG_TO, to.get()}};
  check(dnnl_primitive_execute(argument.conversion.get(), state.stream.get(), 2,
                               arguments),
        "could not convert an operand");
}

/// Makes the packed form of the constant at `data` the primitive's argument.
static void takePacked(HeedContext &context, const int64_t *record,
                       Execution &execution, size_t index, const void *data) {
  Execution::Slot &slot = execution.slots[index];
  if (slot.source == data)
    return;
  auto found = slot.packed.find(data);
  if (found == slot.packed.end())
    found =
        slot.packed
            .emplace(data, findPacked(context, record,
                                      execution.plan->arguments[index], data))
            .first;
  slot.source = data;
  slot.wanted = found->second;
  execution.arguments[index].memory = slot.wanted.get();
}

static void execute(HeedContext &context, const Site &site,
                    const int64_t *record, Execution &execution,
                    const int64_t *call) {
  const Plan &plan = *execution.plan;
  if (plan.nothingToDo)
    return;
  auto &state = static_cast<ContextState &>(*context.library);
  Scratch scratch = reserveScratch(context, sizeOf(plan.scratchpad),
                                   execution.conversionBytes);
  execution.scratchpad.set_data_handle(scratch.pad);

  for (size_t i = 0; i < execution.slots.size(); ++i) {
    const Argument &argument = plan.arguments[i];
    Execution::Slot &slot = execution.slots[i];
    auto *data = reinterpret_cast<void *>(call[argument.operand]);
    if (slot.isPacked)
      takePacked(context, record, execution, i, data);
    else
      slot.given.set_data_handle(data);
    if (slot.conversionOffset < 0)
      continue;
    slot.wanted.set_data_handle(scratch.conversions + slot.conversionOffset);
    if (!isResult(site.operands[argument.operand].role))
      convert(state, argument, slot.given, slot.wanted);
  }
  check(dnnl_primitive_execute(plan.primitive.get(), state.stream.get(),
                               static_cast<int>(execution.arguments.size()),
                               execution.arguments.data()),
        "could not run a primitive");
  for (size_t i = 0; i < execution.slots.size(); ++i) {
    const Argument &argument = plan.arguments[i];
    Execution::Slot &slot = execution.slots[i];
    if (slot.conversionOffset >= 0 &&
        isResult(site.operands[argument.operand].role))
      convert(state, argument, slot.wanted, slot.given);
  }
}

static ContextSite &findContextSite(HeedContext &context,
                                    const int64_t *record) {
  if (context.library) {
    auto &state = static_cast<ContextState &>(*context.library);
    if (auto found = state.sites.find(record); found != state.sites.end())
      return found->second;
  }
  const Site &site = findSite(context, record);
  auto &state = static_cast<ContextState &>(*context.library);
  return state.sites.emplace(record, ContextSite{&site, {}, nullptr, {}})
      .first->second;
}

} // namespace heed::runtime

using namespace heed::runtime;

/// body(), with whatever it throws as the context's failure.
template <typename Body>
static int32_t guarded(HeedContext *context, Body body) noexcept {
  if (context->status != 0)
    return context->status;
  try {
    ThreadGuard guard(context->numThreads);
    body();
  } catch (const dnnl::error &error) {
    heed_fail(context, error.message);
  } catch (const std::bad_alloc &) {
    heed_fail(context, "out of memory for a library primitive");
  } catch (const std::exception &error) {
    heed_fail(context, error.what());
  } catch (...) {
    heed_fail(context, "unknown failure of a library primitive");
  }
  return context->status;
}

int32_t heed_onednn_primitive(HeedContext *context, const int64_t *record,
                              const int64_t *call) noexcept {
  return guarded(context, [=] {
    ContextSite &site = findContextSite(*context, record);
    execute(*context, *site.site, record,
            findExecution(*context, site, record, call), call);
  });
}

/// The plan is not kept: a count is for sizes that need not come again. What
/// takes time to make it again, oneDNN's own cache keeps.
int32_t heed_onednn_count(HeedContext *context, const int64_t *record,
                          const int64_t *call) noexcept {
  return guarded(context, [=] {
    const Site &site = *findContextSite(*context, record).site;
    auto &state = static_cast<ContextState &>(*context->library);
    Plan plan = makePlan(state.stream.get_engine(), site,
                         makeViews(site, call + site.operands.size()));
    int64_t bytes = plan.nothingToDo ? 0 : sizeOf(plan.scratchpad);
    for (const Argument &argument : plan.arguments)
      if (argument.converted() && !site.operands[argument.operand].constant)
        bytes += sizeOf(argument.wanted);
    context->need.library = std::max(context->need.library, bytes);
  });
}

const char *heed_onednn_implementation(HeedContext *context,
                                       const int64_t *record) noexcept {
  if (!context->library)
    return nullptr;
  auto &state = static_cast<ContextState &>(*context->library);
  auto found = state.sites.find(record);
  if (found == state.sites.end() || !found->second.last)
    return nullptr;
  return found->second.last->plan->implementation.c_str();
}
