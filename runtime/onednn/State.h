// State.h - what the oneDNN room keeps in programs and contexts
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_ONEDNN_STATE_H
#define HEED_RUNTIME_ONEDNN_STATE_H

#include "runtime/onednn/Plan.h"
#include "runtime/support/Context.h"

#include <deque>
#include <map>
#include <unordered_map>

namespace heed::runtime {

/// What tells the calls of one site apart: threads, sizes and strides.
using PlanKey = std::vector<int64_t>;

/// One call site, in a program.
struct ProgramSite {
  Site site;
  std::map<PlanKey, std::shared_ptr<const Plan>> plans;
  /// Constants in the formats that plans asked for.
  struct Packed {
    size_t operand;
    const void *source;
    dnnl::memory memory;
  };
  std::deque<Packed> packed;
};

struct ProgramState : LibraryState {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::unordered_map<const int64_t *, ProgramSite> sites;
};

/// A plan with the memory objects of one caller; only the pointers in them
/// change from call to call.
struct Execution {
  std::shared_ptr<const Plan> plan;
  struct Slot {
    dnnl::memory given, wanted; // the same object without a conversion
    int64_t conversionOffset = -1;
    /// Of a constant that is converted: one site may be called with several,
    /// those of each layer. `wanted` is that of `source`.
    bool isPacked = false;
    const void *source = nullptr;
    std::unordered_map<const void *, dnnl::memory> packed;
  };
  std::vector<Slot> slots;
  dnnl::memory scratchpad;
  std::vector<dnnl_exec_arg_t> arguments;
  int64_t conversionBytes = 0;
};

struct ContextSite {
  const Site *site = nullptr;
  PlanKey lastKey;
  Execution *last = nullptr;
  std::map<PlanKey, Execution> executions;
};

struct ContextState : LibraryState {
  explicit ContextState(const dnnl::engine &engine) : stream(engine) {}
  dnnl::stream stream;
  std::unordered_map<const int64_t *, ContextSite> sites;
};

/// Plans kept a site; dynamic shapes could make any number of them.
constexpr size_t kMaxPlans = 64;

/// The plan for these shapes, made under the program's lock if it is new.
std::shared_ptr<const Plan> findPlan(HeedContext &context,
                                     const int64_t *record, const PlanKey &key,
                                     const int64_t *call);

/// The constant at `data` in the format that `argument` of the site's plan
/// wants, converted under the program's lock at its first use.
dnnl::memory findPacked(HeedContext &context, const int64_t *record,
                        const Argument &argument, const void *data);

/// The site's description, decoded once a program.
const Site &findSite(HeedContext &context, const int64_t *record);

} // namespace heed::runtime

#endif // HEED_RUNTIME_ONEDNN_STATE_H
