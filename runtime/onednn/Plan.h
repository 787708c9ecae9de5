// Plan.h - a primitive of oneDNN made for one site and one set of shapes
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_ONEDNN_PLAN_H
#define HEED_RUNTIME_ONEDNN_PLAN_H

#include "runtime/cost/CostModel.h"
#include "runtime/support/Site.h"

#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <vector>

namespace heed::runtime {

/// One tensor argument of the primitive.
struct Argument {
  int id;                     // DNNL_ARG_…
  size_t operand;             // index into the site's operands
  dnnl::memory::desc given;   // as the caller holds it
  dnnl::memory::desc wanted;  // as the primitive takes it
  dnnl::primitive conversion; // between the two; empty if they are the same
  bool converted() const { return static_cast<bool>(conversion); }
};

/// Immutable once made; shared by all contexts of a program.
struct Plan {
  bool nothingToDo = false; // the destination has no elements
  dnnl::primitive primitive;
  dnnl::memory::desc scratchpad;
  std::vector<Argument> arguments;
  std::string implementation;
};

/// How a plan asks for an operand's memory.
enum class Format {
  Given, // with the strides that the caller has
  Plain, // dense, in the order of the logical dims
  Any    // whatever the implementation likes best
};

/// What one attempt to make a primitive came to.
struct Attempt {
  dnnl::primitive_desc_base descriptor;
  std::vector<Argument> arguments; // `given` and `wanted` are set
  /// The argument `id`, as the caller holds it in `view`.
  void add(int id, size_t operand, const View &view);
};

/// The attributes of a primitive with these post-ops: user scratchpad, and
/// tensors in `views` (in the primitive's own dims). With `any`, tensors as
/// large as the destination may have any format.
dnnl::primitive_attr makeAttributes(const Site &site,
                                    const std::vector<View> &views, bool any);

/// Appends the arguments of post-ops to an attempt.
void addPostOpArguments(const Site &site, const std::vector<View> &views,
                        Attempt &attempt);

dnnl::memory::desc makeDesc(const View &view, Format format = Format::Given);

/// 0: made for this machine, 1: over a general GEMM, 2: reference code.
int rankImplementation(const dnnl::primitive_desc_base &descriptor);

/// Keeps the better of two descriptors, the first of equals; an empty candidate
/// is none. True once nothing better can come.
bool keepBetter(dnnl::primitive_desc_base &best,
                const dnnl::primitive_desc_base &candidate);

/// What `create` makes, or another implementation of the same that is faster.
template <typename Create>
dnnl::primitive_desc_base preferFaster(Create create) {
  auto first = create();
  const char *faster =
      first ? cost::fasterThan(first.impl_info_str()) : nullptr;
  if (!faster)
    return first;
  auto other = create(); // next_impl() would change the first
  while (other.next_impl())
    if (std::strcmp(other.impl_info_str(), faster) == 0)
      return other;
  return first;
}

/// The best attempt of each family of primitives.
Attempt planMatmul(const dnnl::engine &engine, const Site &site,
                   std::vector<View> views);
Attempt planConvolution(const dnnl::engine &engine, const Site &site,
                        const std::vector<View> &views);
Attempt planPooling(const dnnl::engine &engine, const Site &site,
                    const std::vector<View> &views);
Attempt planRecurrent(const dnnl::engine &engine, const Site &site,
                      const std::vector<View> &views);

/// Makes the plan, conversions included.
/// Throws dnnl::error or std::runtime_error.
Plan makePlan(const dnnl::engine &engine, const Site &site,
              const std::vector<View> &views);

} // namespace heed::runtime

#endif // HEED_RUNTIME_ONEDNN_PLAN_H
