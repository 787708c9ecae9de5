// NormMutants.cpp - miscompiles of attn.norm.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/norm/NormOps.h"
#include "tests/generate/Mutants.h"

using namespace mlir;
using heed::attn::NormKind;
using heed::attn::NormOp;

namespace heed::generate {
namespace {

using Change = bool (*)(NormOp, OpBuilder &);

Mutant mutant(const char *name, Change change) {
  return {name, Subject::Layer, [change](ModuleOp module) {
            bool changed = false;
            module.walk([&](NormOp op) {
              OpBuilder b(op);
              changed |= change(op, b);
            });
            return changed;
          }};
}

} // namespace

std::vector<Mutant> normMutants() {
  using Op = NormOp;
  using B = OpBuilder &;
  return {
      mutant("epsilon_dropped",
             [](Op op, B b) {
               op.setEpsilonAttr(b.getF64FloatAttr(0));
               return true;
             }),
      mutant("epsilon_doubled",
             [](Op op, B b) {
               op.setEpsilonAttr(
                   b.getF64FloatAttr(2 * op.getEpsilon().convertToDouble()));
               return true;
             }),
      mutant("mean_not_subtracted",
             [](Op op, B) {
               op.setKind(NormKind::rms);
               return true;
             }),
      mutant("normalised_over_other_dims",
             [](Op op, B) {
               op.setDimensions(ArrayRef<int64_t>{1});
               return true;
             }),
      mutant("normalised_over_more_dims",
             [](Op op, B) {
               op.setDimensions(ArrayRef<int64_t>{1, 2});
               return true;
             }),
      mutant("weight_over_other_dim",
             [](Op op, B) {
               op.setWeightDimensions(ArrayRef<int64_t>{1});
               return op.getWeight() != nullptr;
             }),
      mutant("bias_over_other_dim",
             [](Op op, B) {
               op.setBiasDimensions(ArrayRef<int64_t>{1});
               return op.getBias() != nullptr;
             }),
      mutant("weight_for_bias",
             [](Op op, B) {
               if (!op.getWeight() || !op.getBias())
                 return false;
               Value weight = op.getWeight();
               op.getWeightMutable().assign(op.getBias());
               op.getBiasMutable().assign(weight);
               return true;
             }),
      mutant("weight_dropped",
             [](Op op, B) {
               bool had = op.getWeight() != nullptr;
               op.getWeightMutable().clear();
               op.removeWeightDimensionsAttr();
               return had;
             }),
      mutant("bias_dropped",
             [](Op op, B) {
               bool had = op.getBias() != nullptr;
               op.getBiasMutable().clear();
               op.removeBiasDimensionsAttr();
               return had;
             }),
  };
}

} // namespace heed::generate
