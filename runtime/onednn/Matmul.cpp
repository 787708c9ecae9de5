// Matmul.cpp - matrix products, with batches
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/PackedProduct.h"

#include <stdexcept>

namespace heed::runtime {

static View biasRow(const Product &p) {
  const View &bias = p.views[static_cast<size_t>(p.bias)];
  View row{Dims(p.rank(), 1), Dims(p.rank(), bias.sizes[0])};
  row.sizes.back() = bias.sizes[0];
  row.strides.back() = bias.strides[0];
  return row;
}

static dnnl::primitive_desc_base create(const dnnl::engine &engine,
                                        const Product &p, Format source,
                                        Format weights, Format destination) {
  dnnl::memory::desc a = makeDesc(p.views[p.source], source);
  dnnl::memory::desc b = makeDesc(p.views[p.weights], weights);
  dnnl::memory::desc c = makeDesc(p.views[p.destination], destination);
  dnnl::primitive_attr attributes =
      makeAttributes(p.site, p.views, destination != Format::Given);
  if (p.bias < 0)
    return dnnl::matmul::primitive_desc(engine, a, b, c, attributes,
                                        /*allow_empty=*/true);
  return dnnl::matmul::primitive_desc(engine, a, b, makeDesc(biasRow(p)), c,
                                      attributes, /*allow_empty=*/true);
}

Attempt planMatmul(const dnnl::engine &engine, const Site &site,
                   std::vector<View> views) {
  Product p = makeProduct(site, std::move(views));

  // A constant is packed once, so it may take any format; converting anything
  // else at each call is the last resort. Packing pays for two dims only: there
  // is no packed format for batches in f32.
  auto constant = [&](size_t operand) {
    return site.operands[operand].constant && p.rank() == 2;
  };
  Format a = constant(p.source) ? Format::Any : Format::Given;
  Format b = constant(p.weights) ? Format::Any : Format::Given;
  const Format formats[][3] = {{a, b, Format::Given},
                               {Format::Plain, b, Format::Given},
                               {a, b, Format::Plain},
                               {Format::Plain, Format::Plain, Format::Plain}};
  bool onlyPlain = p.hasBinaryPostOp() && !isRowMajor(p.views[p.destination]);
  dnnl::primitive_desc_base best;
  for (const auto &format : formats) {
    if (onlyPlain && format[2] != Format::Plain)
      continue;
    dnnl::primitive_desc_base candidate =
        create(engine, p, format[0], format[1], format[2]);
    if (!candidate)
      continue;
    // The general GEMM is good at products, so only reference code is avoided.
    bool reference = rankImplementation(candidate) == 2;
    if (!best || !reference)
      best = candidate;
    if (!reference)
      break;
  }
  if (!best)
    throw std::runtime_error("oneDNN has no such matrix product");
  // A general GEMM packs the weights at each call.
  if (rankImplementation(best) != 0 && constant(p.weights))
    if (std::optional<Attempt> packed = planPackedProduct(engine, p))
      return *packed;

  Attempt attempt{best, {}};
  attempt.add(DNNL_ARG_SRC, p.source, p.views[p.source]);
  attempt.add(DNNL_ARG_WEIGHTS, p.weights, p.views[p.weights]);
  if (p.bias >= 0)
    attempt.add(DNNL_ARG_BIAS, static_cast<size_t>(p.bias), biasRow(p));
  addPostOpArguments(site, p.views, attempt);
  attempt.add(DNNL_ARG_DST, p.destination, p.views[p.destination]);
  return attempt;
}

} // namespace heed::runtime
