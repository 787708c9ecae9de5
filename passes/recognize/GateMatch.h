// GateMatch.h - one anchor of a gate: what was matched, or why not, and its
// rewrite.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_GATEMATCH_H
#define HEED_PASSES_RECOGNIZE_GATEMATCH_H

#include "dialect/gate/GateOps.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/recognize/GateKind.h"

namespace heed::recognize {

/// An elementwise op whose body holds x · f(gate) or x / f(gate), where `gate`
/// is broadcast over some dimensions of x.
struct GateAnchor {
  mlir::linalg::LinalgOp op;
  mlir::OpOperand *x = nullptr;
  mlir::OpOperand *gate = nullptr;
  bool divides = false;
  /// The tensor behind the gate's movement and broadcast.
  mlir::Value core;
  /// For each dimension of x: the digits of `core`, or broadcast digits.
  Layout gateAxes;
  /// The dimensions of x that the gate is broadcast over. None: it has x's
  /// shape, and is a gate only if x's pooled dimensions have size 1.
  llvm::SmallVector<int64_t> broadcast;
};
struct GateMatch {
  GateAnchor anchor;
  /// The scaled tensor: the anchor's x, or where that is c · x the x in it.
  mlir::Value x;
  /// The weight c, a factor of the gate: a number, a tensor by the dimensions of
  /// x.
  double scale = 1;
  std::optional<View> factor;
  Layout xAxes; // digits of the root that x and the pooled tensors share
  llvm::SmallVector<int64_t> dimensions;
  llvm::SmallVector<mlir::OpOperand *> extras;
  Excitation excitation;
  /// Of the op: one for each kind, though the source may repeat it.
  llvm::SmallVector<attn::Pool, 3> pools;
  GateKind kind = GateKind::Axis;
  /// Set where the anchor is not fused; then only `kind` is valid.
  std::optional<Refusal> refusal;
};
/// `op` as an anchor; nothing where it has nothing to do with a reduction.
std::optional<GateMatch> matchGate(mlir::Operation *op);

/// Replaces the anchor by an attn.gate.
attn::GateOp buildGate(mlir::RewriterBase &rewriter, const GateMatch &match);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_GATEMATCH_H
