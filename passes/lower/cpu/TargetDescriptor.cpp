// TargetDescriptor.cpp - vector width, registers and caches from a CPU's name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/TargetDescriptor.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <unistd.h>

using namespace llvm;

namespace heed::lower {

/// LLVM does not know cache sizes. The L2 of one core, from the vendors'
/// manuals; 256 KiB is the least that any AVX2 server or desktop core has.
static int64_t getL2Bytes(StringRef cpu) {
  return StringSwitch<int64_t>(cpu)
      .Cases(
          {"skylake-avx512", "cascadelake", "cooperlake", "znver4", "znver5"},
          1 << 20)
      .Cases({"sapphirerapids", "emeraldrapids", "graniterapids"}, 2 << 20)
      .Cases({"icelake-server", "alderlake"}, 1280 << 10)
      .Cases({"icelake-client", "znver1", "znver2", "znver3"}, 512 << 10)
      .Default(256 << 10);
}

static int64_t getL1Bytes(StringRef cpu) {
  return StringSwitch<int64_t>(cpu)
      .Cases({"icelake-client", "icelake-server", "sapphirerapids", "alderlake",
              "emeraldrapids", "graniterapids", "znver5"},
             48 << 10)
      .Default(32 << 10);
}

static TargetDescriptor fromFeatures(function_ref<bool(StringRef)> has) {
  TargetDescriptor target{};
  // AVX-512 kernels use byte, word, 128-bit and double/quad instructions
  // freely, so all of the Skylake set is asked for. The lists of x86-64-v3 and
  // -v4 leave out what others imply: avx, avx512f.
  bool avx512 = has("avx512vl") && has("avx512dq") && has("avx512bw");
  target.vectorBytes = avx512 ? 64 : has("avx") || has("avx2") ? 32 : 16;
  target.vectorRegisters = avx512 ? 32 : 16;
  target.fma = has("fma") || avx512;
  target.bf16Dot = avx512 && has("avx512bf16");
  return target;
}

std::optional<TargetDescriptor> getTargetDescriptor(StringRef mcpu) {
  bool host = mcpu.empty() || mcpu == "native";
  StringRef cpu = host ? sys::getHostCPUName() : mcpu;
  TargetDescriptor target{};
  if (X86::parseArchX86(cpu) != X86::CK_None && !host) {
    SmallVector<StringRef> list;
    X86::getFeaturesForCPU(cpu, list);
    StringSet<> features;
    for (StringRef feature : list)
      features.insert(feature.ltrim('+'));
    target = fromFeatures([&](StringRef f) { return features.contains(f); });
  } else if (host && Triple(sys::getProcessTriple()).isX86()) {
    // A virtual machine may hide features that the name promises.
    StringMap<bool> features = sys::getHostCPUFeatures();
    target = fromFeatures([&](StringRef f) { return features.lookup(f); });
  } else if (host || Triple(sys::getProcessTriple()).isAArch64()) {
    target = {16, 32, true, false, 0, 0};
  } else {
    return std::nullopt;
  }
  target.l1Bytes = getL1Bytes(cpu);
  target.l2Bytes = getL2Bytes(cpu);
  if (host) {
    // sysconf gives 0 or −1 where the system does not say.
    if (long bytes = sysconf(_SC_LEVEL1_DCACHE_SIZE); bytes > 0)
      target.l1Bytes = bytes;
    if (long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0)
      target.l2Bytes = bytes;
  }
  return target;
}

std::optional<TargetDescriptor> requireTargetDescriptor(mlir::Operation *op,
                                                        StringRef mcpu) {
  std::optional<TargetDescriptor> target = getTargetDescriptor(mcpu);
  if (!target)
    op->emitError("mcpu: expected a CPU that llc knows, got ") << mcpu;
  return target;
}

} // namespace heed::lower
