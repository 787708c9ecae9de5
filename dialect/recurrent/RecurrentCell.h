// RecurrentCell.h - the elementwise part of a step of attn.recurrent.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_RECURRENT_RECURRENTCELL_H
#define HEED_DIALECT_RECURRENT_RECURRENTCELL_H

#include "dialect/recurrent/RecurrentOps.h"

#include <functional>

namespace heed::attn {

/// Positions of gates: those of ONNX.
enum LstmGate : unsigned { GateI, GateO, GateF, GateC };
enum GruGate : unsigned { GateZ, GateR, GateH };

/// Builds the formulas of one direction on floats or on vectors of floats: one
/// definition for the decomposition and for the kernels. A gate's sum is
/// a + q of the op's description.
class RecurrentCell {
public:
  RecurrentCell(RecurrentOp op, int64_t direction)
      : op(op), activations(op.getActivationsOf(direction)) {}

  /// In place of the definitions of sigmoid and tanh.
  using Function = std::function<Value(OpBuilder &, mlir::Location, Value)>;
  Function sigmoid, tanh;

  /// c after the step: of the sums of i, f and c, the old c, and p_i, p_f
  /// (null: none).
  Value lstmState(OpBuilder &b, mlir::Location loc, Value i, Value f, Value n,
                  Value c, Value peepholeI, Value peepholeF) const;
  /// h after the step: of the sum of o and the new c.
  Value lstmOutput(OpBuilder &b, mlir::Location loc, Value o, Value c,
                   Value peepholeO) const;
  /// r ⊙ fromState: the old h, or q_h + reset_bias.
  Value gruReset(OpBuilder &b, mlir::Location loc, Value r,
                 Value fromState) const;
  /// h after the step: of the sums of z and h, and the old h.
  Value gruOutput(OpBuilder &b, mlir::Location loc, Value z, Value n,
                  Value h) const;
  Value rnnOutput(OpBuilder &b, mlir::Location loc, Value sum) const;

private:
  /// Activation f, g or k; f and g of what is limited first.
  Value activate(OpBuilder &b, mlir::Location loc, unsigned which, Value x,
                 bool limited = true) const;

  RecurrentOp op;
  SmallVector<Activation> activations;
};

} // namespace heed::attn

#endif // HEED_DIALECT_RECURRENT_RECURRENTCELL_H
