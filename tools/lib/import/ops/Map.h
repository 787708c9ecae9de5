// Map.h - one scalar op applied to every element.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_MAP_H
#define HEED_TOOLS_LIB_IMPORT_OPS_MAP_H

#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace heed::import {

/// Op(x), of the element type of x.
template <typename Op> Tensor map1(Emitter &e, const Tensor &x) {
  return e.elementwise({x}, x->type,
                       [](mlir::OpBuilder &b, mlir::Location l,
                          llvm::ArrayRef<mlir::Value> v) -> mlir::Value {
                         return Op::create(b, l, v[0]);
                       });
}

/// Op(x, y) with broadcasting, of the element type of x.
template <typename Op>
Tensor map2(Emitter &e, const Tensor &x, const Tensor &y) {
  return e.elementwise({x, y}, x->type,
                       [](mlir::OpBuilder &b, mlir::Location l,
                          llvm::ArrayRef<mlir::Value> v) -> mlir::Value {
                         return Op::create(b, l, v[0], v[1]);
                       });
}

/// x · x, of integers or floats.
inline Tensor square(Emitter &e, const Tensor &x) {
  return e.elementwise({x}, x->type,
                       [&](mlir::OpBuilder &b, mlir::Location l,
                           llvm::ArrayRef<mlir::Value> v) -> mlir::Value {
                         if (isFloat(x->type))
                           return mlir::arith::MulFOp::create(b, l, v[0], v[0]);
                         return mlir::arith::MulIOp::create(b, l, v[0], v[0]);
                       });
}

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_MAP_H
