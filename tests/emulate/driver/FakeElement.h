// FakeElement.h - elements in the emulated device's memory, as doubles
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_EMULATE_DRIVER_FAKEELEMENT_H
#define HEED_TESTS_EMULATE_DRIVER_FAKEELEMENT_H

#include "runtime/cuda/Library.h"

#include "llvm/ADT/APFloat.h"

namespace heed::cuda {

/// Types are cudaDataType_t.
inline size_t elementBytesOf(int type) { return type == kDataF32 ? 4 : 2; }

inline const llvm::fltSemantics &semanticsOf(int type) {
  return type == kDataF16 ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat();
}

inline double loadElement(DevicePointer base, int type, int64_t index) {
  if (type == kDataF32)
    return reinterpret_cast<const float *>(base)[index];
  uint16_t bits = reinterpret_cast<const uint16_t *>(base)[index];
  llvm::APFloat value(semanticsOf(type), llvm::APInt(16, bits));
  bool ignored;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &ignored);
  return value.convertToDouble();
}

inline void storeElement(DevicePointer base, int type, int64_t index,
                         double number) {
  if (type == kDataF32) {
    reinterpret_cast<float *>(base)[index] = static_cast<float>(number);
    return;
  }
  llvm::APFloat value(number);
  bool ignored;
  value.convert(semanticsOf(type), llvm::APFloat::rmNearestTiesToEven,
                &ignored);
  reinterpret_cast<uint16_t *>(base)[index] =
      static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
}

} // namespace heed::cuda

#endif // HEED_TESTS_EMULATE_DRIVER_FAKEELEMENT_H
