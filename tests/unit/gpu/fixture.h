// fixture.h - attentions as MLIR, lowered to kernels of a chip.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_UNIT_GPU_FIXTURE_H
#define HEED_TESTS_UNIT_GPU_FIXTURE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "tests/emulate/Emulator.h"

#include <ostream>
#include <string>
#include <vector>

namespace heed::test {

/// How the tensors of heads lie in memory: (b, h, i, d), (b, i, h, d), (b, h, d,
/// i), or (i, d) where b and h are 1.
enum class Layout { BHSD, BSHD, BHDS, SD };

/// One attention. Keys have h / group heads.
struct Attention {
  std::string name;
  int64_t b = 1, h = 1, group = 1, i = 64, j = 64, d = 64, e = 64;
  std::string element = "bf16";
  double scale = 0.125;
  std::string attributes; // more of them, each with a comma before
  bool hasBias = false, hasMask = false, hasKvLength = false, hasLse = false;
  std::string score;     // the body of the region
  bool hasTable = false; // of i + j − 1 numbers, which the region loads from
  Layout layout = Layout::BHSD;
  bool isDynamic = false;
  int64_t launches = 1;

  /// Sizes in memory of a tensor of heads.
  std::vector<int64_t> shape(int64_t heads, int64_t rows,
                             int64_t columns) const;
};

/// How GoogleTest names it.
inline void PrintTo(const Attention &attention, std::ostream *os) {
  *os << attention.name;
}

/// func.func @main(q, k, v[, bias][, mask][, kv_length][, table], o[, lse]).
std::string print(const Attention &attention);

/// Elements of f16, bf16 or f32 as the kernel has them.
struct Elements {
  std::string type;
  std::vector<uint16_t> halves;
  std::vector<float> floats;

  Elements(const std::string &type, size_t count) : type(type) {
    isFloat() ? floats.resize(count) : halves.resize(count);
  }
  bool isFloat() const { return type == "f32"; }
  int64_t bytes() const { return isFloat() ? 4 : 2; }
  void *data() {
    return isFloat() ? static_cast<void *>(floats.data()) : halves.data();
  }
  double get(size_t at) const {
    return isFloat() ? floats[at]
                     : emulate::fromHalf(halves[at], type == "bf16");
  }
  /// What `value` is, rounded.
  double set(size_t at, double value) {
    if (isFloat())
      floats[at] = value;
    else
      halves[at] = emulate::toHalf(value, type == "bf16");
    return get(at);
  }
};

/// A context with all that kernels need.
mlir::MLIRContext &context();

/// The program with its attention or gates lowered to kernels; null, after a message,
/// if that fails.
mlir::OwningOpRef<mlir::ModuleOp>
lower(const std::string &program, const std::string &chip,
      llvm::function_ref<void(mlir::OpPassManager &)> addMore = nullptr);

/// The attentions that are checked: each mask, layout and head size.
std::vector<Attention> attentions();

} // namespace heed::test

#endif // HEED_TESTS_UNIT_GPU_FIXTURE_H
