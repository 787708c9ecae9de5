// PostOps.cpp - what a primitive does to its result before storing it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/Plan.h"

#include <stdexcept>

namespace heed::runtime {

static dnnl::algorithm algorithmOf(PostOpKind kind) {
  using dnnl::algorithm;
  switch (kind) {
  case PostOpKind::Relu:
    return algorithm::eltwise_relu;
  case PostOpKind::Clip:
    return algorithm::eltwise_clip;
  case PostOpKind::Linear:
    return algorithm::eltwise_linear;
  case PostOpKind::Sigmoid:
    return algorithm::eltwise_logistic;
  case PostOpKind::Swish:
    return algorithm::eltwise_swish;
  case PostOpKind::HardSigmoid:
    return algorithm::eltwise_hardsigmoid;
  case PostOpKind::HardSwish:
    return algorithm::eltwise_hardswish;
  case PostOpKind::GeluErf:
    return algorithm::eltwise_gelu_erf;
  case PostOpKind::GeluTanh:
    return algorithm::eltwise_gelu_tanh;
  case PostOpKind::Tanh:
    return algorithm::eltwise_tanh;
  case PostOpKind::Elu:
    return algorithm::eltwise_elu;
  case PostOpKind::Exp:
    return algorithm::eltwise_exp;
  case PostOpKind::Abs:
    return algorithm::eltwise_abs;
  case PostOpKind::Square:
    return algorithm::eltwise_square;
  case PostOpKind::Sqrt:
    return algorithm::eltwise_sqrt;
  case PostOpKind::Add:
    return algorithm::binary_add;
  case PostOpKind::Sub:
    return algorithm::binary_sub;
  case PostOpKind::Mul:
    return algorithm::binary_mul;
  case PostOpKind::Div:
    return algorithm::binary_div;
  case PostOpKind::Max:
    return algorithm::binary_max;
  case PostOpKind::Min:
    return algorithm::binary_min;
  }
  throw std::runtime_error("unknown post-op");
}

dnnl::primitive_attr makeAttributes(const Site &site,
                                    const std::vector<View> &views, bool any) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const View &destination =
      views[static_cast<size_t>(site.find(OperandRole::Destination))];
  dnnl::post_ops postOps;
  for (const PostOp &postOp : site.postOps) {
    dnnl::algorithm algorithm = algorithmOf(postOp.kind);
    if (postOp.operand < 0) {
      postOps.append_eltwise(algorithm, postOp.alpha, postOp.beta);
      continue;
    }
    const View &view = views[static_cast<size_t>(postOp.operand)];
    bool full = view.sizes == destination.sizes;
    postOps.append_binary(
        algorithm, makeDesc(view, full && any ? Format::Any : Format::Given));
  }
  attributes.set_post_ops(postOps);
  return attributes;
}

void addPostOpArguments(const Site &site, const std::vector<View> &views,
                        Attempt &attempt) {
  for (size_t i = 0; i < site.postOps.size(); ++i) {
    if (site.postOps[i].operand < 0)
      continue;
    size_t operand = static_cast<size_t>(site.postOps[i].operand);
    int id =
        DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1;
    attempt.add(id, operand, views[operand]);
  }
}

} // namespace heed::runtime
