// Kernel.h - a kernel to time: its program, its work, and what bounds it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_BENCH_KERNEL_H
#define HEED_BENCH_KERNEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace heed::bench {

/// What the time of a kernel is compared with; all are measured in the same
/// process, on as many threads (tools/lib/roof/Roof.h).
enum class Limit {
  fma,          // multiply-adds of f32
  dotBf16,      // dot products of bf16, where the CPU has them
  read,         // reading all inputs but the first once
  readAndCopy,  // reading the first input once and copying it to the result
  exponentials, // that, or an exponential of each element: what takes longer
};

struct Kernel {
  std::string name;                  // "sdpa/b1/h12/s512/d64"
  std::function<std::string()> text; // of the program, in MLIR
  double work;                       // FLOP, or bytes for the last three limits
  Limit limit;
  bool inPlace = false; // result 0 in the memory of input 0
  int64_t images = 1;   // parts of the first input that are pooled alone
};

/// softmax(Q·Kᵀ)·V: full, causal, windowed, with one query, in bf16.
std::vector<Kernel> sdpaKernels();
/// Squeeze-and-excitation and ECA, out of place and in place; CBAM.
std::vector<Kernel> gateKernels();
/// Layer norm and RMS norm of rows.
std::vector<Kernel> normKernels();
/// LSTM and GRU layers over time, each also as one call of the library.
std::vector<Kernel> recurrentKernels();
/// The softmax of rows and of channels.
std::vector<Kernel> softmaxKernels();

/// `text` with each $NAME, in capitals, replaced by its value.
std::string fill(llvm::StringRef text,
                 llvm::ArrayRef<std::pair<llvm::StringRef, std::string>> names);

/// A constant of f32 that nothing can fold: `count` values within [low, high],
/// as MLIR's hexadecimal text.
std::string weights(int64_t count, float low, float high);

} // namespace heed::bench

#endif // HEED_BENCH_KERNEL_H
