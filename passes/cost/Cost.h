// Cost.h - what an op computes and moves: FLOPs and bytes, symbolic where sizes
// are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_COST_COST_H
#define HEED_PASSES_COST_COST_H

#include "dialect/primitive/PrimitiveOps.h"
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/IR/Operation.h"
#include <map>
#include <string>
#include <vector>

namespace heed {

/// Σ coefficient · Π symbols, a symbol being a size known at run time only,
/// such as "x[0]".
class Count {
public:
  using Symbols = std::vector<std::string>; // sorted

  Count(double constant = 0);
  static Count symbol(std::string name);

  Count &operator+=(const Count &other);
  Count &operator*=(const Count &other);
  friend Count operator+(Count a, const Count &b) { return a += b; }
  friend Count operator*(Count a, const Count &b) { return a *= b; }

  bool isConstant() const;
  /// Every symbol taken for 1.
  double coefficients() const;
  const std::map<Symbols, double> &getTerms() const { return terms; }
  /// "12", "2 x[0] x[2] + 5".
  std::string str() const;

private:
  std::map<Symbols, double> terms; // without zeros
};

struct Cost {
  Count flops; // one for each scalar float operation; exp and tanh too
  Count bytes; // each input read once, each result written once

  Cost &operator+=(const Cost &other);
};

/// The size of a dimension: a number, or symbols after the argument it is the
/// size of. That of a buffer is bufferSymbol where it is not a number.
Count sizeOf(mlir::Value shaped, int64_t dim);
/// A name in this process for a dynamic size of a memref: for those who know
/// what the size is when the program runs.
std::string bufferSymbol(mlir::Value buffer, int64_t dim);
/// The size of a dim of attn.sdpa's iteration space.
Count sizeOf(attn::SdpaOp op, attn::SdpaOp::Dim dim);
/// The number of elements.
Count elementsOf(mlir::Value shaped);

/// Of one op, on tensors or on buffers:
///
///   linalg     loops · float ops of the body; a softmax is 5 per element
///   attn.gate  pools · x + what excite computes + x · (ops of the epilogue)
///   attn.sdpa  pairs · (2 d + 2 e + 5 + scale, softcap, bias, score), pairs =
///              b · h · (those that causal and window leave, else i · j)
///   attn.primitive  two for each product, one for each tap of a pool, one for
///              each element that bias or a post-op changes
///   other attn ops: what their decomposition computes; tensor.pad,
///   tensor.concat and memref.copy move; all else is free.
///
/// Looks at the op and its neighbours; puts no lasting op beside it.
Cost costOf(mlir::Operation *op);
/// What the primitive computes.
Count flopsOf(attn::PrimitiveOp op);

} // namespace heed

#endif // HEED_PASSES_COST_COST_H
