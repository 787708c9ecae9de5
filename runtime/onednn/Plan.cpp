// Plan.cpp - from a site and its shapes to a primitive with its conversions
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/Plan.h"

#include <cstring>
#include <stdexcept>

namespace heed::runtime {

dnnl::memory::desc makeDesc(const View &view, Format format) {
  auto type = dnnl::memory::data_type::f32;
  if (format == Format::Any)
    return {view.sizes, type, dnnl::memory::format_tag::any};
  if (format == Format::Given)
    return {view.sizes, type, view.strides};
  Dims strides(view.sizes.size());
  int64_t stride = 1;
  for (size_t i = strides.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= view.sizes[i];
  }
  return {view.sizes, type, strides};
}

int rankImplementation(const dnnl::primitive_desc_base &descriptor) {
  const char *name = descriptor.impl_info_str();
  if (std::strstr(name, "ref") || std::strstr(name, "simple"))
    return 2;
  return std::strncmp(name, "gemm", 4) == 0 ? 1 : 0;
}

bool keepBetter(dnnl::primitive_desc_base &best,
                const dnnl::primitive_desc_base &candidate) {
  if (candidate &&
      (!best || rankImplementation(candidate) < rankImplementation(best)))
    best = candidate;
  return best && rankImplementation(best) == 0;
}

void Attempt::add(int id, size_t operand, const View &view) {
  arguments.push_back({id,
                       operand,
                       makeDesc(view),
                       descriptor.query_md(dnnl::query::exec_arg_md, id),
                       {}});
}

static Attempt planReorder(const dnnl::engine &engine,
                           const std::vector<View> &views) {
  Attempt attempt;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::memory::desc from = makeDesc(views[0]), to = makeDesc(views[1]);
  attempt.descriptor =
      dnnl::reorder::primitive_desc(engine, from, engine, to, attributes);
  attempt.arguments = {{DNNL_ARG_FROM, 0, from, from, {}},
                       {DNNL_ARG_TO, 1, to, to, {}}};
  return attempt;
}

static Attempt planPrimitive(const dnnl::engine &engine, const Site &site,
                             const std::vector<View> &views) {
  switch (site.kind) {
  case PrimitiveKind::Matmul:
    return planMatmul(engine, site, views);
  case PrimitiveKind::Convolution:
  case PrimitiveKind::Deconvolution:
    return planConvolution(engine, site, views);
  case PrimitiveKind::PoolAvg:
  case PrimitiveKind::PoolAvgIncludePad:
  case PrimitiveKind::PoolMax:
    return planPooling(engine, site, views);
  case PrimitiveKind::Reorder:
    return planReorder(engine, views);
  case PrimitiveKind::Lstm:
  case PrimitiveKind::Gru:
  case PrimitiveKind::GruResetAfter:
  case PrimitiveKind::RnnTanh:
  case PrimitiveKind::RnnRelu:
    return planRecurrent(engine, site, views);
  }
  throw std::runtime_error("unknown primitive");
}

Plan makePlan(const dnnl::engine &engine, const Site &site,
              const std::vector<View> &views) {
  Plan plan;
  size_t destination = static_cast<size_t>(site.find(OperandRole::Destination));
  if (views[destination].elements() == 0) {
    plan.nothingToDo = true;
    return plan;
  }
  // oneDNN leaves the destination as it is when an operand has no elements.
  for (const View &view : views)
    if (view.elements() == 0)
      throw std::runtime_error("an operand has no elements, the result does");

  Attempt attempt = planPrimitive(engine, site, views);
  plan.primitive = dnnl::primitive(attempt.descriptor.get());
  plan.scratchpad = attempt.descriptor.scratchpad_desc();
  plan.implementation = attempt.descriptor.impl_info_str();
  plan.arguments = std::move(attempt.arguments);
  for (Argument &argument : plan.arguments) {
    if (argument.given == argument.wanted)
      continue;
    bool written = isResult(site.operands[argument.operand].role);
    const dnnl::memory::desc &from = written ? argument.wanted : argument.given;
    const dnnl::memory::desc &to = written ? argument.given : argument.wanted;
    argument.conversion =
        dnnl::reorder(dnnl::reorder::primitive_desc(engine, from, engine, to));
  }
  return plan;
}

} // namespace heed::runtime
