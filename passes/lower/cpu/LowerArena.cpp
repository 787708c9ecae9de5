// LowerArena.cpp - every allocation of a function becomes a place in one arena.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A buffer lives from its allocation to the last op of the function's block
// that touches it or a view of it (ops inside regions count for the op of the
// block that holds them, so a buffer lives through a whole loop). Buffers whose
// lives do not overlap may share bytes:
//   - static sizes: first fit by falling size, offsets are constants;
//   - dynamic sizes: lives are coloured into slots, a slot is as large as its
//     largest buffer at run time, offsets are sums of slot sizes.
// The arena is asked from the runtime once, in front of the first allocation.
// Buffers whose sizes are known only later (they depend on what the program has
// computed by then) lie in parts of their own, each asked for where its sizes
// are known: an arena that grew would move what lies in it.
// A buffer of a branch or of a serial loop's body is made once, in front of it:
// no iteration sees what an earlier one left in it. Where its size is only known
// inside, or it outlives its iteration, it is memory of its own that lasts to
// the end of the run.
// What a layer needs is one more buffer of its callers, for the time of a call.
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/layers/LayerCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERARENA
#include "passes/lower/cpu/Passes.h.inc"

namespace {
/// A cache line, and the widest vector.
constexpr int64_t kAlignment = 64;

struct Buffer {
  memref::AllocOp alloc;
  int64_t begin = 0, end = 0; // positions in the block, inclusive
  int64_t bytes = 0;          // static size, 0 where dynamic
  int64_t offset = 0;
  bool overlaps(const Buffer &other) const {
    return begin <= other.end && other.begin <= end;
  }
};

/// The allocation on the stack that an address points into.
Value frameOf(Value address) {
  while (auto gep = address.getDefiningOp<LLVM::GEPOp>())
    address = gep.getBase();
  return address;
}

/// All values that may point into the buffer: views, and results of ops with
/// regions that take it.
LogicalResult lastUse(Value root, Block *block,
                      const llvm::DenseMap<Operation *, int64_t> &position,
                      int64_t &end) {
  SmallVector<Value> worklist{root};
  llvm::SmallPtrSet<Value, 8> seen;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    for (Operation *user : value.getUsers()) {
      Operation *top = block->findAncestorOpInBlock(*user);
      if (!top)
        return user->emitOpError("uses a buffer outside of its function");
      if (isa<func::ReturnOp>(user))
        return user->emitOpError("returns a planned buffer; run "
                                 "heed-lower-entry first");
      end = std::max(end, position.lookup(top));
      // A call may get the address through memory: the frame that holds it
      // stands for the buffer.
      if (auto store = dyn_cast<LLVM::StoreOp>(user)) {
        if (store.getValue() == value)
          worklist.push_back(frameOf(store.getAddr()));
        continue;
      }
      // What a region gives out is a result of its op, or an argument of the
      // op's regions.
      if (isa<scf::YieldOp, scf::ConditionOp>(user)) {
        Operation *op = user->getParentOp();
        worklist.append(op->result_begin(), op->result_end());
        for (Region &region : op->getRegions())
          worklist.append(region.args_begin(), region.args_end());
        continue;
      }
      for (Value result : user->getResults())
        if (isa<BaseMemRefType, LLVM::LLVMPointerType>(result.getType()) ||
            isa<UnrealizedConversionCastOp,
                memref::ExtractAlignedPointerAsIndexOp, arith::IndexCastOp,
                arith::AddIOp, LLVM::IntToPtrOp, LLVM::PtrToIntOp>(user))
          worklist.push_back(result);
    }
  }
  return success();
}

/// First fit: big buffers first, each at the lowest offset that is free
/// throughout its life.
int64_t placeStatic(SmallVectorImpl<Buffer *> &buffers) {
  llvm::stable_sort(buffers,
                    [](Buffer *a, Buffer *b) { return a->bytes > b->bytes; });
  int64_t total = 0;
  SmallVector<Buffer *> placed;
  for (Buffer *buffer : buffers) {
    int64_t offset = 0;
    for (Buffer *other : placed) // sorted by offset
      if (other->overlaps(*buffer) && offset < other->offset + other->bytes) {
        if (offset + buffer->bytes <= other->offset)
          break;
        offset = other->offset + other->bytes;
      }
    buffer->offset = offset;
    total = std::max(total, offset + buffer->bytes);
    placed.insert(llvm::upper_bound(placed, buffer,
                                    [](Buffer *a, Buffer *b) {
                                      return a->offset < b->offset;
                                    }),
                  buffer);
  }
  return total;
}

