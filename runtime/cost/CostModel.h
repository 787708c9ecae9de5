// CostModel.h - every choice by shape on the CPU, and the constants behind it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes in, decisions out: native code or the library, which of the library's
// primitives, blocks of a kernel, whether to fork. Passes ask while they
// compile, the runtime where a shape is known there only. That a choice is
// still right is measured by `./dev bench choices` (the library's sides) and by
// the sweep of `./dev bench blocks --sweep` (fused beside unfused).
#ifndef HEED_RUNTIME_COST_COSTMODEL_H
#define HEED_RUNTIME_COST_COSTMODEL_H

#include <cstdint>

namespace heed::cost {

/// A size that only the running program knows; MLIR's ShapedType::kDynamic.
constexpr int64_t kUnknown = INT64_MIN;

//===----------------------------------------------------------------------===//
// Loops: one thread or all
//===----------------------------------------------------------------------===//

/// Scalar operations, about 10 µs of them, from which on a loop is done by all
/// threads: a fork and join takes 0.5 µs with spinning workers, 2 to 3 when
/// they sleep.
constexpr int64_t kForkCost = 32768;
/// The same for each further loop of a region: a barrier takes 0.2 µs.
constexpr int64_t kBarrierCost = 4096;

/// Scalar operations that a loop counts for which moves so many elements in
/// vectors.
int64_t costOfStreaming(int64_t elements);
/// The same for multiply-adds in vectors, operands in the cache.
int64_t costOfComputing(int64_t multiplyAdds);

//===----------------------------------------------------------------------===//
// Gates
//===----------------------------------------------------------------------===//

/// Images per thread from which on one image after another is balanced: with 4
/// and a rest of one thread's image, a fifth of the time is lost at worst.
constexpr int64_t kImagesPerThread = 4;

/// Whether a result is stored past the caches, where `bytes` bytes are read and
/// written all in all: a reader would find nothing of it in a cache anyway.
constexpr int64_t kCachedBytes = int64_t(32) << 20;

/// Rows that are shorter are no task of their own when they are scaled; elements
/// of a task then.
constexpr int64_t kShortRow = 1024, kTaskElements = 4096;

/// Parts of the rows of a pool along columns: `tasks` without them, `rows` and
/// `elements` 0 where they are not known.
int64_t choosePoolParts(int64_t tasks, int64_t rows, int64_t elements);

/// Whether the small products and convolutions of a gate's excitation are done
/// by its own vector code: `multiplyAdds` for all images, `weightBytes` read
/// for each of `images` images.
bool isNativeExcitation(int64_t multiplyAdds, int64_t weightBytes,
                        int64_t images);

//===----------------------------------------------------------------------===//
// Products with one row
//===----------------------------------------------------------------------===//

/// Tasks that share the rows of the matrix.
int64_t chooseRowParts(int64_t rows, int64_t columns);

//===----------------------------------------------------------------------===//
// oneDNN's primitives
//===----------------------------------------------------------------------===//

/// The name of an implementation that is faster than the one of this name,
/// wherever oneDNN has both; null: none is known.
const char *fasterThan(const char *implementation);

/// The families of primitives that compute m rows times constant weights.
enum class ProductFamily { Matmul, InnerProduct, Convolution };

/// The fastest family on so many threads for m rows, k products a sum and n
/// columns, where oneDNN's matmul is one over a general GEMM.
ProductFamily chooseProductFamily(int64_t m, int64_t k, int64_t n,
                                  int64_t threads);

/// Whether a transposed convolution to so many channels, no two taps of which
/// meet, is better done as a 1x1 convolution and a reorder of its result.
bool isNarrowDeconvolution(int64_t channels);

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// softmax(Q Kᵀ) V: sizes of batch, heads, queries and keys, of a row of K and
/// of one of V.
struct Attention {
  int64_t batch, heads, queries, keys, depth, width;
  int64_t window;   // keys that a query attends; 0: no window of both bounds
  bool causal;      // no key after the query
  int64_t sharing;  // query heads that have a row of K and V in common
  int64_t keyBytes; // of all K and V, or kUnknown
};

/// Queries of a task, and keys of a tile of its scores.
int64_t chooseQueryBlock(const Attention &attention);
int64_t chooseKeyBlock(const Attention &attention);

/// Query heads that a task of so few queries takes together, because they share
/// a key head; 1: none.
int64_t chooseGroup(const Attention &attention, int64_t queries);

/// Whether there may be too few tasks for the threads, and keys enough to be
/// done in parts.
bool mayLackTasks(const Attention &attention, int64_t queryBlock,
                  int64_t group);

/// The fewest keys that are a part: less would not pay for merging it.
constexpr int64_t kMinPart = 256;

/// Whether few queries ask for keys and values before they read them.
bool isWorthPrefetching(const Attention &attention, int64_t rows);

} // namespace heed::cost

#endif // HEED_RUNTIME_COST_COSTMODEL_H
