// Recurrent.h - one step of an LSTM, GRU or RNN, for the loop that runs it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_RECURRENT_H
#define HEED_TOOLS_LIB_IMPORT_OPS_RECURRENT_H

#include "tools/lib/import/Node.h"
#include "tools/lib/import/ops/Formula.h"

namespace heed::import {

/// An activation function by name, with its parameters.
struct CellActivation {
  enum class Kind {
    Relu,
    Tanh,
    Sigmoid,
    Affine,
    LeakyRelu,
    ThresholdedRelu,
    ScaledTanh,
    HardSigmoid,
    Elu,
    Softsign,
    Softplus
  } kind = Kind::Tanh;
  double alpha = 0, beta = 0;
  mlir::Value operator()(Formula &s, mlir::Value x) const;
};

/// The activations of each direction: `defaults`, or as the node's attributes
/// say. Parameters are taken in order by the functions that have them.
std::vector<llvm::SmallVector<CellActivation>>
readActivations(Node &n, llvm::ArrayRef<CellActivation::Kind> defaults,
                size_t directions);

/// What one direction of a cell needs at each step. Weights are transposed: a
/// step multiplies [B, H] by them.
struct Cell {
  llvm::StringRef op; // LSTM, GRU, RNN
  DType type = DType::F32;
  Sym batch;
  int64_t hidden = 0;
  Tensor recurrent;     // [H, gates·H]; GRU that resets first: z and r only
  Tensor candidate;     // [H, H], that GRU's third gate
  Tensor candidateBias; // [1, H], of h·R before the reset gate
  Tensor peephole[3];   // [1, H]: i, o, f
  llvm::SmallVector<CellActivation> activations;
  double clip = 0; // 0: none
  bool resetAfter = false, coupled = false;
};

struct CellState {
  Tensor h, c; // [B, H]; c of an LSTM only
};

/// The state after a step. `x` is [B, gates·H]: the projected input with the
/// biases.
CellState step(Emitter &e, const Cell &cell, const Tensor &x,
               const CellState &state);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_RECURRENT_H
