// Target.cpp - the LLVM target machine that code is compiled for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/jit/Target.h"

#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;

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

Expected<std::unique_ptr<TargetMachine>> createTargetMachine(StringRef mcpu) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  auto host = orc::JITTargetMachineBuilder::detectHost();
  if (!host)
    return host.takeError();
  host->setCodeGenOptLevel(CodeGenOptLevel::Aggressive);
  if (mcpu.empty() || mcpu == "native" || mcpu == "host")
    return host->createTargetMachine();

  auto hostMachine = host->createTargetMachine();
  if (!hostMachine)
    return hostMachine.takeError();
  if (!(*hostMachine)->getMCSubtargetInfo()->isCPUStringValid(mcpu))
    return createStringError("mcpu: unknown CPU '" + mcpu +
                             "' (llc -mcpu=help lists them)");
  orc::JITTargetMachineBuilder builder(host->getTargetTriple());
  builder.setCPU(mcpu.str());
  builder.setCodeGenOptLevel(CodeGenOptLevel::Aggressive);
  auto machine = builder.createTargetMachine();
  if (!machine)
    return machine.takeError();
  for (const char *feature : kRunTimeFeatures) {
    std::string flag = std::string("+") + feature;
    if ((*machine)->getMCSubtargetInfo()->checkFeatures(flag) &&
        !(*hostMachine)->getMCSubtargetInfo()->checkFeatures(flag))
      return createStringError("mcpu: this host has no " + Twine(feature) +
                               ", which " + mcpu + " code may use");
  }
  return machine;
}

} // namespace heed
