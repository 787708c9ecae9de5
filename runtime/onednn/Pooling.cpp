// Pooling.cpp - average and maximum pooling
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/Plan.h"

#include <stdexcept>

namespace heed::runtime {

static dnnl::algorithm algorithmOf(PrimitiveKind kind) {
  switch (kind) {
  case PrimitiveKind::PoolAvg:
    return dnnl::algorithm::pooling_avg_exclude_padding;
  case PrimitiveKind::PoolAvgIncludePad:
    return dnnl::algorithm::pooling_avg_include_padding;
  default:
    return dnnl::algorithm::pooling_max;
  }
}

Attempt planPooling(const dnnl::engine &engine, const Site &site,
                    const std::vector<View> &views) {
  size_t source = static_cast<size_t>(site.find(OperandRole::Source));
  size_t destination = static_cast<size_t>(site.find(OperandRole::Destination));
  Dims dilations = site.dilations;
  for (int64_t &dilation : dilations)
    --dilation;
  dnnl::primitive_desc_base best;
  for (Format format : {Format::Given, Format::Any}) {
    dnnl::primitive_desc_base candidate = dnnl::pooling_forward::primitive_desc(
        engine, dnnl::prop_kind::forward_inference, algorithmOf(site.kind),
        makeDesc(views[source], format), makeDesc(views[destination], format),
        site.strides, site.kernel, dilations, site.padLow, site.padHigh,
        makeAttributes(site, views, format == Format::Any),
        /*allow_empty=*/true);
    if (keepBetter(best, candidate))
      break;
  }
  if (!best)
    throw std::runtime_error("oneDNN has no such pooling");
  Attempt attempt{best, {}};
  attempt.add(DNNL_ARG_SRC, source, views[source]);
  addPostOpArguments(site, views, attempt);
  attempt.add(DNNL_ARG_DST, destination, views[destination]);
  return attempt;
}

} // namespace heed::runtime
