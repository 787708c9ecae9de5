// LowerRowProduct.cpp - products with one row on memrefs -> vector code that
// reads the matrix as several streams.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/RowProduct.h"
#include "passes/lower/cpu/TargetDescriptor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERROWPRODUCT
#include "passes/lower/cpu/Passes.h.inc"

namespace {
struct LowerRowProduct : impl::LowerRowProductBase<LowerRowProduct> {
  using LowerRowProductBase::LowerRowProductBase;
  void runOnOperation() override {
    std::optional<TargetDescriptor> target =
        requireTargetDescriptor(getOperation(), mcpu);
    if (!target)
      return signalPassFailure();
    SmallVector<RowProduct> products;
    SmallVector<Operation *> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!op.hasPureBufferSemantics())
        return;
      if (std::optional<RowProduct> product = RowProduct::match(op)) {
        products.push_back(*product);
        ops.push_back(op);
      }
    });
    OpBuilder b(&getContext());
    for (auto [product, op] : llvm::zip_equal(products, ops)) {
      b.setInsertionPoint(op);
      product.build(b, target->vectorBytes / sizeof(float));
      op->erase();
    }
  }
};
} // namespace
} // namespace heed::lower
