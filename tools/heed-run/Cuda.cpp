// Cuda.cpp - chooses what is compiled for a device.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/heed-run/Cuda.h"

#include "passes/lower/gpu/kernel/KernelBuilder.h"
#include "tools/lib/compile/CudaTarget.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace heed {

/// The chip of a compute capability: with an a, what this one has and no other;
/// else PTX for one runs on later ones of the same generation.
static std::string chipOf(const HeedCudaDevice &device) {
  std::string own = formatv("sm_{0}{1}a", device.major, device.minor).str();
  if (cuda::getChip(own))
    return own;
  for (int32_t minor = device.minor; minor >= 0; --minor) {
    std::string chip = formatv("sm_{0}", 10 * device.major + minor).str();
    if (cuda::getChip(chip))
      return chip;
  }
  return "";
}

Expected<CudaTarget> findCudaDevice(StringRef chip, StringRef format) {
  if (Error error = checkCudaTarget(chip, format))
    return std::move(error);
  HeedCudaDevice device;
  char error[512];
  if (heed_cuda_device(&device, error, sizeof error))
    return createStringError(StringRef(error));
  CudaTarget target{device.name, chip.str(),
                    format.empty() ? "ptx" : format.str()};
  if (target.chip.empty())
    target.chip = chipOf(device);
  if (target.chip.empty())
    return createStringError(
        formatv("{0}: expected compute capability 8.0 or later, got {1}.{2}",
                device.name, device.major, device.minor));
  return target;
}

void printCudaCounts(raw_ostream &os, StringRef name,
                     const HeedCudaCounts &counts, StringRef whyOnHost) {
  os << formatv("{0}: {1} launches", name, counts.launches);
  if (counts.libraryCalls)
    os << ", " << counts.libraryCalls << " library calls";
  if (counts.hostCalls)
    os << ", " << counts.hostCalls << " primitives on the CPU (" << whyOnHost
       << ")";
  os << formatv("; copied {0} buffers of {1} bytes to the device, {2} of {3} "
                "bytes back\n",
                counts.copiesToDevice, counts.bytesToDevice,
                counts.copiesToHost, counts.bytesToHost);
}

} // namespace heed
