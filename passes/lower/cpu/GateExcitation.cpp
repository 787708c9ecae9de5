// GateExcitation.cpp - from the pools of a gate to its values, on buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/GateExcitation.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/lower/cpu/GateLayout.h"
#include "runtime/cost/CostModel.h"

using namespace mlir;
using heed::attn::GateOp;

namespace heed::lower {

//===----------------------------------------------------------------------===//
// On tensors
//===----------------------------------------------------------------------===//

/// Whether the innermost dims of an op's work are a product or a convolution.
static bool isContraction(linalg::LinalgOp op) {
  return llvm::any_of(op.getIteratorTypesArray(),
                      [](utils::IteratorType iterator) {
                        return iterator == utils::IteratorType::reduction;
                      }) &&
         op.getNumDpsInputs() == 2;
}

bool keepsExcitationNative(GateOp gate) {
  int64_t work = 0, weightBytes = 0;
  for (Operation &op : gate.getExcite().front().without_terminator()) {
    auto linalg = dyn_cast<linalg::LinalgOp>(op);
    if (!linalg)
      continue;
    if (!isContraction(linalg))
      continue;
    std::optional<SmallLinalg> small = SmallLinalg::match(linalg);
    if (!small || small->getWork() == 0)
      return false;
    work += small->getWork();
    auto weight = cast<ShapedType>(linalg.getDpsInputs()[1].getType());
    weightBytes += weight.getNumElements() * 4;
  }
  auto type = cast<ShapedType>(gate.getX().getType());
  int64_t images =
      llvm::is_contained(gate.getDimensions(), 0) ? 1 : type.getDimSize(0);
  return cost::isNativeExcitation(work, weightBytes, images);
}

//===----------------------------------------------------------------------===//
// On buffers
//===----------------------------------------------------------------------===//

/// Sorts one op in; false where it is no vector code.
bool GateExcitation::classify(Operation *op) {
  if (isa<memref::AllocOp, ViewLikeOpInterface>(op) || isPure(op)) {
    prologue.push_back(op);
    return true;
  }
  steps.push_back({op, std::nullopt});
  if (isa<memref::CopyOp>(op))
    return true;
  auto linalg = dyn_cast<linalg::LinalgOp>(op);
  if (!linalg || !SmallLinalg::match(linalg))
    return false;
  steps.back().imageDim = images.findLoop(linalg);
  return true;
}

GateExcitation::GateExcitation(GateOp gate) : gate(gate), images(gate) {
  auto type = cast<MemRefType>(gate.getX().getType());
  perImage = type.getDimSize(0) != 1 &&
             !llvm::is_contained(gate.getDimensions(), 0) &&
             images.areSeparate();
  for (Operation &op : gate.getExcite().front().without_terminator())
    perImage &= classify(&op);
}

Value GateExcitation::buildPrologue(OpBuilder &b, ValueRange pools) {
  Block &body = gate.getExcite().front();
  for (auto [pool, argument] : llvm::zip_equal(pools, body.getArguments())) {
    Value value = pool;
    if (value.getType() != argument.getType())
      value =
          memref::CastOp::create(b, gate.getLoc(), argument.getType(), pool);
    mapping.map(argument, value);
  }
  // An op that needs what a step makes is a step itself.
  DenseSet<Operation *> later;
  for (const Step &step : steps)
    later.insert(step.op);
  for (Operation *op : prologue) {
    bool waits = llvm::any_of(op->getOperands(), [&](Value operand) {
      return later.contains(operand.getDefiningOp());
    });
    if (waits)
      later.insert(op);
    else
      b.clone(*op, mapping);
  }
  SmallVector<Step> all;
  for (Operation &op : body.without_terminator())
    if (later.contains(&op)) {
      Step step{&op, std::nullopt};
      for (const Step &known : steps)
        if (known.op == &op)
          step = known;
      all.push_back(step);
    }
  steps = all;
  return mapping.lookupOrNull(body.getTerminator()->getOperand(0));
}

Value GateExcitation::build(OpBuilder &b, unsigned length, Value image) {
  IRMapping local = mapping;
  for (const Step &step : steps) {
    if (auto copy = dyn_cast<memref::CopyOp>(step.op)) {
      Value source = local.lookupOrDefault(copy.getSource());
      Value target = local.lookupOrDefault(copy.getTarget());
      if (image) {
        source = sliceImage(b, copy.getLoc(), source, image);
        target = sliceImage(b, copy.getLoc(), target, image);
      }
      auto op = linalg::CopyOp::create(b, copy.getLoc(), source, target);
      auto small = SmallLinalg::match(cast<linalg::LinalgOp>(*op));
      if (small) {
        small->build(b, length);
        op.erase();
      }
      continue;
    }
    Operation *clone = b.clone(*step.op, local);
    auto linalg = dyn_cast<linalg::LinalgOp>(clone);
    if (!linalg)
      continue;
    std::optional<SmallLinalg> small = SmallLinalg::match(linalg);
    if (!small)
      continue;
    small->build(b, length, image, step.imageDim.value_or(0));
    clone->erase();
  }
  return local.lookupOrDefault(
      gate.getExcite().front().getTerminator()->getOperand(0));
}

} // namespace heed::lower
