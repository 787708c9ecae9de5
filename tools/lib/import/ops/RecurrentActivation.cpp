// RecurrentActivation.cpp - the activations that a recurrent node names.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Recurrent.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

using Kind = attn::ActivationKind;

namespace {
struct ActivationRow {
  Kind kind;
  bool hasAlpha, hasBeta;
  double alpha, beta;
};

/// Names are compared without case, as ONNX Runtime does. Where the standard and
/// ONNX Runtime do not agree on a default it is NaN.
std::optional<ActivationRow> rowOf(StringRef name) {
  using Row = std::optional<ActivationRow>;
  auto row = [](Kind k, bool a = false, bool b = false, double alpha = 0,
                double beta = 0) {
    return Row({k, a, b, alpha, beta});
  };
  return llvm::StringSwitch<Row>(llvm::StringRef(name.lower()))
      .Case("relu", row(Kind::relu))
      .Case("tanh", row(Kind::tanh))
      .Case("sigmoid", row(Kind::sigmoid))
      .Case("affine", row(Kind::affine, true, true, NAN, NAN))
      .Case("leakyrelu", row(Kind::leaky_relu, true, false, 0.01))
      .Case("thresholdedrelu", row(Kind::thresholded_relu, true, false, NAN))
      .Case("scaledtanh", row(Kind::scaled_tanh, true, true, NAN, NAN))
      .Case("hardsigmoid", row(Kind::hard_sigmoid, true, true, 0.2, 0.5))
      .Case("elu", row(Kind::elu, true, false, 1))
      .Case("softsign", row(Kind::softsign))
      .Case("softplus", row(Kind::softplus))
      .Default(std::nullopt);
}
} // namespace

SmallVector<attn::Activation> readActivations(Node &n, size_t perCell,
                                              size_t directions) {
  SmallVector<attn::Activation> result;
  std::vector<std::string> names = n.stringsAttr("activations");
  auto alphas = n.floatsAttr("activation_alpha"),
       betas = n.floatsAttr("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  if (names.empty())
    return result;
  if (names.size() != perCell * directions)
    fail("attribute 'activations' has " + Twine(names.size()) +
         " entries, expected " + Twine(perCell * directions));
  for (const std::string &name : names) {
    auto row = rowOf(name);
    if (!row)
      fail("attribute 'activations' holds " + quoted(name));
    double alpha = row->alpha, beta = row->beta;
    if (row->hasAlpha && alphas && nextAlpha < alphas->size())
      alpha = (*alphas)[nextAlpha++];
    if (row->hasBeta && betas && nextBeta < betas->size())
      beta = (*betas)[nextBeta++];
    if (std::isnan(alpha) || std::isnan(beta))
      fail("activation " + quoted(name) +
           " needs its parameters in 'activation_alpha' and "
           "'activation_beta'");
    result.push_back({row->kind, alpha, beta});
  }
  // Left over, they would belong to functions that take none: which one the
  // model means cannot be told.
  if ((alphas && nextAlpha < alphas->size()) ||
      (betas && nextBeta < betas->size()))
    fail("attribute 'activation_alpha' or 'activation_beta' has more entries "
         "than the activations take");
  return result;
}

} // namespace heed::import
