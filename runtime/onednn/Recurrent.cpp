// Recurrent.cpp - LSTM, GRU and RNN layers over all time steps
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights may take any format: they are constants, packed once. Sequences and
// states are read where they lie; where the library wants them dense they are
// converted at each call.

#include "runtime/onednn/Plan.h"

#include <stdexcept>

namespace heed::runtime {

namespace {
/// The operands of a layer as descriptors.
struct Layer {
  const dnnl::engine &engine;
  const Site &site;
  const std::vector<View> &views;
  dnnl::rnn_direction direction;

  dnnl::memory::desc operator()(OperandRole role, Format format) const {
    int64_t operand = site.find(role);
    if (operand < 0)
      return {};
    return makeDesc(views[static_cast<size_t>(operand)], format);
  }
};
} // namespace

static dnnl::primitive_desc_base create(const Layer &layer, Format sequence) {
  auto kind = dnnl::prop_kind::forward_inference;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  auto source = layer(OperandRole::Source, sequence);
  auto destination = layer(OperandRole::Destination, sequence);
  auto state = layer(OperandRole::State, Format::Plain);
  auto cell = layer(OperandRole::Cell, Format::Plain);
  auto weights = layer(OperandRole::Weights, Format::Any);
  auto recurrent = layer(OperandRole::RecurrentWeights, Format::Any);
  auto bias = layer(OperandRole::Bias, Format::Plain);
  constexpr bool allowEmpty = true;
  switch (layer.site.kind) {
  case PrimitiveKind::Lstm:
    return dnnl::lstm_forward::primitive_desc(
        layer.engine, kind, layer.direction, source, state, cell, weights,
        recurrent, bias, destination, state, cell, attributes, allowEmpty);
  case PrimitiveKind::Gru:
    return dnnl::gru_forward::primitive_desc(
        layer.engine, kind, layer.direction, source, state, weights, recurrent,
        bias, destination, state, attributes, allowEmpty);
  case PrimitiveKind::GruResetAfter:
    return dnnl::lbr_gru_forward::primitive_desc(
        layer.engine, kind, layer.direction, source, state, weights, recurrent,
        bias, destination, state, attributes, allowEmpty);
  default:
    return dnnl::vanilla_rnn_forward::primitive_desc(
        layer.engine, kind,
        layer.site.kind == PrimitiveKind::RnnRelu
            ? dnnl::algorithm::eltwise_relu
            : dnnl::algorithm::eltwise_tanh,
        layer.direction, source, state, weights, recurrent, bias, destination,
        state, attributes, allowEmpty);
  }
}

Attempt planRecurrent(const dnnl::engine &engine, const Site &site,
                      const std::vector<View> &views) {
  Layer layer{engine, site, views,
              site.strides[0] < 0
                  ? dnnl::rnn_direction::unidirectional_right2left
                  : dnnl::rnn_direction::unidirectional_left2right};
  dnnl::primitive_desc_base best;
  for (Format sequence : {Format::Given, Format::Plain})
    if (keepBetter(best, create(layer, sequence)))
      break;
  if (!best)
    throw std::runtime_error("oneDNN has no such recurrent layer");
  Attempt attempt{best, {}};
  auto add = [&](int id, OperandRole role) {
    int64_t operand = site.find(role);
    if (operand >= 0)
      attempt.add(id, static_cast<size_t>(operand),
                  views[static_cast<size_t>(operand)]);
  };
  add(DNNL_ARG_SRC_LAYER, OperandRole::Source);
  add(DNNL_ARG_SRC_ITER, OperandRole::State);
  add(DNNL_ARG_SRC_ITER_C, OperandRole::Cell);
  add(DNNL_ARG_WEIGHTS_LAYER, OperandRole::Weights);
  add(DNNL_ARG_WEIGHTS_ITER, OperandRole::RecurrentWeights);
  add(DNNL_ARG_BIAS, OperandRole::Bias);
  add(DNNL_ARG_DST_ITER, OperandRole::LastState);
  add(DNNL_ARG_DST_ITER_C, OperandRole::LastCell);
  add(DNNL_ARG_DST_LAYER, OperandRole::Destination);
  return attempt;
}

} // namespace heed::runtime
