// RecurrentKernel.h - attn.recurrent on memrefs as vector code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_RECURRENT_RECURRENTKERNEL_H
#define HEED_PASSES_LOWER_RECURRENT_RECURRENTKERNEL_H

#include "dialect/recurrent/RecurrentCell.h"
#include "passes/lower/cpu/TargetDescriptor.h"
#include "passes/lower/cpu/VectorLoop.h"

#include <string>

namespace heed::lower {

/// Why the kernel cannot take the layer; empty where it can.
std::string whyNotLowerable(attn::RecurrentOp op);

/// Gates whose sums are made together.
struct RecurrentStage {
  llvm::SmallVector<unsigned, 4> gates;
  int64_t offset = 0; // of its weights among those of one direction
  unsigned rows = 1;  // of a tile: as many as the registers hold
};

/// The recurrent weights as the kernel reads them, one after the other:
///   [D][stage][block of hidden units][k][gate of the stage][lane]
/// with zeros where the last block has no unit.
struct RecurrentPacking {
  int64_t directions, hidden, lanes;
  unsigned sums; // registers for a tile's sums; others hold what is multiplied
  llvm::SmallVector<RecurrentStage, 2> stages;

  RecurrentPacking(attn::RecurrentOp op, const TargetDescriptor &target);

  int64_t blocks() const { return (hidden + lanes - 1) / lanes; }
  int64_t ofDirection() const; // elements
  int64_t elements() const { return directions * ofDirection(); }
  /// Where R[d][gate · H + unit][k] lies; `gate` is number `at` of the stage.
  int64_t place(int64_t d, const RecurrentStage &stage, int64_t at,
                int64_t unit, int64_t k) const;
};

/// The packed weights as a one-dimensional buffer: a constant of the module
/// where they are one, else made in front of the op.
Value buildPackedWeights(OpBuilder &b, attn::RecurrentOp op,
                         const RecurrentPacking &packing);

/// Builds the kernel in front of the op; buffers are contiguous in their last
/// dim. `context` is the runtime's, null where there is none.
class RecurrentKernel {
public:
  RecurrentKernel(OpBuilder &b, attn::RecurrentOp op,
                  const TargetDescriptor &target, Value context);
  void build(OpBuilder &b);

private:
  /// One task: rows [first, end) of the batch in direction `d`.
  struct Task {
    Value d, first, end;
    Value t, current, next; // of the step: its time, where states lie
  };
  /// Sums of `rows` rows from `row`, in `vectors` blocks from `block`.
  struct Tile {
    const RecurrentStage *stage;
    Value row, block;
    unsigned rows, vectors;
    Values sums; // [gate][vector][row]
  };
  /// One vector of one row: where it lies, a mask (null where it is whole), and
  /// its old state.
  struct Lane {
    Value row, unit, mask, h;
  };

  void buildTask(OpBuilder &b, Task &task);
  void buildStage(OpBuilder &b, Task &task, const RecurrentStage &stage);
  void buildProducts(OpBuilder &b, Task &task, const RecurrentStage &stage,
                     unsigned vectors, bool single);
  void buildTile(OpBuilder &b, Task &task, Tile tile);
  void buildCell(OpBuilder &b, Task &task, const RecurrentStage &stage,
                 Lane lane);
  void finish(OpBuilder &b, Task &task, const Lane &lane, Value h, Value oldC,
              Value c);
  void copyState(OpBuilder &b, const Task &task, bool out, Value half);
  unsigned vectorsFor(unsigned rows, const RecurrentStage &stage) const;
  Value load(OpBuilder &b, Value buffer, ValueRange at, Value mask);
  Value plus(OpBuilder &b, Value x, int64_t offset);

  attn::RecurrentOp op;
  mlir::Location loc;
  const TargetDescriptor &target;
  Value context;
  RecurrentPacking packing;
  attn::RecurrentCell cell;
  int64_t hidden, lanes, padded = 0; // padded: whole vectors of units
  mlir::VectorType type;
  Value steps, batch;
  Value packed;   // weights
  Value states;   // [2, D, B, H]: h before and after a step
  Value products; // [D, B, G·padded]: h·Rᵀ of a step
  Value kept;     // [D, B, H]: r ⊙ h of a GRU that resets first
};

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_RECURRENT_RECURRENTKERNEL_H
