// fixture.cpp - attentions as MLIR, lowered to kernels of a chip.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/gpu/fixture.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/Passes.h"
#include "passes/lower/gpu/Passes.h"
#include "passes/pipelines/Pipelines.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace heed::test {

namespace {
/// memref<…> of sizes, "?" each if dynamic, but for the one at `known`; few
/// queries are always known.
std::string type(const Attention &a, std::vector<int64_t> sizes,
                 const std::string &element, size_t known = -1) {
  std::string text = "memref<";
  for (size_t k = 0; k < sizes.size(); ++k) {
    bool isStatic =
        !a.isDynamic || k == known || (a.launches > 1 && sizes[k] == a.i);
    text += (isStatic ? std::to_string(sizes[k]) : "?") + "x";
  }
  return text + element + ">";
}

/// head, row and column in the order of memory.
template <typename T>
std::vector<T> arrange(Layout layout, T batch, T head, T row, T column) {
  switch (layout) {
  case Layout::BHSD:
    return {batch, head, row, column};
  case Layout::BSHD:
    return {batch, row, head, column};
  case Layout::BHDS:
    return {batch, head, column, row};
  case Layout::SD:
    return {row, column};
  }
  return {};
}

std::string map(const std::string &results) {
  return "affine_map<(b, h, i, j, d, e) -> (" + results + ")>";
}
} // namespace

std::vector<int64_t> Attention::shape(int64_t heads, int64_t rows,
                                      int64_t columns) const {
  return arrange(layout, b, heads, rows, columns);
}

std::string print(const Attention &a) {
  std::string kvHead =
      a.group == 1 ? "h" : "h floordiv " + std::to_string(a.group);
  auto rows = [&](const std::string &head, const std::string &row,
                  const std::string &column) {
    return map(llvm::join(
        arrange<std::string>(a.layout, "b", head, row, column), ", "));
  };
  auto heads = [&](int64_t heads, int64_t rows, int64_t columns) {
    std::vector<int64_t> shape = a.shape(heads, rows, columns);
    size_t column = shape.size() - (a.layout == Layout::BHDS ? 2 : 1);
    return type(a, shape, a.element, column);
  };
  std::string q = heads(a.h, a.i, a.d), k = heads(a.h / a.group, a.j, a.d);
  std::string v = heads(a.h / a.group, a.j, a.e), o = heads(a.h, a.i, a.e);
  std::string parameters = "%q: " + q + ", %k: " + k + ", %v: " + v;
  std::string op =
      "attn.sdpa ins(%q, %k, %v : " + q + ", " + k + ", " + v + ")";
  std::string maps = rows("h", "i", "d") + ", " + rows(kvHead, "j", "d") +
                     ", " + rows(kvHead, "j", "e");
  auto add = [&](const std::string &name, const std::string &operandType,
                 const std::string &operandMap) {
    parameters += ", %" + name + ": " + operandType;
    op += " " + name + "(%" + name + " : " + operandType + ")";
    maps += ", " + map(operandMap);
  };
  if (a.hasBias)
    add("bias", type(a, {a.h, a.i, a.j}, a.element), "h, i, j");
  if (a.hasMask)
    add("mask", type(a, {a.b, a.j}, "i1"), "b, j");
  if (a.hasKvLength)
    add("kv_length", type(a, {a.b}, "i64"), "b");
  if (a.hasTable)
    parameters += ", %table: " + type(a, {a.i + a.j - 1}, "f32");
  parameters += ", %o: " + o;
  op += " outs(%o : " + o + ")";
  maps += ", " + rows("h", "i", "e");
  if (a.hasLse)
    add("lse", type(a, {a.b, a.h, a.i}, "f32"), "b, h, i");
  std::string attributes =
      llvm::formatv("scale = {0:f9} : f64", a.scale).str() + a.attributes;
  op += " maps = [" + maps + "] {" + attributes + "}";
  if (!a.score.empty())
    op += " score {\n^bb0(%s: f32, %b: index, %h: index, %i: index, %j: "
          "index):\n" +
          a.score + "\n}";
  return "func.func @main(" + parameters + ") {\n" + op + "\nreturn\n}\n";
}

MLIRContext &context() {
  static auto *made = [] {
    DialectRegistry registry;
    registry.insert<arith::ArithDialect, func::FuncDialect, gpu::GPUDialect,
                    linalg::LinalgDialect, math::MathDialect,
                    memref::MemRefDialect>();
    registerHeedDialects(registry);
    return new MLIRContext(registry);
  }();
  return *made;
}

