// RecurrentKernels.cpp - LSTM and GRU layers: Heed's loop, and the library's.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "bench/Kernel.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace heed::bench {

namespace {
struct Layer {
  std::string kind; // lstm, gru
  int64_t steps, batch, hidden;
  bool library = false;

  int64_t gates() const { return kind == "lstm" ? 4 : 3; }
  /// Both products of each step.
  double flops() const {
    return 4.0 * steps * batch * gates() * hidden * hidden;
  }
  std::string name() const {
    return formatv("{0}{1}/t{2}/b{3}/h{4}", kind, library ? "_library" : "",
                   steps, batch, hidden);
  }

  std::string text() const {
    int64_t width = gates() * hidden;
    float bound = 1.0f / static_cast<float>(hidden);
    bool isLstm = kind == "lstm";
    return fill(R"(
!x = tensor<$Tx$Bx$Hxf32>
!w = tensor<1x$Nx$Hxf32>
!b = tensor<1x$Nxf32>
!y = tensor<$Tx1x$Bx$Hxf32>
!s = tensor<1x$Bx$Hxf32>
func.func @main(%x: !x) -> !y {
  %w = arith.constant dense<$W> : !w
  %r = arith.constant dense<$R> : !w
  %b = arith.constant dense<$V> : !b
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !s
  %z = linalg.fill ins(%zero : f32) outs(%e : !s) -> !s
  %i = tensor.empty() : !y
  %y, %h$C = attn.recurrent $K forward ins(%x : !x) input_weights(%w : !w) weights(%r : !w)
      bias(%b : !b) y(%i : !y) h(%z : !s) $I {$L} -> !y, !s $S
  return %y : !y
})",
                {{"T", std::to_string(steps)},
                 {"B", std::to_string(batch)},
                 {"H", std::to_string(hidden)},
                 {"N", std::to_string(width)},
                 {"W", weights(width * hidden, -bound, bound)},
                 {"R", weights(width * hidden, -bound, bound)},
                 {"V", weights(width, -bound, bound)},
                 {"K", kind},
                 {"C", isLstm ? ", %c" : ""},
                 {"I", isLstm ? "c(%z : !s)" : ""},
                 {"S", isLstm ? ", !s" : ""},
                 {"L", library ? "library" : ""}});
  }
};
} // namespace

std::vector<Kernel> recurrentKernels() {
  std::vector<Kernel> list;
  auto add = [&](StringRef kind, int64_t steps, int64_t batch, int64_t hidden) {
    for (bool library : {false, true}) {
      Layer layer{kind.str(), steps, batch, hidden, library};
      list.push_back({layer.name(), [layer] { return layer.text(); },
                      layer.flops(), Limit::fma});
    }
  };
  for (int64_t hidden : {64, 128, 256, 512, 1024})
    for (int64_t batch : {1, 8, 32})
      for (int64_t steps : {1, 20, 200})
        if (steps * batch * hidden * hidden <= int64_t(420) << 20)
          add("lstm", steps, batch, hidden);
  for (int64_t hidden : {64, 256})
    for (int64_t batch : {1, 8})
      add("gru", 20, batch, hidden);
  return list;
}

} // namespace heed::bench
