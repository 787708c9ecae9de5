// Emulator.h - runs GPU kernels op by op on the CPU, and watches their memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is run is the kernel as heed-lower-gpu-* make it: arith, math, scf, llvm
// and NVVM's ops by the PTX ISA's words. A warp executes each op for its 32
// lanes; warps are fibres that meet at barriers. Beside the numbers this finds
// - an access to global memory outside of every buffer, or not aligned;
// - shared memory that is read before it was written, or before the copy into
//   it was awaited;
// - two threads at one word of shared memory between two barriers, one of them
//   writing;
// - the same between the blocks of a cluster, and the barriers of the cluster;
// - a barrier that not all warps reach;
// and counts the bank conflicts of ldmatrix and of loads.
//
// It is one reading of the PTX ISA: exp2 is the C library's, sums of a product
// are exact, and what the assembler or the device makes of the kernel is not
// seen.
#ifndef HEED_TESTS_EMULATE_EMULATOR_H
#define HEED_TESTS_EMULATE_EMULATOR_H

#include "mlir/IR/BuiltinOps.h"

#include <array>
#include <map>
#include <string>
#include <vector>

namespace heed::emulate {

/// A contiguous tensor of the caller.
struct Buffer {
  void *data;
  std::vector<int64_t> shape;
  int64_t elementBytes;

  int64_t bytes() const;
};

struct Report {
  std::vector<std::string> errors; // the first few
  int64_t bankConflicts = 0;
  int64_t launches = 0;
};

/// Calls a function of the host whose arguments are memrefs, with its
/// launches.
Report run(mlir::ModuleOp module, llvm::StringRef function,
           llvm::ArrayRef<Buffer> arguments);

/// A tensor of 16-bit elements as TMA copies it; strides in elements.
struct TensorMap {
  uint64_t address;
  std::vector<int64_t> sizes, strides;
  llvm::SmallVector<int64_t> box;
};

/// One launch of a kernel.
struct Launch {
  std::array<uint64_t, 3> blocks;
  uint64_t threads;
  int64_t sharedBytes;
  std::vector<uint64_t> arguments;       // as bits
  std::map<size_t, TensorMap> maps = {}; // arguments that are one
};

/// Runs a kernel of `module` that may use `memory` and nothing else.
Report launch(mlir::ModuleOp module, llvm::StringRef kernel,
              const Launch &launch, llvm::ArrayRef<Buffer> memory);

/// Elements of 16 bits.
float fromHalf(uint16_t bits, bool isBF16);
uint16_t toHalf(float value, bool isBF16);

} // namespace heed::emulate

#endif // HEED_TESTS_EMULATE_EMULATOR_H
