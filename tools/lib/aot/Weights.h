// Weights.h - the weights of a compiled model as one aligned piece of memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_WEIGHTS_H
#define HEED_TOOLS_LIB_AOT_WEIGHTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/IR/Constants.h"
#include "llvm/Support/raw_ostream.h"

namespace heed {

/// Where each weight lies: one after the other, each on a multiple of 64 bytes,
/// for the widest vectors and whole cache lines.
struct WeightsLayout {
  static constexpr int64_t kAlignment = 64;
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
  uint64_t id = 0; // a hash of sizes and contents

  explicit WeightsLayout(llvm::ArrayRef<llvm::ArrayRef<char>> weights);
};

/// The file that heed_model_load reads (runtime/support/ModelCode.h).
void writeWeights(llvm::raw_ostream &os, const WeightsLayout &layout,
                  llvm::ArrayRef<llvm::ArrayRef<char>> weights);

/// The type of the memory as an LLVM constant, and the constant.
llvm::StructType *weightsType(llvm::LLVMContext &context,
                              const WeightsLayout &layout,
                              llvm::ArrayRef<llvm::ArrayRef<char>> weights);
llvm::Constant *weightsConstant(llvm::LLVMContext &context,
                                const WeightsLayout &layout,
                                llvm::ArrayRef<llvm::ArrayRef<char>> weights);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_WEIGHTS_H
