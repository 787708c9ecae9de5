// RowKernel.h - a kernel of rows: each is reduced, then mapped.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row is the contiguous inner dims of a tensor, what norms and softmaxes go
// along. A warp takes a short row, a block a long one; a thread holds its vectors
// of 16 bytes in registers from the first reduction on, so that x is read once.
// Rows of unknown or great length are read again for each pass, out of the
// caches.
#ifndef HEED_PASSES_LOWER_GPU_ROW_ROWKERNEL_H
#define HEED_PASSES_LOWER_GPU_ROW_ROWKERNEL_H

#include "passes/lower/gpu/kernel/BlockReduce.h"
#include "passes/lower/gpu/kernel/KernelBuffer.h"
#include "passes/lower/gpu/kernel/VectorAccess.h"

namespace heed::cuda {

constexpr int64_t kRowThreads = 256;

/// Why `x` and `y`, of equal shapes, are no rows of their last dims; empty if they
/// are.
std::string whyNoRows(Value x, Value y);

class RowKernel {
public:
  /// Rows along the last `columnDims` dims of `x`, results into `y`.
  RowKernel(OpBuilder &host, Location loc, mlir::gpu::GPUModuleOp kernels,
            llvm::StringRef name, Value x, Value y, int64_t columnDims);

  KernelBuilder k;
  Value row, columns; // i32
  int64_t length;     // elements of a vector

  /// A reduction over f(x[column]) of the row, the same in all of its threads.
  Value reduce(double start, Combine combine,
               llvm::function_ref<Value(Value x)> f);
  /// y[column] = f(x[column], column …) of a vector at a time.
  void map(llvm::function_ref<Values(const Values &x, Value column)> f);
  /// Ends the kernel and launches it.
  void finish();

private:
  using Body = llvm::function_ref<Values(const Values &x, Value column,
                                         mlir::ValueRange carried)>;
  /// The thread's vectors in turn.
  Values visit(Values carried, Body body);
  Values load(Value column);

  Value xHost;
  int64_t columnDims;
  KernelBuffer x, y; // at the row
  Lane lane;
  int64_t warps; // of a row
  Value thread;  // in its row
  Value rows, scratch, exists;
  SharedArena arena;
  llvm::SmallVector<Values> kept; // vectors in registers
  llvm::SmallVector<Value> keptColumns;
};

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_ROW_ROWKERNEL_H
