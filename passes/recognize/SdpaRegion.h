// SdpaRegion.h - elements of the score as scalars inside attn.sdpa's region.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_SDPAREGION_H
#define HEED_PASSES_RECOGNIZE_SDPAREGION_H

#include "passes/recognize/SdpaMatch.h"

namespace heed::recognize {

/// The float extended or truncated to the type.
mlir::Value castFloat(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                      mlir::Type type);

/// A tensor of (i, j) that is computed from indices and numbers alone: computed
/// again rather than read.
bool isMadeOfIndices(const Element &element, const Groups &groups,
                     FactorTable &table);

/// Builds scalars at one (b, h, i, j): the arguments of `block` after the
/// first.
class SdpaRegion {
public:
  SdpaRegion(mlir::OpBuilder &b, mlir::Location loc, mlir::Block &block,
             const Groups &groups, FactorTable &table)
      : b(b), loc(loc), block(block), groups(groups), table(table) {}

  /// Null where the element cannot be computed here.
  mlir::Value emit(const Element &element);

private:
  mlir::Value constant(int64_t value);
  mlir::Value size(Factor factor);
  mlir::Value index(Factor factor);
  mlir::Value index(const Factors &list);

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Block &block;
  const Groups &groups;
  FactorTable &table;
};

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_SDPAREGION_H
