// ModelLoad.h - what loading a compiled model asks of the machine and the disk
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_SUPPORT_MODELLOAD_H
#define HEED_RUNTIME_SUPPORT_MODELLOAD_H

#include "runtime/support/Context.h"
#include "runtime/support/ModelCode.h"

namespace heed::runtime {

/// The instruction sets of HEED_CPU_FEATURES that this CPU, or the system on
/// it, lacks: "avx512f, avx512bw"; empty if none.
std::string missingCpuFeatures(uint64_t wanted);

/// Reads a model's weights into `memory`; what is wrong with the file, or "".
std::string readWeights(const HeedModel &model, const char *path,
                        Buffer &memory);

} // namespace heed::runtime

#endif // HEED_RUNTIME_SUPPORT_MODELLOAD_H
