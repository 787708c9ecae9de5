// Loop.h - loops whose bodies read and write single elements.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_LOOP_H
#define HEED_TOOLS_LIB_IMPORT_OPS_LOOP_H

#include "tools/lib/import/Emitter.h"

namespace heed::import {

/// Writes code at a builder: index arithmetic, elements, and loops in loops.
struct Code {
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  Emitter &e;
  mlir::OpBuilder &b;
  mlir::Location l;

  Value index(int64_t value) { return e.scalarInt(b.getIndexType(), value); }
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value div(Value x, Value y); // of values that are at least 0
  Value rem(Value x, Value y);
  Value min(Value x, Value y);
  Value max(Value x, Value y);
  Value less(Value x, Value y);
  Value equal(Value x, Value y);
  Value both(Value x, Value y);
  Value select(Value condition, Value x, Value y);
  Value i64(Value index);
  Value fromI64(Value integer); // to an index
  Value toFloat(Value index, DType type);
  /// To an index; the value fits one, and is rounded towards 0.
  Value fromFloat(Value real);

  Value get(Value tensor, llvm::ArrayRef<Value> at);
  Value put(Value element, Value tensor, llvm::ArrayRef<Value> at);

  /// For i < end: carried = body(i, carried). Sizes that the body needs are to
  /// be made before it.
  Values repeat(Value end, llvm::ArrayRef<Value> carried,
                llvm::function_ref<Values(Value i, Values carried)> body);
};

/// The positions i < n where `holds`, in order: a vector of int64 whose size
/// only the program knows.
Tensor
positionsWhere(Emitter &e, const Sym &n,
               llvm::function_ref<mlir::Value(Code &, mlir::Value i)> holds);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_LOOP_H
