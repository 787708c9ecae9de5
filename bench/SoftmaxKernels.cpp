// SoftmaxKernels.cpp - the softmax of rows, and of the channels of an image.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "bench/Kernel.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace heed::bench {

static Kernel softmax(std::string name, std::string type, int64_t dimension,
                      int64_t elements, int64_t images) {
  auto text = [=] {
    return fill(
        R"(
!x = tensor<$Txf32>
func.func @main(%x: !x) -> !x {
  %e = tensor.empty() : !x
  %y = linalg.softmax dimension($D) ins(%x : !x) outs(%e : !x) -> !x
  return %y : !x
})",
        {{"T", type}, {"D", std::to_string(dimension)}});
  };
  // A read for the maximum, then a read and a write.
  return {name,  text,  3.0 * elements * sizeof(float), Limit::exponentials,
          false, images};
}

std::vector<Kernel> softmaxKernels() {
  std::vector<Kernel> list;
  for (auto [rows, size] : {std::pair<int64_t, int64_t>{40, 6625},
                            {1536, 49},
                            {1536, 128},
                            {6144, 512},
                            {1, 1000},
                            {1, 50257},
                            {64, 50257}})
    list.push_back(softmax(formatv("softmax/rows{0}/size{1}", rows, size).str(),
                           formatv("{0}x{1}", rows, size).str(), 1, rows * size,
                           rows));
  for (auto [channels, side] :
       {std::pair<int64_t, int64_t>{21, 65}, {21, 256}, {2, 256}, {150, 128}})
    list.push_back(
        softmax(formatv("softmax_channels/n1/c{0}/s{1}", channels, side).str(),
                formatv("1x{0}x{1}x{1}", channels, side).str(), 1,
                channels * side * side, 1));
  return list;
}

} // namespace heed::bench
