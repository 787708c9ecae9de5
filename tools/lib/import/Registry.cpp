// Registry.cpp - the table of the ONNX ops that the importer knows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

namespace heed::import {

using Table = llvm::StringMap<const OpEntry *>;

static Table tableOf(std::initializer_list<llvm::ArrayRef<OpEntry>> lists) {
  Table table;
  for (auto list : lists)
    for (const OpEntry &entry : list)
      table[entry.name] = &entry;
  return table;
}

const OpEntry *findOp(llvm::StringRef domain, llvm::StringRef name,
                      int64_t opset) {
  static const Table standard =
      tableOf({elementwiseOps(),     activationOps(),  logicOps(),
               reduceOps(),          convolutionOps(), poolingOps(),
               lpPoolOps(),          matmulOps(),      movementOps(),
               sliceOps(),           shapeOps(),       normalizationOps(),
               softmaxOps(),         attentionOps(),   rotaryOps(),
               gatherOps(),          gridSampleOps(),  scatterOps(),
               scatterElementsOps(), selectOps(),      topKOps(),
               einsumOps(),          resizeOps(),      padOps(),
               constantOps(),        recurrentOps(),   nonMaxSuppressionOps(),
               roiAlignOps(),        uniqueOps(),      spectrumOps(),
               signalWindowOps(),    col2ImOps(),      deformConvOps()});
  static const Table contrib =
      tableOf({contribOps(), contribNormOps(), contribAttentionOps()});
  bool isStandard = domain.empty() || domain == "ai.onnx";
  if (!isStandard && domain != "com.microsoft")
    return nullptr;
  const OpEntry *entry = (isStandard ? standard : contrib).lookup(name);
  return entry && opset >= entry->since ? entry : nullptr;
}

} // namespace heed::import
