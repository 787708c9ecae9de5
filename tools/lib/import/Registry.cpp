// Registry.cpp - the table of the ONNX ops that the importer knows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

namespace heed::import {

const OpEntry *findOp(llvm::StringRef domain, llvm::StringRef name,
                      int64_t opset) {
  if (!domain.empty() && domain != "ai.onnx")
    return nullptr;
  static const llvm::StringMap<const OpEntry *> table = [] {
    llvm::StringMap<const OpEntry *> t;
    for (auto list :
         {elementwiseOps(), activationOps(), logicOps(),         reduceOps(),
          convolutionOps(), poolingOps(),    matmulOps(),        movementOps(),
          sliceOps(),       shapeOps(),      normalizationOps(), softmaxOps(),
          attentionOps(),   rotaryOps(),     gatherOps(),        scatterOps(),
          einsumOps(),      resizeOps(),     padOps(),           constantOps(),
          recurrentOps()})
      for (const OpEntry &entry : list)
        t[entry.name] = &entry;
    return t;
  }();
  const OpEntry *entry = table.lookup(name);
  return entry && opset >= entry->since ? entry : nullptr;
}

} // namespace heed::import
