// PackedProduct.cpp - products of constant weights as other families of primitives
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   inner product   src m k          weights n k        dst m n
//   convolution     src 1 k 1 m      weights n k 1 1    dst 1 n 1 m
//
// Both pack constant weights once, channels last is row by row.

#include "runtime/onednn/PackedProduct.h"

#include "runtime/cost/CostModel.h"

#include <omp.h>

namespace heed::runtime {

/// Rows and columns as the dims of a picture of m pixels.
static View asPicture(const View &view) {
  int64_t rows = view.sizes[0], stride = view.strides[0];
  return {{1, view.sizes[1], 1, rows},
          {rows * stride, view.strides[1], rows * stride, stride}};
}

static View transposed(const View &view) {
  return {{view.sizes[1], view.sizes[0]}, {view.strides[1], view.strides[0]}};
}

static dnnl::primitive_desc_base
createInnerProduct(const dnnl::engine &engine, const Product &p,
                   const dnnl::memory::desc &bias) {
  return dnnl::inner_product_forward::primitive_desc(
      engine, dnnl::prop_kind::forward_inference, makeDesc(p.views[p.source]),
      makeDesc(transposed(p.views[p.weights]), Format::Any), bias,
      makeDesc(p.views[p.destination]),
      makeAttributes(p.site, p.views, /*any=*/false), /*allow_empty=*/true);
}

static dnnl::primitive_desc_base
createConvolution(const dnnl::engine &engine, const Product &pictures,
                  const View &weights, const dnnl::memory::desc &bias) {
  auto create = [&] {
    return dnnl::convolution_forward::primitive_desc(
        engine, dnnl::prop_kind::forward_inference,
        dnnl::algorithm::convolution_direct,
        makeDesc(pictures.views[pictures.source]),
        makeDesc(weights, Format::Any), bias,
        makeDesc(pictures.views[pictures.destination]), Dims{1, 1}, Dims{0, 0},
        Dims{0, 0}, Dims{0, 0},
        makeAttributes(pictures.site, pictures.views, /*any=*/false),
        /*allow_empty=*/true);
  };
  return preferFaster(create);
}

std::optional<Attempt> planPackedProduct(const dnnl::engine &engine,
                                         const Product &product) {
  const View &weights = product.views[product.weights];
  int64_t m = product.views[product.destination].sizes[0];
  using cost::ProductFamily;
  ProductFamily family = cost::chooseProductFamily(
      m, weights.sizes[0], weights.sizes[1], omp_get_max_threads());
  if (family == ProductFamily::Matmul)
    return std::nullopt;
  // Views in the family's own dims.
  bool isPicture = family == ProductFamily::Convolution;
  Product own = product;
  View ownWeights = transposed(weights);
  if (isPicture) {
    for (View *view : own.shapedLikeDestination())
      *view = asPicture(*view);
    ownWeights = {{ownWeights.sizes[0], ownWeights.sizes[1], 1, 1},
                  {ownWeights.strides[0], ownWeights.strides[1], 1, 1}};
  }
  dnnl::memory::desc bias;
  if (product.bias >= 0)
    bias = makeDesc(product.views[static_cast<size_t>(product.bias)]);
  dnnl::primitive_desc_base descriptor =
      isPicture ? createConvolution(engine, own, ownWeights, bias)
                : createInnerProduct(engine, own, bias);
  if (!descriptor || rankImplementation(descriptor) != 0)
    return std::nullopt;

  Attempt attempt{descriptor, {}};
  attempt.add(DNNL_ARG_SRC, own.source, own.views[own.source]);
  attempt.add(DNNL_ARG_WEIGHTS, own.weights, ownWeights);
  if (product.bias >= 0) {
    auto operand = static_cast<size_t>(product.bias);
    attempt.add(DNNL_ARG_BIAS, operand, product.views[operand]);
  }
  addPostOpArguments(own.site, own.views, attempt);
  attempt.add(DNNL_ARG_DST, own.destination, own.views[own.destination]);
  return attempt;
}

} // namespace heed::runtime
