// SdpaScore.h - from a dot product q_i·k_j to the score that the softmax sees.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builders shared by the decomposition (on scalars) and the CPU kernel (on
// scalars and on vectors along j).
#ifndef HEED_DIALECT_SDPA_SDPASCORE_H
#define HEED_DIALECT_SDPA_SDPASCORE_H

#include "dialect/sdpa/SdpaOps.h"

namespace heed::attn {

/// One element of the score, or a vector of elements with consecutive j.
struct ScoreElement {
  mlir::Value score;      // scale · q_i·k_j, of the accumulation type
  mlir::Value bias;       // null where the op has none; any float type
  mlir::Value b, h, i, j; // index, or vector of index
};

/// `value` as a constant of a float type, or of a vector of floats.
mlir::Value buildFloat(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type,
                       double value);

/// `value` extended or truncated to the element type of `type`.
mlir::Value buildFloatCast(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Value value, mlir::Type type);

/// softcap, bias and the score region, in that order. The region is cloned; on
/// vectors, the caller has checked `isVectorizable(region)`.
mlir::Value buildScore(mlir::OpBuilder &b, mlir::Location loc, SdpaOp op,
                       const ScoreElement &element);

/// Clones the scalar ops of `body` for vectors of `args`' length, if that is
/// what they are; values from above are broadcast. Gives the yielded value.
mlir::Value cloneScalarBody(mlir::OpBuilder &b, mlir::Block &body,
                            mlir::ValueRange args);

/// Whether `cloneScalarBody` holds for vectors: only elementwise ops and
/// constants.
bool isVectorizable(mlir::Region &region);

/// The keys that query i may attend by causal, window and kv_length alone:
/// begin ≤ j < end, not clamped to [0, Sk). Null: no bound.
struct KeyBounds {
  mlir::Value begin, end;
};
/// `kvLength` is an index (null where the op has none).
KeyBounds buildKeyBounds(mlir::OpBuilder &b, mlir::Location loc, SdpaOp op,
                         mlir::Value i, mlir::Value sq, mlir::Value sk,
                         mlir::Value kvLength);

} // namespace heed::attn

#endif // HEED_DIALECT_SDPA_SDPASCORE_H