OwningOpRef<ModuleOp> lower(const std::string &program, const std::string &chip,
                            llvm::function_ref<void(OpPassManager &)> addMore) {
  auto module = parseSourceString<ModuleOp>(program, &context());
  if (!module)
    return {};
  PassManager pm(&context());
  // Constants leave the regions.
  pm.addPass(createCanonicalizerPass());
  lower::LowerGpuSdpaOptions options;
  options.chip = chip;
  pm.addPass(lower::createLowerGpuSdpa(options));
  lower::LowerGpuGateOptions gates;
  gates.chip = chip;
  pm.addPass(lower::createLowerGpuGate(gates));
  pm.addPass(lower::createLowerGpuRope());
  pm.addPass(lower::createLowerGpuRow());
  pm.addPass(lower::createLowerGpuElementwise());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<gpu::GPUModuleOp>(lower::createLowerGpuMath());
  if (addMore)
    addMore(pm);
  if (failed(pm.run(*module)))
    return {};
  return module;
}

std::vector<Attention> attentions() {
  std::vector<Attention> all;
  auto add = [&](const std::string &name) -> Attention & {
    all.emplace_back();
    all.back().name = name;
    return all.back();
  };
  auto sized = [&](const std::string &name, int64_t i, int64_t j, int64_t d,
                   int64_t e) -> Attention & {
    Attention &a = add(name);
    a.i = i, a.j = j, a.d = d, a.e = e;
    a.scale = 1 / std::sqrt(double(d));
    return a;
  };
  const std::string causal = ", causal = #attn.causal<top_left>";
  const std::string bottomRight = ", causal = #attn.causal<bottom_right>";
  const std::string zero = ", masked_rows = #attn.masked_rows<zero>";
  const std::string uniform = ", masked_rows = #attn.masked_rows<uniform>";

  sized("d64", 128, 128, 64, 64).h = 2;
  sized("d64_f16", 128, 192, 64, 64).element = "f16";
  sized("d32", 200, 100, 32, 32);
  sized("d40", 70, 65, 40, 40).element = "f16";
  sized("d80", 96, 77, 80, 80);
  sized("d96", 64, 130, 96, 96);
  sized("d128", 130, 200, 128, 128);
  sized("d128_f16_causal", 256, 256, 128, 128).attributes = causal;
  all.back().element = "f16";
  sized("d192_e128", 64, 96, 192, 128);
  sized("d256", 130, 70, 256, 256);
  sized("one_query", 1, 300, 64, 64);
  sized("one_key", 40, 1, 64, 64);
  sized("causal", 300, 300, 64, 64).attributes = causal;
  sized("causal_dynamic", 150, 150, 64, 64).attributes = causal;
  all.back().isDynamic = true;
  sized("causal_bottom_right", 50, 200, 64, 64).attributes = bottomRight;
  sized("causal_no_keys_nan", 200, 50, 64, 64).attributes = bottomRight;
  sized("causal_no_keys_zero", 200, 50, 64, 64).attributes = bottomRight + zero;
  all.back().hasLse = true;
  sized("causal_no_keys_uniform", 200, 50, 64, 64).attributes =
      bottomRight + uniform;
  all.back().hasLse = true;
  sized("window", 300, 300, 64, 64).attributes =
      ", window = array<i64: 40, 8>" + zero;
  sized("window_causal", 260, 260, 64, 64).attributes =
      ", window = array<i64: 70, -1>" + causal;
  sized("lse", 100, 100, 64, 64).hasLse = true;
  sized("negative_scale", 64, 100, 64, 64).scale = -0.2;
  Attention &grouped = sized("grouped_bshd", 90, 110, 64, 64);
  grouped.b = 2, grouped.h = 4, grouped.group = 2;
  grouped.layout = Layout::BSHD;
  grouped.isDynamic = true;
  sized("bias", 70, 101, 64, 64).hasBias = true;
  all.back().h = 2;
  sized("bias_dynamic_lse", 70, 101, 64, 64).hasBias = true;
  all.back().isDynamic = all.back().hasLse = true;
  sized("mask", 70, 90, 64, 64).hasMask = true;
  all.back().b = 2, all.back().attributes = zero;
  sized("mask_uniform", 70, 90, 64, 64).hasMask = true;
  all.back().b = 3, all.back().attributes = uniform;
  all.back().hasLse = true;
  sized("kv_length", 70, 200, 64, 64).hasKvLength = true;
  all.back().b = 3, all.back().attributes = zero;
  sized("softcap", 64, 100, 64, 64).attributes = ", softcap = 5.0 : f64";
  sized("score", 70, 100, 64, 64).score = R"(
    %slope = arith.constant -0.05 : f32
    %one = arith.constant 1.0 : f32
    %distance = arith.subi %i, %j : index
    %integer = arith.index_cast %distance : index to i32
    %float = arith.sitofp %integer : i32 to f32
    %bias = arith.mulf %slope, %float : f32
    %sum = arith.addf %s, %bias : f32
    %t = math.tanh %sum : f32
    %x = math.exp %t : f32
    %y = arith.addf %x, %one : f32
    %l = math.log %y : f32
    attn.yield %l : f32)";
  all.back().scale = 0.5;
  // A bias of relative positions: table[i − j + J − 1].
  for (bool isDynamic : {false, true}) {
    sized(isDynamic ? "score_table_dynamic" : "score_table", 70, 101, 64, 64)
        .score = R"(
    %last = arith.constant 100 : index
    %distance = arith.subi %i, %j : index
    %at = arith.addi %distance, %last : index
    %bias = memref.load %table[%at] : )" +
                 std::string(isDynamic ? "memref<?xf32>" : "memref<170xf32>") +
                 R"(
    %sum = arith.addf %s, %bias : f32
    attn.yield %sum : f32)";
    all.back().hasTable = true, all.back().isDynamic = isDynamic;
  }
  // Pairs of keys are read at a time.
  sized("bias_even", 70, 102, 64, 64).hasBias = true;
  all.back().element = "f16";
  sized("mask_odd", 70, 91, 64, 64).hasMask = true;
  all.back().b = 2, all.back().attributes = zero;

  // What is not contiguous, or no multiple of what is copied at a time.
  for (const char *element : {"f16", "f32"}) {
    std::string suffix = std::string("_") + element;
    for (int64_t d : {20, 33, 50, 1}) {
      sized("ragged_d" + std::to_string(d) + suffix, 70, 75, d, d == 50 ? 2 : d)
          .element = element;
      all.back().h = 2;
    }
    sized("transposed" + suffix, 70, 75, 24, 12).element = element;
    all.back().h = 2, all.back().layout = Layout::BHDS;
    sized("transposed_dynamic" + suffix, 40, 75, 20, 20).element = element;
    all.back().isDynamic = true, all.back().layout = Layout::BHDS;
    sized("flat" + suffix, 40, 75, 16, 24).element = element;
    all.back().layout = Layout::SD;
  }

  auto floats = [&](const char *name, int64_t i, int64_t j, int64_t d,
                    int64_t e) -> Attention & {
    Attention &a = sized(name, i, j, d, e);
    a.element = "f32";
    return a;
  };
  floats("f32_d16", 10, 10, 16, 16).h = 2;
  floats("f32_d64", 128, 192, 64, 64);
  floats("f32_d80", 90, 77, 80, 80);
  floats("f32_d128", 130, 200, 128, 128);
  floats("f32_d192_e128", 64, 96, 192, 128);
  floats("f32_d256", 70, 70, 256, 256);
  floats("f32_one_query", 1, 300, 64, 64);
  floats("f32_causal", 200, 200, 64, 64).attributes = causal;
  floats("f32_window", 150, 150, 32, 32).attributes =
      ", window = array<i64: 40, 8>" + zero;
  floats("f32_bias_lse", 70, 101, 64, 64).hasBias = true;
  all.back().h = 2, all.back().hasLse = true;
  floats("f32_mask_uniform", 70, 90, 48, 48).hasMask = true;
  all.back().b = 3, all.back().attributes = uniform;
  floats("f32_softcap", 64, 100, 64, 64).attributes = ", softcap = 5.0 : f64";
  Attention &groupedFloats = floats("f32_grouped_bshd", 70, 90, 32, 32);
  groupedFloats.b = 2, groupedFloats.h = 4, groupedFloats.group = 2;
  groupedFloats.layout = Layout::BSHD;
  groupedFloats.isDynamic = true;

  // Keys in parts, combined by a second kernel.
  auto split = [&](const std::string &name, int64_t i, int64_t j, int64_t d,
                   int64_t e) -> Attention & {
    Attention &a = sized("split_" + name, i, j, d, e);
    a.launches = 2;
    return a;
  };
  split("one_query", 1, 700, 64, 64).h = 2;
  split("f32", 5, 1100, 20, 33).element = "f32";
  all.back().hasLse = true;
  split("f16_dynamic", 17, 900, 64, 70).element = "f16";
  all.back().isDynamic = true, all.back().layout = Layout::BSHD;
  split("few_keys", 3, 40, 32, 32).isDynamic = true;
  split("causal", 40, 1000, 64, 64).attributes = bottomRight;
  split("window", 2, 1000, 64, 64).attributes =
      bottomRight + zero + ", window = array<i64: 100, -1>";
  split("mask_uniform", 4, 600, 64, 64).hasMask = true;
  all.back().b = 2, all.back().attributes = uniform;
  all.back().hasLse = true;
  split("kv_length", 4, 800, 64, 64).hasKvLength = true;
  all.back().b = 3, all.back().attributes = zero;
  all.back().hasLse = true;
  split("bias", 4, 600, 64, 64).hasBias = true;
  return all;
}

} // namespace heed::test
