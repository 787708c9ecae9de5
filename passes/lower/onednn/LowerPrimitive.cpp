// LowerPrimitive.cpp - primitives on memrefs to calls of the runtime.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/onednn/Passes.h"

#include "dialect/primitive/PrimitiveOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "runtime/onednn/SiteRecord.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERPRIMITIVE
#include "passes/lower/onednn/Passes.h.inc"

static constexpr StringRef kCallee = "heed_onednn_primitive";

/// A read-only global reaches the operand through views only: its contents are
/// the same at each call, so the runtime may pack them once.
static bool isConstant(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    if (auto global = dyn_cast<memref::GetGlobalOp>(op)) {
      auto symbol = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
          op, global.getNameAttr());
      return symbol && symbol.getConstant();
    }
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return false;
    memref = view.getViewSource();
  }
  return false;
}

/// The words of runtime/onednn/SiteRecord.h.
static SmallVector<int64_t> makeRecord(attn::PrimitiveOp op) {
  using runtime::OperandRole;
  SmallVector<int64_t> words = {runtime::kSiteVersion,
                                static_cast<int64_t>(op.getKind()),
                                static_cast<int64_t>(op.getStrides().size()),
                                static_cast<int64_t>(op->getNumOperands()),
                                static_cast<int64_t>(op.getPostOps().size())};
  for (ArrayRef<int64_t> list :
       {op.getStrides(), op.getDilations(), op.getPadLow(), op.getPadHigh(),
        op.getKernel()})
    llvm::append_range(words, list);
  unsigned firstPost = 1 + (op.getWeights() ? 1 : 0) + (op.getBias() ? 1 : 0);
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned number = operand.getOperandNumber();
    OperandRole role = OperandRole::PostOp;
    if (number == 0)
      role = OperandRole::Source;
    else if (number + 1 == op->getNumOperands())
      role = OperandRole::Destination;
    else if (number == 1 && op.getWeights())
      role = OperandRole::Weights;
    else if (number < firstPost)
      role = OperandRole::Bias;
    SmallVector<int64_t> layout = op.getLayout(number);
    words.append({static_cast<int64_t>(role), isConstant(operand.get()),
                  cast<MemRefType>(operand.get().getType()).getRank(),
                  static_cast<int64_t>(layout.size())});
    llvm::append_range(words, layout);
  }
  int64_t tensor = firstPost;
  for (auto postOp : op.getPostOps().getAsRange<attn::PostOpAttr>()) {
    auto bits = [](const APFloat &value) {
      return static_cast<int64_t>(
          llvm::bit_cast<uint64_t>(value.convertToDouble()));
    };
    words.append({static_cast<int64_t>(postOp.getKind()),
                  bits(postOp.getAlpha()), bits(postOp.getBeta()),
                  postOp.isBinary() ? tensor++ : -1});
  }
  return words;
}

namespace {
/// Writes calls in one module.
struct CallWriter {
  ModuleOp module;
  IRRewriter rewriter;
  unsigned records = 0;

  explicit CallWriter(ModuleOp module)
      : module(module), rewriter(module.getContext()) {}

  Value constant(Location loc, int64_t value) {
    return arith::ConstantOp::create(rewriter, loc,
                                     rewriter.getI64IntegerAttr(value));
  }
  Value asI64(Location loc, Value index) {
    return arith::IndexCastOp::create(rewriter, loc, rewriter.getI64Type(),
                                      index);
  }
  Value asPointer(Location loc, Value memref) {
    Value index =
        memref::ExtractAlignedPointerAsIndexOp::create(rewriter, loc, memref);
    return LLVM::IntToPtrOp::create(
        rewriter, loc, LLVM::LLVMPointerType::get(module.getContext()),
        asI64(loc, index));
  }

  func::FuncOp declareCallee();
  Value createRecord(attn::PrimitiveOp op);
  SmallVector<Value> callWords(attn::PrimitiveOp op);
  LogicalResult write(attn::PrimitiveOp op);
};
} // namespace

