// CostModel.h - the constants by which schedules on the CPU are chosen.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_COSTMODEL_H
#define HEED_PASSES_LOWER_CPU_COSTMODEL_H

#include "dialect/sdpa/SdpaOps.h"
#include "mlir/IR/Builders.h"

namespace heed::lower {

/// Scalar operations of one iteration of an scf.parallel, for the runtime's
/// choice whether to fork; without it heed-lower-parallel counts the ops.
constexpr llvm::StringLiteral kCostAttr = "attn.cost";

/// One scf.parallel over `sizes`, as buildParallel, that does little but move
/// `elements` elements in vectors; 0: it is not known.
void buildStreaming(
    mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes,
    int64_t elements,
    llvm::function_ref<void(mlir::OpBuilder &, mlir::ValueRange)> body);

/// The same of a loop of `multiplyAdds` in vectors, operands in the cache;
/// serial where a fork cannot be worth it.
void buildComputing(
    mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes,
    int64_t multiplyAdds,
    llvm::function_ref<void(mlir::OpBuilder &, mlir::ValueRange)> body);

/// Images per thread from which on one image after another is balanced: with 4
/// and a rest of one thread's image, a fifth of the time is lost at worst.
constexpr int64_t kImagesPerThread = 4;

/// Whether a result is stored past the caches, where `bytes` bytes are read and
/// written all in all: a reader would find nothing of it in a cache anyway.
constexpr int64_t kCachedBytes = int64_t(32) << 20;

/// Parts of the rows of a pool along columns: `tasks` without them, `rows` and
/// `elements` 0 where they are not known.
int64_t choosePoolParts(int64_t tasks, int64_t rows, int64_t elements);

/// Whether the small products and convolutions of a gate's excitation are done
/// by its own vector code: `multiplyAdds` for all images, `weightBytes` read
/// for each of `images` images.
bool isNativeExcitation(int64_t multiplyAdds, int64_t weightBytes,
                        int64_t images);

/// Whether a transposed convolution to so many channels, no two taps of which
/// meet, is better done as a 1x1 convolution and a reorder of its result.
bool isNarrowDeconvolution(int64_t channels);

/// Queries of a task of an attention, and keys of a tile of its scores.
int64_t chooseQueryBlock(attn::SdpaOp op);
int64_t chooseKeyBlock(attn::SdpaOp op);

/// Query heads that a task of so few queries takes together, because they share
/// a key head; 1: none.
int64_t chooseGroup(attn::SdpaOp op, int64_t queries);

/// Whether there may be too few tasks for the threads, and keys enough to be
/// done in parts.
bool mayLackTasks(attn::SdpaOp op, int64_t queryBlock, int64_t group);

/// The fewest keys that are a part: less would not pay for merging it.
constexpr int64_t kMinPart = 256;

/// Whether few queries ask for keys and values before they read them.
bool isWorthPrefetching(attn::SdpaOp op, int64_t rows);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_COSTMODEL_H