/// Interval colouring: the slot of each buffer; lives in one slot are disjoint.
SmallVector<SmallVector<Buffer *>> colour(ArrayRef<Buffer *> buffers) {
  SmallVector<SmallVector<Buffer *>> slots;
  for (Buffer *buffer : buffers) {
    auto slot = llvm::find_if(slots, [&](ArrayRef<Buffer *> members) {
      return llvm::none_of(
          members, [&](Buffer *other) { return other->overlaps(*buffer); });
    });
    if (slot == slots.end())
      slots.push_back({buffer});
    else
      slot->push_back(buffer);
  }
  return slots;
}

/// Moves what `value` is computed from in front of `point`, if that is
/// possible: pure scalar ops only.
bool hoist(Value value, Operation *point, Block *block) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != block || op->isBeforeInBlock(point))
    return !op || op->getBlock() == block;
  if (!(isPure(op) || isRunConstant(op)) || op->getNumRegions() != 0 ||
      !llvm::all_of(op->getOperands(), [&](Value operand) {
        return hoist(operand, point, block);
      }))
    return false;
  op->moveBefore(point);
  return true;
}

bool hoistSizes(memref::AllocOp alloc, Operation *point, Block *block) {
  return alloc == point ||
         llvm::all_of(alloc.getDynamicSizes(),
                      [&](Value size) { return hoist(size, point, block); });
}

/// Whether the value comes from elements of a buffer.
bool isData(Value value) {
  SmallVector<Value> worklist{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    // A layer does not know what its callers computed a number from.
    if (auto argument = dyn_cast<BlockArgument>(next)) {
      auto function =
          dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
      if (function && function.isPrivate() && next.getType().isIndex())
        return true;
    }
    Operation *op = next.getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (isa<memref::LoadOp>(op) || op->getNumRegions() != 0)
      return true;
    // The sizes of a buffer are checked with the buffer.
    if (!isa<memref::DimOp>(op))
      worklist.append(op->operand_begin(), op->operand_end());
  }
  return false;
}

/// Data can say anything. A buffer whose sizes are data must have sizes that
/// are not negative and a product that is an amount of memory:
/// Π sizes · bytes < 2^46, computed in f64, which does not wrap around.
void checkSize(OpBuilder &b, memref::AllocOp alloc) {
  if (llvm::none_of(alloc.getDynamicSizes(), isData))
    return;
  constexpr double kMostBytes = double(int64_t(1) << 46);
  Location loc = alloc.getLoc();
  double fixed = elementBytes(alloc.getType().getElementType());
  for (int64_t size : alloc.getType().getShape())
    if (!ShapedType::isDynamic(size))
      fixed *= size;
  auto f64 = b.getF64Type();
  Value product = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(fixed));
  Value valid;
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  for (Value size : alloc.getDynamicSizes()) {
    Value positive =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, size, zero);
    valid = valid ? arith::AndIOp::create(b, loc, valid, positive).getResult()
                  : positive;
    Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(), size);
    product = arith::MulFOp::create(b, loc, product,
                                    arith::SIToFPOp::create(b, loc, f64, wide));
  }
  Value most = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(kMostBytes));
  Value fits =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, product, most);
  valid = arith::AndIOp::create(b, loc, valid, fits);
  cf::AssertOp::create(b, loc, valid,
                       "a size that the model computes from data is negative "
                       "or too large");
}

/// Memory of its own, to the end of the run.
void allocateBlock(func::FuncOp function, memref::AllocOp alloc) {
  Value context = heed::lower::getContext(function);
  if (!context)
    return;
  OpBuilder b(alloc);
  Location loc = alloc.getLoc();
  checkSize(b, alloc);
  Value bytes = sizeInBytes(b, loc, alloc.getType(), alloc.getDynamicSizes());
  bytes = arith::IndexCastOp::create(b, loc, b.getI64Type(), bytes);
  Value pointer =
      callRuntime(b, loc, "heed_block",
                  LLVM::LLVMPointerType::get(b.getContext()), {context, bytes});
  assertNotNull(b, loc, pointer);
  alloc.replaceAllUsesWith(
      viewAt(b, loc, pointer, alloc.getType(), alloc.getDynamicSizes()));
  alloc.erase();
}

