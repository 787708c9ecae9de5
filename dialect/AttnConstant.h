// AttnConstant.h - which values are the same in every run
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_ATTNCONSTANT_H
#define HEED_DIALECT_ATTNCONSTANT_H

#include "mlir/IR/Value.h"

namespace heed::attn {

/// A unit attribute of an argument of a private function: each call passes a
/// constant. Which one may differ from call to call, as between the layers of a
/// network.
inline constexpr llvm::StringLiteral kConstantAttr = "attn.constant";

/// Whether what is behind the value never changes: a tensor or a buffer of
/// weights, or a view of it. Its elements may be unknown to the compiler, see
/// `kConstantAttr`.
bool isConstant(mlir::Value value);

} // namespace heed::attn

#endif // HEED_DIALECT_ATTNCONSTANT_H
