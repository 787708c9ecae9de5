// NormKernels.cpp - layer norm and RMS norm of rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "bench/Kernel.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace heed::bench {

static Kernel norm(StringRef kind, int64_t rows, int64_t size) {
  bool layer = kind == "layer";
  auto text = [=] {
    return fill(
        R"(
!x = tensor<$Rx$Sxf32>
!w = tensor<$Sxf32>
func.func @main(%x: !x, %w: !w, %b: !w) -> !x {
  %e = tensor.empty() : !x
  %y = attn.norm $K ins(%x : !x) weight(%w : !w) over [1] $B
      outs(%e : !x) dimensions = [1] epsilon = 1.0e-05 -> !x
  return %y : !x
})",
        {{"R", std::to_string(rows)},
         {"S", std::to_string(size)},
         {"K", kind.str()},
         {"B", layer ? "bias(%b : !w) over [1]" : ""}});
  };
  // A read for the statistics, then a read and a write.
  return {formatv("norm_{0}/rows{1}/size{2}", kind, rows, size),
          text,
          3.0 * rows * size * sizeof(float),
          Limit::readAndCopy,
          false,
          rows};
}

std::vector<Kernel> normKernels() {
  std::vector<Kernel> list;
  for (StringRef kind : {"layer", "rms"})
    for (auto [rows, size] : {std::pair<int64_t, int64_t>{128, 768},
                              {512, 768},
                              {197, 768},
                              {128, 4096},
                              {3136, 96},
                              {1, 4096}})
      list.push_back(norm(kind, rows, size));
  return list;
}

} // namespace heed::bench
