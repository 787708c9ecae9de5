// Registry.h - which ONNX ops the importer knows, and the function of each.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_REGISTRY_H
#define HEED_TOOLS_LIB_IMPORT_REGISTRY_H

#include "tools/lib/import/Node.h"

namespace heed::import {

/// The importer of an op: reads the node's inputs and attributes, sets its
/// outputs.
using OpFunction = void (*)(Node &);

struct OpEntry {
  llvm::StringRef name;
  int64_t since;                 // first opset that has it
  unsigned minInputs, maxInputs; // maxInputs = variadic: any number
  OpFunction import;
};
constexpr unsigned variadic = ~0u;

/// The op of the domain at this opset, or null.
const OpEntry *findOp(llvm::StringRef domain, llvm::StringRef name,
                      int64_t opset);

// One list for each file of ops/.
llvm::ArrayRef<OpEntry> elementwiseOps();
llvm::ArrayRef<OpEntry> activationOps();
llvm::ArrayRef<OpEntry> logicOps();
llvm::ArrayRef<OpEntry> reduceOps();
llvm::ArrayRef<OpEntry> convolutionOps();
llvm::ArrayRef<OpEntry> poolingOps();
llvm::ArrayRef<OpEntry> matmulOps();
llvm::ArrayRef<OpEntry> movementOps();
llvm::ArrayRef<OpEntry> sliceOps();
llvm::ArrayRef<OpEntry> shapeOps();
llvm::ArrayRef<OpEntry> normalizationOps();
llvm::ArrayRef<OpEntry> softmaxOps();
llvm::ArrayRef<OpEntry> attentionOps();
llvm::ArrayRef<OpEntry> rotaryOps();
llvm::ArrayRef<OpEntry> gatherOps();
llvm::ArrayRef<OpEntry> scatterOps();
llvm::ArrayRef<OpEntry> einsumOps();
llvm::ArrayRef<OpEntry> resizeOps();
llvm::ArrayRef<OpEntry> padOps();
llvm::ArrayRef<OpEntry> constantOps();
llvm::ArrayRef<OpEntry> recurrentOps();
llvm::ArrayRef<OpEntry> topKOps();
llvm::ArrayRef<OpEntry> scatterElementsOps();
llvm::ArrayRef<OpEntry> selectOps();
llvm::ArrayRef<OpEntry> gridSampleOps();
llvm::ArrayRef<OpEntry> lpPoolOps();
llvm::ArrayRef<OpEntry> nonMaxSuppressionOps();
llvm::ArrayRef<OpEntry> roiAlignOps();
llvm::ArrayRef<OpEntry> uniqueOps();
llvm::ArrayRef<OpEntry> spectrumOps();
llvm::ArrayRef<OpEntry> signalWindowOps();
llvm::ArrayRef<OpEntry> col2ImOps();
llvm::ArrayRef<OpEntry> deformConvOps();
// Of the domain com.microsoft.
llvm::ArrayRef<OpEntry> simplifiedNormOps();
llvm::ArrayRef<OpEntry> contribOps();
llvm::ArrayRef<OpEntry> contribNormOps();
llvm::ArrayRef<OpEntry> contribAttentionOps();

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_REGISTRY_H