func::FuncOp CallWriter::declareCallee() {
  if (auto callee = module.lookupSymbol<func::FuncOp>(kCallee))
    return callee;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto callee =
      func::FuncOp::create(rewriter, module.getLoc(), kCallee,
                           rewriter.getFunctionType({pointer, pointer, pointer},
                                                    rewriter.getI32Type()));
  callee.setPrivate();
  return callee;
}

Value CallWriter::createRecord(attn::PrimitiveOp op) {
  SmallVector<int64_t> words = makeRecord(op);
  auto size = static_cast<int64_t>(words.size());
  auto type = MemRefType::get({size}, rewriter.getI64Type());
  std::string name;
  do
    name = "heed_site_" + std::to_string(records++);
  while (module.lookupSymbol(name));
  {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(module.getBody());
    memref::GlobalOp::create(
        rewriter, op.getLoc(), name, rewriter.getStringAttr("private"), type,
        DenseElementsAttr::get(
            RankedTensorType::get({size}, rewriter.getI64Type()),
            ArrayRef<int64_t>(words)),
        /*constant=*/true, /*alignment=*/IntegerAttr());
  }
  return memref::GetGlobalOp::create(rewriter, op.getLoc(), type, name);
}

SmallVector<Value> CallWriter::callWords(attn::PrimitiveOp op) {
  Location loc = op.getLoc();
  SmallVector<Value> pointers, shapes;
  for (Value operand : op->getOperands()) {
    auto metadata =
        memref::ExtractStridedMetadataOp::create(rewriter, loc, operand);
    Value pointer = asI64(loc, memref::ExtractAlignedPointerAsIndexOp::create(
                                   rewriter, loc, operand));
    auto bytes = static_cast<int64_t>(
        cast<MemRefType>(operand.getType()).getElementTypeBitWidth() / 8);
    Value offset = arith::MulIOp::create(
        rewriter, loc, asI64(loc, metadata.getOffset()), constant(loc, bytes));
    pointers.push_back(arith::AddIOp::create(rewriter, loc, pointer, offset));
    for (Value size : metadata.getSizes())
      shapes.push_back(asI64(loc, size));
    for (Value stride : metadata.getStrides())
      shapes.push_back(asI64(loc, stride));
  }
  pointers.append(shapes);
  return pointers;
}

LogicalResult CallWriter::write(attn::PrimitiveOp op) {
  auto function = op->getParentOfType<func::FuncOp>();
  if (!function || function.getNumArguments() == 0 ||
      !isa<LLVM::LLVMPointerType>(function.getArgument(0).getType()))
    return op.emitOpError("expected a function whose argument 0 is the "
                          "runtime's context");
  for (Value operand : op->getOperands())
    if (!isa<MemRefType>(operand.getType()))
      return op.emitOpError("expected memrefs, got ") << operand.getType();
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  func::FuncOp callee = declareCallee();
  Value record = createRecord(op);
  SmallVector<Value> words = callWords(op);
  Value call;
  {
    // At the entry: an alloca in a loop would grow the stack.
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(&function.getBody().front());
    call = memref::AllocaOp::create(
        rewriter, loc,
        MemRefType::get({static_cast<int64_t>(words.size())},
                        rewriter.getI64Type()));
  }
  for (auto [position, word] : llvm::enumerate(words)) {
    Value index = arith::ConstantIndexOp::create(
        rewriter, loc, static_cast<int64_t>(position));
    memref::StoreOp::create(rewriter, loc, word, call, index);
  }
  func::CallOp::create(rewriter, loc, callee,
                       ValueRange{function.getArgument(0),
                                  asPointer(loc, record),
                                  asPointer(loc, call)});
  rewriter.eraseOp(op);
  return success();
}

namespace {
struct LowerPrimitive : impl::LowerPrimitiveBase<LowerPrimitive> {
  void runOnOperation() override {
    SmallVector<attn::PrimitiveOp> ops;
    getOperation().walk([&](attn::PrimitiveOp op) { ops.push_back(op); });
    CallWriter writer(getOperation());
    for (attn::PrimitiveOp op : ops)
      if (failed(writer.write(op)))
        return signalPassFailure();
  }
};
} // namespace
} // namespace heed::lower
