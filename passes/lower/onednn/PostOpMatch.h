// PostOpMatch.h - recognises post-ops in the scalar body of an elementwise op.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_ONEDNN_POSTOPMATCH_H
#define HEED_PASSES_LOWER_ONEDNN_POSTOPMATCH_H

#include "dialect/AttnDialect.h"
#include "mlir/IR/Block.h"
#include <optional>

namespace heed::lower {

/// One value, or one for each channel.
using Constants = llvm::SmallVector<double>;

/// A post-op as it is found: its tensor is still an argument of the body, or a
/// list of constants, one a channel.
struct PostOpStep {
  attn::PostOpKind kind;
  double alpha = 0;
  double beta = 0;
  mlir::BlockArgument argument = nullptr;
  Constants channels = {};
};

struct PostOpMatch {
  mlir::Value result; // = steps(x)
  llvm::SmallVector<PostOpStep> steps;
};

/// Constants that an argument of the body stands for, if it does.
using ArgumentConstants =
    llvm::function_ref<std::optional<Constants>(mlir::BlockArgument)>;

/// The latest value of the body that is post-ops of `x`, with nothing between
/// it and `x` used elsewhere. Called again with `x` = that value, it finds the
/// next one; so a body is taken apart step by step, from its front.
std::optional<PostOpMatch> matchPostOps(mlir::Block &body, mlir::Value x,
                                        ArgumentConstants constants);

/// Appends a step, merging it with the last one where both are one post-op:
/// linear of linear, clip of clip, clip(linear) to [0, 1].
void appendPostOp(llvm::SmallVectorImpl<PostOpStep> &steps, PostOpStep step);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_ONEDNN_POSTOPMATCH_H
