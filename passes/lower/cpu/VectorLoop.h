// VectorLoop.h - loops over consecutive vectors of a row, with a masked rest.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_VECTORLOOP_H
#define HEED_PASSES_LOWER_CPU_VECTORLOOP_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace heed::lower {

using mlir::Location;
using mlir::OpBuilder;
using mlir::Value;
using mlir::ValueRange;
using Values = llvm::SmallVector<Value>;

Value buildIndex(OpBuilder &b, Location loc, int64_t value);

/// n − n mod size, a constant where n is one.
Value roundDown(OpBuilder &b, Location loc, Value n, int64_t size);

/// scf.for begin..end step `step` with carried values; constant trip counts of
/// 0 build nothing.
Values
buildFor(OpBuilder &b, Location loc, Value begin, Value end, int64_t step,
         ValueRange carried,
         llvm::function_ref<Values(OpBuilder &, Value, ValueRange)> body);

/// A nest of scf.for from 0 to each of `sizes`, with carried values.
Values
buildNest(OpBuilder &b, Location loc, ValueRange sizes, ValueRange carried,
          llvm::function_ref<Values(OpBuilder &, ValueRange, ValueRange)> body);

/// One scf.parallel over all of `sizes`; the body in place where there is none.
void buildParallel(OpBuilder &b, Location loc, ValueRange sizes,
                   llvm::function_ref<void(OpBuilder &, ValueRange)> body);

/// Visits [0, n) in vectors of `length`: `unroll` at a time (slots 0 …
/// unroll − 1), then one at a time, then what is left under a mask (slot 0;
/// `mask` is null elsewhere). The body gives the new carried values, all of
/// them, so that each slot may have accumulators of its own.
using VectorBody = llvm::function_ref<Values(
    OpBuilder &, Value index, Value mask, unsigned slot, ValueRange carried)>;
Values buildVectorLoop(OpBuilder &b, Location loc, Value n, unsigned length,
                       unsigned unroll, ValueRange carried, VectorBody body);

/// The same for work on `count` vectors at a time: `unroll` of them where as
/// many are left, else one, the last under a mask.
using VectorsBody = llvm::function_ref<void(OpBuilder &, Value index,
                                            Value mask, unsigned count)>;
void buildVectors(OpBuilder &b, Location loc, Value n, unsigned length,
                  unsigned unroll, VectorsBody body);

/// begin..end, `unroll` indices in an iteration (slots 0 … unroll − 1), then
/// one (slot 0). The body gives all carried values.
Values
buildUnrolled(OpBuilder &b, Location loc, Value begin, Value end,
              unsigned unroll, ValueRange carried,
              llvm::function_ref<Values(OpBuilder &, Value index, unsigned slot,
                                        ValueRange carried)>
                  body);

/// One scf.parallel over chunks of the last of `sizes`, whose dim is
/// contiguous, and over all others: `count` = `unroll` vectors of `length`
/// columns from `column` on where as many are left, else one at a time, the
/// last under a mask.
using ColumnBody = llvm::function_ref<void(
    OpBuilder &, ValueRange outer, Value column, Value mask, unsigned count)>;
void buildColumnLoop(OpBuilder &b, Location loc, ValueRange sizes,
                     unsigned length, unsigned unroll, ColumnBody body);

/// The address of an element.
Value buildPointer(OpBuilder &b, Location loc, Value buffer,
                   ValueRange indices);

/// vector.load, or vector.maskedload with `rest` in the masked lanes. Masked
/// bf16 goes through i16: taken apart into scalars, as where no instruction
/// masks 16 bits, LLVM would round each of them once more, by a call. i1 goes
/// through i8, which is what it has in memory.
Value buildLoad(OpBuilder &b, Location loc, mlir::VectorType type, Value buffer,
                ValueRange indices, Value mask = {}, Value rest = {});
/// vector.store or vector.maskedstore.
void buildStore(OpBuilder &b, Location loc, Value value, Value buffer,
                ValueRange indices, Value mask = {});
/// vector.store past the caches, to an address that is a multiple of the vector's
/// size.
void buildStorePastCaches(OpBuilder &b, Location loc, Value value, Value buffer,
                          ValueRange indices);

/// Whether the last dim of a memref is contiguous, so that vectors load.
bool isContiguousInLastDim(Value buffer);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_VECTORLOOP_H
