// fixture.h - attentions as MLIR, lowered to kernels of a chip.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_UNIT_GPU_FIXTURE_H
#define HEED_TESTS_UNIT_GPU_FIXTURE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

#include <ostream>
#include <string>
#include <vector>

namespace heed::test {

/// One attention. Tensors are (b, h, i, d), or (b, i, h, d) if `isBSHD`; keys
/// have h / group heads.
struct Attention {
  std::string name;
  int64_t b = 1, h = 1, group = 1, i = 64, j = 64, d = 64, e = 64;
  std::string element = "bf16";
  double scale = 0.125;
  std::string attributes; // more of them, each with a comma before
  bool hasBias = false, hasMask = false, hasKvLength = false, hasLse = false;
  std::string score; // the body of the region
  bool isBSHD = false, isDynamic = false;
};

/// How GoogleTest names it.
inline void PrintTo(const Attention &attention, std::ostream *os) {
  *os << attention.name;
}

/// func.func @main(q, k, v[, bias][, mask][, kv_length], o[, lse]).
std::string print(const Attention &attention);

/// A context with all that kernels need.
mlir::MLIRContext &context();

/// The program with its attention lowered to a kernel; null, after a message,
/// if that fails.
mlir::OwningOpRef<mlir::ModuleOp>
lower(const std::string &program, const std::string &chip,
      llvm::function_ref<void(mlir::OpPassManager &)> addMore = nullptr);

/// The attentions that are checked: each mask, layout and head size.
std::vector<Attention> attentions();

} // namespace heed::test

#endif // HEED_TESTS_UNIT_GPU_FIXTURE_H
