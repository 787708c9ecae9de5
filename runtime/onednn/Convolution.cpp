// Convolution.cpp - convolutions and their transposes
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/Plan.h"

#include <stdexcept>

namespace heed::runtime {

namespace {
/// A convolution in oneDNN's terms.
struct Problem {
  const dnnl::engine &engine;
  const Site &site;
  const std::vector<View> &views;
  size_t source, weights, destination;
  int64_t bias;
  View weightsView; // g o i k…, or o i k… without groups
  Dims dilations;   // oneDNN counts the gaps
};
} // namespace

/// oneDNN has no group dim where there are no groups.
static View dropUnitGroup(const View &view) {
  if (view.sizes[0] != 1)
    return view;
  return {Dims(view.sizes.begin() + 1, view.sizes.end()),
          Dims(view.strides.begin() + 1, view.strides.end())};
}

/// One position has both orders of channels and positions; channels last is
/// the one with fast code. oneDNN tells by the strides, also of size-1 dims.
static void preferChannelsLast(View &view) {
  for (size_t i = 2; i < view.sizes.size(); ++i)
    if (view.sizes[i] != 1)
      return;
  if (view.strides[1] != 1 && view.sizes[1] != 1)
    return;
  view.strides[1] = 1;
  for (size_t i = 2; i < view.sizes.size(); ++i)
    view.strides[i] = view.sizes[1];
}

template <typename Primitive>
static dnnl::primitive_desc_base
create(const Problem &p, dnnl::algorithm algorithm,
       const dnnl::memory::desc &source, const dnnl::memory::desc &destination,
       const dnnl::primitive_attr &attributes) {
  const Site &site = p.site;
  dnnl::memory::desc weights = makeDesc(p.weightsView, Format::Any);
  auto kind = dnnl::prop_kind::forward_inference;
  dnnl::memory::desc bias; // none
  if (p.bias >= 0)
    bias = makeDesc(p.views[static_cast<size_t>(p.bias)]);
  return preferFaster([&] {
    return typename Primitive::primitive_desc(
        p.engine, kind, algorithm, source, weights, bias, destination,
        site.strides, p.dilations, site.padLow, site.padHigh, attributes,
        /*allow_empty=*/true);
  });
}

static dnnl::primitive_desc_base create(const Problem &p, Format source,
                                        Format destination) {
  dnnl::memory::desc src = makeDesc(p.views[p.source], source);
  dnnl::memory::desc dst = makeDesc(p.views[p.destination], destination);
  dnnl::primitive_attr attributes =
      makeAttributes(p.site, p.views, destination == Format::Any);
  if (p.site.kind == PrimitiveKind::Deconvolution)
    return create<dnnl::deconvolution_forward>(
        p, dnnl::algorithm::deconvolution_direct, src, dst, attributes);
  return create<dnnl::convolution_forward>(
      p, dnnl::algorithm::convolution_direct, src, dst, attributes);
}

Attempt planConvolution(const dnnl::engine &engine, const Site &site,
                        const std::vector<View> &callerViews) {
  std::vector<View> views = callerViews;
  auto index = [&](OperandRole role) {
    return static_cast<size_t>(site.find(role));
  };
  Problem p{engine,
            site,
            views,
            index(OperandRole::Source),
            index(OperandRole::Weights),
            index(OperandRole::Destination),
            site.find(OperandRole::Bias),
            dropUnitGroup(views[index(OperandRole::Weights)]),
            site.dilations};
  for (int64_t &dilation : p.dilations)
    --dilation;
  for (size_t operand : {p.source, p.destination})
    preferChannelsLast(views[operand]);

  // The caller's layouts if code made for the machine exists for them; else
  // convert what has to be converted, and no more.
  static constexpr Format kFormats[][2] = {{Format::Given, Format::Given},
                                           {Format::Given, Format::Any},
                                           {Format::Any, Format::Given},
                                           {Format::Any, Format::Any}};
  dnnl::primitive_desc_base best;
  for (const auto &format : kFormats) {
    if (keepBetter(best, create(p, format[0], format[1])))
      break;
  }
  if (!best)
    throw std::runtime_error("oneDNN has no such convolution");

  Attempt attempt{best, {}};
  attempt.add(DNNL_ARG_SRC, p.source, views[p.source]);
  attempt.add(DNNL_ARG_WEIGHTS, p.weights, p.weightsView);
  if (p.bias >= 0)
    attempt.add(DNNL_ARG_BIAS, static_cast<size_t>(p.bias),
                views[static_cast<size_t>(p.bias)]);
  addPostOpArguments(site, views, attempt);
  attempt.add(DNNL_ARG_DST, p.destination, views[p.destination]);
  return attempt;
}

} // namespace heed::runtime
