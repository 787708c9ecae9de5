// TargetDescriptor.h - what a kernel needs to know of its CPU.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_TARGETDESCRIPTOR_H
#define HEED_PASSES_LOWER_CPU_TARGETDESCRIPTOR_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace heed::lower {

struct TargetDescriptor {
  unsigned vectorBytes;     // of one register: 64 AVX-512, 32 AVX, 16 else
  unsigned vectorRegisters; // 32 AVX-512 and AArch64, 16 else
  bool fma;                 // fused multiply-add
  bool bf16Dot;             // VDPBF16PS
  int64_t l1Bytes, l2Bytes; // data caches of one core

  /// Elements of `bits` bits in a vector register.
  unsigned lanes(unsigned bits) const { return vectorBytes * 8 / bits; }
};

/// The descriptor of a CPU by the name that llc knows; "" is the host, with the
/// features that it really offers. None if the name is unknown.
std::optional<TargetDescriptor> getTargetDescriptor(llvm::StringRef mcpu);

/// The same for a pass on `op`, with an error there if the name is unknown.
std::optional<TargetDescriptor> requireTargetDescriptor(mlir::Operation *op,
                                                        llvm::StringRef mcpu);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_TARGETDESCRIPTOR_H
