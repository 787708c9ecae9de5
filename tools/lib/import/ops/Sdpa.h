// Sdpa.h - attn.sdpa from the parts that the attention ops of ONNX and of
// com.microsoft have in common.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_SDPA_H
#define HEED_TOOLS_LIB_IMPORT_OPS_SDPA_H

#include "tools/lib/import/Node.h"

#include "dialect/sdpa/SdpaOps.h"

namespace heed::import {

/// Q, K or V as batch, heads, sequence, size: the dims of a 4-D tensor in the
/// order of `at`.
struct Heads {
  Tensor tensor;
  unsigned at[4] = {0, 1, 2, 3}; // position of b, h, s, d
  const Sym &size(unsigned i) const { return tensor->shape[at[i]]; }
  mlir::AffineMap map(llvm::ArrayRef<mlir::AffineExpr> bhsd,
                      mlir::MLIRContext *context) const;
};

/// [b, s, heads·d] as heads; `what` names the tensor in errors.
Heads splitHeads(Emitter &e, const Tensor &x, int64_t heads,
                 const llvm::Twine &what);
/// The tensor as [b, h, s, d].
Tensor inOrder(Emitter &e, const Heads &x);

/// An attention; `finish` checks that its parts fit and fills the sizes.
struct SdpaParts {
  Heads q, k, v;
  Tensor bias, mask, length; // right-aligned to [b, h, i, j]; [b]
  attn::Causal causal = attn::Causal::none;
  llvm::SmallVector<int64_t> window;
  std::optional<double> scale; // default: 1 / √d
  double softcap = 0;

  Sym batch, heads, queries, keys;
  int64_t group = 1; // query heads for each head of k
  void finish(Emitter &e);
  /// Requires a mask or bias of rank ≤ 4 to broadcast to the scores.
  void checkMask(Emitter &e, const Tensor &t) const;
};

/// The attention, its dims in the order of q.
Tensor emitSdpa(Emitter &e, const SdpaParts &parts);

/// [b, h, i, j]: 0 the scaled product, 1 soft-capped, 2 masked as well, 3 the
/// softmax of that, 0 where a row attends nothing.
Tensor emitScores(Emitter &e, const SdpaParts &parts, int64_t stage);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_SDPA_H