/// Moves what `value` is computed from in front of `loop`, if it is made of
/// pure scalar ops and of values from outside.
bool hoistFromLoop(Value value, Operation *loop) {
  Operation *op = value.getDefiningOp();
  if (!loop->isAncestor(value.getParentBlock()->getParentOp()))
    return true;
  if (!op || !isPure(op) || op->getNumRegions() != 0 ||
      !llvm::all_of(op->getOperands(), [&](Value operand) {
        return hoistFromLoop(operand, loop);
      }))
    return false;
  op->moveBefore(loop);
  return true;
}

/// Whether the buffer, or a view of it, is handed to the next iteration.
bool isYielded(Value buffer) {
  return llvm::any_of(buffer.getUsers(), [](Operation *user) {
    if (isa<scf::YieldOp, scf::ConditionOp>(user)) {
      Operation *op = user->getParentOp();
      return !isa<scf::IfOp>(op) ||
             llvm::any_of(op->getResults(), [](Value result) {
               return isa<BaseMemRefType>(result.getType()) &&
                      isYielded(result);
             });
    }
    return llvm::any_of(user->getResults(), [](Value result) {
      return isa<BaseMemRefType>(result.getType()) && isYielded(result);
    });
  });
}

/// Allocations in branches and in the bodies of serial loops move in front of
/// the outermost; those that cannot become memory of their own.
void liftFromRegions(func::FuncOp function) {
  Block *block = &function.getBody().front();
  SmallVector<memref::AllocOp> allocs;
  function.walk([&](memref::AllocOp alloc) {
    if (alloc->getBlock() != block)
      allocs.push_back(alloc);
  });
  for (memref::AllocOp alloc : allocs) {
    Operation *outermost = nullptr;
    for (Operation *op = alloc->getParentOp();
         isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op); op = op->getParentOp())
      outermost = op;
    if (!outermost || outermost->getBlock() != block)
      continue;
    for (Operation *user : llvm::to_vector(alloc->getUsers()))
      if (isa<memref::DeallocOp>(user))
        user->erase();
    if (!isYielded(alloc) &&
        llvm::all_of(alloc.getDynamicSizes(), [&](Value size) {
          return hoistFromLoop(size, outermost);
        }))
      alloc->moveBefore(outermost);
    else
      allocateBlock(function, alloc);
  }
}

struct LowerArena : impl::LowerArenaBase<LowerArena> {
  void runOnOperation() override {
    // Layers first: their scratch memory is a buffer of the caller's.
    SmallVector<func::FuncOp> functions;
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (getCalls(function).empty())
        functions.push_back(function);
      else if (failed(plan(function)))
        return signalPassFailure();
    for (func::FuncOp function : functions)
      if (!function.isExternal() && failed(plan(function)))
        return signalPassFailure();
  }

  LogicalResult plan(func::FuncOp function) {
    Block *block = &function.getBody().front();
    liftFromRegions(function);
    SmallVector<memref::AllocOp> allocs;
    WalkResult nested = function.walk([&](memref::AllocOp alloc) {
      if (alloc->getBlock() != block) {
        alloc.emitOpError("allocates inside a region; kernels never allocate");
        return WalkResult::interrupt();
      }
      allocs.push_back(alloc);
      return WalkResult::advance();
    });
    if (nested.wasInterrupted())
      return failure();
    for (auto dealloc : llvm::to_vector(function.getOps<memref::DeallocOp>()))
      dealloc.erase();
    if (allocs.empty())
      return success();
    Value context = heed::lower::getContext(function);
    if (!context)
      return function.emitOpError(
          "expected a lowered entry (heed-lower-entry)");

    bool isLayer = !getCalls(function).empty();
    if (isLayer && !llvm::all_of(allocs, [&](memref::AllocOp alloc) {
          return llvm::all_of(alloc.getDynamicSizes(), [&](Value size) {
            return isKnownAtCalls(size, function);
          });
        })) {
      inlineCalls(function);
      return success();
    }

    // Sizes are hoisted to the first allocation, where the arena is asked for;
    // those that cannot go there, to the first of a later part.
    SmallVector<Operation *> points{allocs.front()};
    llvm::DenseMap<Operation *, size_t> partOf;
    for (memref::AllocOp alloc : allocs) {
      size_t part = llvm::find_if(points,
                                  [&](Operation *point) {
                                    return hoistSizes(alloc, point, block);
                                  }) -
                    points.begin();
      if (part == points.size())
        points.push_back(alloc);
      partOf[alloc] = part;
    }

    llvm::DenseMap<Operation *, int64_t> position;
    for (auto [index, op] : llvm::enumerate(*block))
      position[&op] = index;
    std::vector<std::vector<Buffer>> parts(points.size());
    for (memref::AllocOp alloc : allocs) {
      Buffer buffer{alloc, position[alloc], position[alloc]};
      if (failed(lastUse(alloc, block, position, buffer.end)))
        return failure();
      if (alloc.getType().hasStaticShape())
        buffer.bytes = llvm::alignTo(
            std::max<int64_t>(
                1, alloc.getType().getNumElements() *
                       elementBytes(alloc.getType().getElementType())),
            kAlignment);
      parts[partOf[alloc]].push_back(buffer);
    }
    for (size_t part = 0; part < parts.size(); ++part) {
      OpBuilder b(points[part]);
      Layout layout = place(b, points[part]->getLoc(), parts[part]);
      Value arena = isLayer ? takeScratch(function, layout.total)
                            : askArena(b, points[part]->getLoc(), context, part,
                                       layout.total);
      replaceByViews(layout, parts[part], arena);
    }
    return success();
  }

