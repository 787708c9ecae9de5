// Target.cpp - the LLVM target machine that code is compiled for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/compile/Target.h"

#include "runtime/support/ModelCode.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;
using llvm::orc::JITTargetMachineBuilder;

namespace heed {

/// Features that decide whether code runs, rather than how it is scheduled.
static constexpr const char *kRunTimeFeatures[] = {
    "avx",         "avx2",         "fma",
    "f16c",        "bmi",          "bmi2",
    "avx512f",     "avx512bw",     "avx512dq",
    "avx512vl",    "avx512cd",     "avx512bf16",
    "avx512vnni",  "avx512fp16",   "avx512vbmi",
    "avx512vbmi2", "avx512bitalg", "avx512vpopcntdq",
    "amx-tile",    "sse4.2",       "gfni",
    "avxvnni"};

/// Features of x86 beyond the runtime's list that LLVM uses unasked, by the
/// beginnings of their names. Others (AES, SHA, XSAVE, …) are intrinsics only.
static constexpr const char *kUncheckedFeatures[] = {
    "amx",  "avx10", "avxifma", "avxneconvert", "avxvnniint", "cmpccxadd",
    "egpr", "ppx",   "push2",   "ndd",          "ccmp",       "nf",
    "cf",   "zu",    "movrs",   "avx512er",     "avx512pf",   "raoint"};

bool isHostCpu(StringRef mcpu) {
  return mcpu.empty() || mcpu == "native" || mcpu == "host";
}

static Expected<JITTargetMachineBuilder> makeBuilder(StringRef mcpu) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  auto host = JITTargetMachineBuilder::detectHost();
  if (!host)
    return host.takeError();
  host->setCodeGenOptLevel(CodeGenOptLevel::Aggressive);
  if (isHostCpu(mcpu))
    return *host;
  auto hostMachine = host->createTargetMachine();
  if (!hostMachine)
    return hostMachine.takeError();
  if (!(*hostMachine)->getMCSubtargetInfo()->isCPUStringValid(mcpu))
    return createStringError("mcpu: unknown CPU '" + mcpu +
                             "' (llc -mcpu=help lists them)");
  JITTargetMachineBuilder builder(host->getTargetTriple());
  builder.setCPU(mcpu.str());
  builder.setCodeGenOptLevel(CodeGenOptLevel::Aggressive);
  return builder;
}

Expected<std::unique_ptr<TargetMachine>> createTargetMachine(StringRef mcpu) {
  auto builder = makeBuilder(mcpu);
  if (!builder)
    return builder.takeError();
  return builder->createTargetMachine();
}

Error checkRunsHere(const TargetMachine &machine) {
  auto host = createTargetMachine("");
  if (!host)
    return host.takeError();
  for (const char *feature : kRunTimeFeatures) {
    std::string flag = std::string("+") + feature;
    if (machine.getMCSubtargetInfo()->checkFeatures(flag) &&
        !(*host)->getMCSubtargetInfo()->checkFeatures(flag))
      return createStringError("mcpu: this host has no " + Twine(feature) +
                               ", which " + machine.getTargetCPU() +
                               " code may use");
  }
  return Error::success();
}

Expected<std::unique_ptr<TargetMachine>>
createObjectTargetMachine(StringRef mcpu) {
  auto builder = makeBuilder(mcpu);
  if (!builder)
    return builder.takeError();
  builder->setRelocationModel(Reloc::PIC_);
  builder->setCodeModel(CodeModel::Small);
  auto machine = builder->createTargetMachine();
  if (!machine || !(*machine)->getTargetTriple().isX86())
    return machine;
  std::vector<std::string> without;
  for (const SubtargetFeatureKV &feature :
       (*machine)->getMCSubtargetInfo()->getEnabledProcessorFeatures())
    if (any_of(kUncheckedFeatures, [&](StringRef name) {
          return StringRef(feature.Key).starts_with(name);
        }))
      without.push_back("-" + std::string(feature.Key));
  builder->addFeatures(without);
  return builder->createTargetMachine();
}

uint64_t cpuFeatureBits(const TargetMachine &machine) {
  if (!machine.getTargetTriple().isX86())
    return 0;
#define HEED_FEATURE(name) name,
  constexpr const char *names[] = {HEED_CPU_FEATURES(HEED_FEATURE)};
#undef HEED_FEATURE
  static_assert(std::size(names) <= 64, "one bit a feature");
  uint64_t bits = 0;
  for (auto [bit, name] : enumerate(names))
    if (machine.getMCSubtargetInfo()->checkFeatures(std::string("+") + name))
      bits |= uint64_t(1) << bit;
  return bits;
}

} // namespace heed
