// DnnTensor.h - cuDNN's descriptors of tensors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_CUDA_DNNTENSOR_H
#define HEED_RUNTIME_CUDA_DNNTENSOR_H

#include "runtime/cuda/LibraryCalls.h"

#include <memory>

namespace heed::cuda {

using DnnHandle = std::unique_ptr<void, Status (*)(void *)>;

int dnnType(runtime::ElementKind kind);

/// n c d… with a unit dim for each of two spatial dims that the view lacks.
View widened(View view);
Dims widened(Dims dims, int64_t value);

/// The strides of n c d… without gaps: channels behind the positions or in front
/// of them.
Dims packedStrides(const Dims &sizes, int format);

/// A tensor of any strides. Throws Error.
DnnHandle makeTensor(const Cudnn &cudnn, runtime::ElementKind kind,
                     const View &view);

/// Sizes in cuDNN's type; throws Error beyond it.
std::vector<int> toInts(const Dims &dims);

/// An operand in one of cuDNN's two formats: where the program has it, or in
/// memory beside, with a copy of it.
class DnnOperand {
public:
  /// Of the view, in `format`, with `low` and `high` rows of zeros around the
  /// positions.
  DnnOperand(Session &session, runtime::ElementKind kind, const View &view,
             int format, const Dims &low, const Dims &high);

  /// The operand's address, or that of `scratch`.
  DevicePointer in(DevicePointer operand, const DeviceScratch &scratch) const;
  void copyIn(DevicePointer operand, const DeviceScratch &scratch) const;
  void copyOut(const DeviceScratch &scratch, DevicePointer operand) const;

  DnnHandle tensor{nullptr, nullptr}; // as cuDNN has it
  Dims sizes;                         // of that
  int64_t scratchBytes = 0;           // 0: where the program has it

private:
  void copy(void *from, DevicePointer source, void *to,
            DevicePointer destination) const;
  Session &session;
  DnnHandle given{nullptr, nullptr};  // as the program has it
  DnnHandle inside{nullptr, nullptr}; // what is not padding
  int64_t insideOffset = 0;           // bytes
  bool isPadded = false;
};

} // namespace heed::cuda

#endif // HEED_RUNTIME_CUDA_DNNTENSOR_H
