// CompileFlags.cpp - model files and how they are compiled, as flags of a tool.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/cli/CompileFlags.h"

using namespace llvm;

namespace heed {

CompileFlags::CompileFlags(cl::OptionCategory &category)
    : mcpu("mcpu", cl::value_desc("CPU"), cl::cat(category),
           cl::desc("CPU to compile for, as haswell or x86-64-v4 (default: "
                    "host)")),
      onednn("onednn", cl::init(Switch::on), cl::cat(category),
             cl::desc("oneDNN primitives (default on)"),
             cl::values(clEnumValN(Switch::on, "on", "where they hold an op"),
                        clEnumValN(Switch::off, "off", "native code only"))),
      noFuse("no-fuse", cl::cat(category), cl::desc("the unfused program")) {}

CompileOptions CompileFlags::options() const {
  CompileOptions options;
  options.mcpu = mcpu;
  options.onednn = onednn == Switch::on;
  options.fuse = !noFuse;
  return options;
}

ModelFlags::ModelFlags(cl::OptionCategory &category)
    : CompileFlags(category),
      model(cl::Positional, cl::Required,
            cl::desc("<model.onnx|.mlir|.mlirbc>"), cl::cat(category)) {}

} // namespace heed
