// GateMutants.cpp - miscompiles of attn.gate.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/gate/GateOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "tests/generate/Mutants.h"

using namespace mlir;
using heed::attn::GateOp;
using heed::attn::Pool;

namespace heed::generate {
namespace {

using Change = bool (*)(GateOp);

Mutant mutant(const char *name, Subject subject, Change change) {
  return {name, subject, [change](ModuleOp module) {
            bool changed = false;
            module.walk([&](GateOp op) { changed |= change(op); });
            return changed;
          }};
}

bool setPools(GateOp op, ArrayRef<Pool> from, ArrayRef<Pool> to) {
  SmallVector<Attribute> pools;
  if (op.getPools().size() != from.size())
    return false;
  for (unsigned k = 0; k < from.size(); ++k) {
    if (op.getPool(k) != from[k])
      return false;
    pools.push_back(attn::PoolAttr::get(op.getContext(), to[k]));
  }
  op.setPoolsAttr(ArrayAttr::get(op.getContext(), pools));
  return true;
}

/// The first op of the kind in the region becomes its operand.
template <typename OpTy> bool bypass(Region &region, unsigned operand) {
  return region
      .walk([&](OpTy op) {
        op->getResult(0).replaceAllUsesWith(op->getOperand(operand));
        op->erase();
        return WalkResult::interrupt();
      })
      .wasInterrupted();
}

/// The first op of the kind becomes one of another kind.
template <typename From, typename To> bool become(Region &region) {
  return region
      .walk([&](From op) {
        OpBuilder b(op);
        Value other =
            To::create(b, op.getLoc(), op->getOperand(0), op->getOperand(1));
        op->getResult(0).replaceAllUsesWith(other);
        op->erase();
        return WalkResult::interrupt();
      })
      .wasInterrupted();
}

/// Constants 1/4, or divisors 4, become 1/2 and 2.
bool doubleQuarters(ModuleOp module) {
  bool done = false;
  module.walk([&](arith::ConstantOp op) {
    double value = 0;
    if (auto number = dyn_cast<FloatAttr>(op.getValue()))
      value = number.getValueAsDouble();
    else if (auto dense = dyn_cast<DenseFPElementsAttr>(op.getValue());
             dense && dense.isSplat())
      value = dense.getSplatValue<APFloat>().convertToDouble();
    if (value != 0.25 && value != 4)
      return;
    FloatAttr other = FloatAttr::get(Float32Type::get(op.getContext()),
                                     value == 4 ? 2.0 : 0.5);
    if (auto type = dyn_cast<RankedTensorType>(op.getType()))
      op.setValueAttr(DenseElementsAttr::get(type, Attribute(other)));
    else
      op.setValueAttr(other);
    done = true;
  });
  return done;
}

/// An argument of the program read inside the excitation, changed.
bool changeCaptured(GateOp op, unsigned rank,
                    function_ref<Value(OpBuilder &, Value)> change) {
  bool done = false;
  op.getExcite().walk([&](Operation *inner) {
    for (OpOperand &operand : inner->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      if (done || !type || type.getRank() != rank ||
          !isa<BlockArgument>(operand.get()) ||
          operand.get().getParentRegion() == &op.getExcite())
        continue;
      OpBuilder b(op);
      operand.set(change(b, operand.get()));
      done = true;
    }
  });
  return done;
}

} // namespace

std::vector<Mutant> gateMutants() {
  return {
      mutant("pooled_over_other_dims", Subject::Excitation,
             [](GateOp op) { // (n, c) of (n, c, h, w) becomes (n, w)
               op.setDimensions(ArrayRef<int64_t>{1, 2});
               return true;
             }),
      mutant("pooled_over_channels", Subject::Excitation,
             [](GateOp op) {
               op.setDimensions(ArrayRef<int64_t>{1, 3});
               return true;
             }),
      mutant("sum_for_mean", Subject::Excitation,
             [](GateOp op) { return setPools(op, {Pool::avg}, {Pool::sum}); }),
      mutant("maximum_for_mean", Subject::Excitation,
             [](GateOp op) { return setPools(op, {Pool::avg}, {Pool::max}); }),
      mutant("mean_for_maximum", Subject::Places,
             [](GateOp op) { return setPools(op, {Pool::max}, {Pool::avg}); }),
      mutant("places_pooled_elsewhere", Subject::Places,
             [](GateOp op) {
               op.setDimensions(ArrayRef<int64_t>{2});
               return true;
             }),
      mutant("pools_exchanged", Subject::Shared,
             [](GateOp op) {
               return setPools(op, {Pool::avg, Pool::max},
                               {Pool::max, Pool::avg}) ||
                      setPools(op, {Pool::max, Pool::avg},
                               {Pool::avg, Pool::max});
             }),
      mutant("one_pool_twice", Subject::Shared,
             [](GateOp op) {
               Block &block = op.getExcite().front();
               block.getArgument(1).replaceAllUsesWith(block.getArgument(0));
               return true;
             }),
      mutant("hidden_activation_dropped", Subject::Shared,
             [](GateOp op) {
               return bypass<arith::MaximumFOp>(op.getExcite(), 0);
             }),
      {"weight_of_a_pool_doubled", Subject::Shared, doubleQuarters},
      mutant("weights_transposed", Subject::Excitation,
             [](GateOp op) {
               return changeCaptured(op, 2, [](OpBuilder &b, Value weights) {
                 return transposed(b, weights, 0, 1);
               });
             }),
      mutant("bias_of_layer_rotated", Subject::Excitation,
             [](GateOp op) {
               return changeCaptured(op, 1, [](OpBuilder &b, Value bias) {
                 return rotated(b, bias, 0);
               });
             }),
      mutant("taps_rotated", Subject::Channels,
             [](GateOp op) {
               return changeCaptured(op, 1, [](OpBuilder &b, Value taps) {
                 return rotated(b, taps, 0);
               });
             }),
      mutant(
          "sigmoid_without_negation", Subject::Excitation,
          [](GateOp op) { return bypass<arith::NegFOp>(op.getExcite(), 0); }),
      mutant("sigmoid_without_exponential", Subject::Channels,
             [](GateOp op) { return bypass<math::ExpOp>(op.getExcite(), 0); }),
      mutant(
          "sigmoid_dropped", Subject::Excitation,
          [](GateOp op) { return bypass<arith::DivFOp>(op.getExcite(), 1); }),
      mutant(
          "residual_dropped", Subject::Epilogue,
          [](GateOp op) { return bypass<arith::AddFOp>(op.getEpilogue(), 0); }),
      mutant(
          "scaled_tensor_dropped", Subject::Epilogue,
          [](GateOp op) { return bypass<arith::AddFOp>(op.getEpilogue(), 1); }),
      mutant("gate_added", Subject::Epilogue,
             [](GateOp op) {
               return become<arith::MulFOp, arith::AddFOp>(op.getEpilogue());
             }),
      mutant("residual_multiplied", Subject::Epilogue,
             [](GateOp op) {
               return become<arith::AddFOp, arith::MulFOp>(op.getEpilogue());
             }),
      mutant("activation_dropped", Subject::Epilogue,
             [](GateOp op) {
               return bypass<arith::MaximumFOp>(op.getEpilogue(), 0) ||
                      bypass<arith::MaxNumFOp>(op.getEpilogue(), 0);
             }),
      mutant("extras_exchanged", Subject::Epilogue,
             [](GateOp op) {
               if (op.getExtras().size() != 2)
                 return false;
               MutableOperandRange extras = op.getExtrasMutable();
               Value first = extras[0].get();
               extras[0].set(extras[1].get());
               extras[1].set(first);
               return true;
             }),
      mutant("another_tensor_scaled", Subject::Epilogue,
             [](GateOp op) {
               if (op.getExtras().empty())
                 return false;
               op.getXMutable().set(op.getExtras()[0]);
               return true;
             }),
      mutant("image_of_another_rotated", Subject::Excitation,
             [](GateOp op) {
               OpBuilder b(op);
               op.getXMutable().set(rotated(b, op.getX(), 0));
               return true;
             }),
  };
}

} // namespace heed::generate