  /// Where the buffers of a part lie; static ones at their own `offset`.
  struct Layout {
    Value total;
    llvm::DenseMap<Buffer *, Value> offsets;
  };

  static Layout place(OpBuilder &b, Location loc,
                      std::vector<Buffer> &buffers) {
    SmallVector<Buffer *> fixed, dynamic;
    for (Buffer &buffer : buffers)
      (buffer.bytes ? fixed : dynamic).push_back(&buffer);
    Layout layout;
    Value &total = layout.total;
    total = arith::ConstantIndexOp::create(b, loc, placeStatic(fixed));
    Value mask = arith::ConstantIndexOp::create(b, loc, -kAlignment);
    Value round = arith::ConstantIndexOp::create(b, loc, kAlignment - 1);
    for (ArrayRef<Buffer *> slot : colour(dynamic)) {
      Value largest;
      for (Buffer *buffer : slot) {
        layout.offsets[buffer] = total;
        checkSize(b, buffer->alloc);
        Value bytes = sizeInBytes(b, loc, buffer->alloc.getType(),
                                  buffer->alloc.getDynamicSizes());
        largest =
            largest ? arith::MaxUIOp::create(b, loc, largest, bytes).getResult()
                    : bytes;
      }
      largest = arith::AddIOp::create(b, loc, largest, round);
      largest = arith::AndIOp::create(b, loc, largest, mask);
      total = arith::AddIOp::create(b, loc, total, largest);
    }
    return layout;
  }

  static Value askArena(OpBuilder &b, Location loc, Value context, size_t part,
                        Value total) {
    Value bytes = arith::IndexCastOp::create(b, loc, b.getI64Type(), total);
    SmallVector<Value> arguments{context, bytes};
    if (part != 0)
      arguments.insert(arguments.begin() + 1,
                       arith::ConstantIntOp::create(b, loc, part, 64));
    Value pointer =
        callRuntime(b, loc, part == 0 ? "heed_arena" : "heed_arena_part",
                    LLVM::LLVMPointerType::get(b.getContext()), arguments);
    assertNotNull(b, loc, pointer);
    return bytesAt(b, loc, pointer, total);
  }

  /// The last argument of a layer, for which each caller allocates `total`
  /// bytes, as they are there.
  static Value takeScratch(func::FuncOp function, Value total) {
    OpBuilder b(function.getContext());
    std::optional<int64_t> bytes = getConstantIntValue(total);
    auto type =
        MemRefType::get({bytes.value_or(ShapedType::kDynamic)}, b.getI8Type());
    for (func::CallOp call : getCalls(function)) {
      b.setInsertionPoint(call);
      IRMapping known;
      SmallVector<Value> sizes;
      if (!bytes)
        sizes.push_back(computeAtCall(b, total, call, known));
      call->insertOperands(
          call->getNumOperands(),
          memref::AllocOp::create(b, call.getLoc(), type, sizes).getResult());
    }
    unsigned last = function.getNumArguments();
    (void)function.insertArgument(last, type, {}, function.getLoc());
    return function.getArgument(last);
  }

  static void replaceByViews(const Layout &layout, std::vector<Buffer> &buffers,
                             Value arena) {
    for (Buffer &buffer : buffers) {
      Value offset = layout.offsets.lookup(&buffer);
      OpBuilder b(buffer.alloc);
      if (!offset)
        offset = arith::ConstantIndexOp::create(b, buffer.alloc.getLoc(),
                                                buffer.offset);
      auto type = buffer.alloc.getType();
      Value view =
          memref::ViewOp::create(b, buffer.alloc.getLoc(), type, arena, offset,
                                 buffer.alloc.getDynamicSizes());
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
  }
};
} // namespace
} // namespace heed::lower
