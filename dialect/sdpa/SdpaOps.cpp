// SdpaOps.cpp - verifier, effects and map accessors of attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/sdpa/SdpaOps.h"

#include "dialect/AttnBufferize.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace heed::attn;

#define GET_OP_CLASSES
#include "dialect/sdpa/SdpaOps.cpp.inc"

MutableOperandRange SdpaOp::getDpsInitsMutable() {
  auto [initStart, initCount] = getODSOperandIndexAndLength(6);
  auto [lseStart, lseCount] = getODSOperandIndexAndLength(7);
  return MutableOperandRange(getOperation(), initStart, initCount + lseCount);
}

AffineMap SdpaOp::getMapOf(OpOperand &operand) {
  return cast<AffineMapAttr>(getMaps()[operand.getOperandNumber()]).getValue();
}

/// The map of the operand group `index`, null where the operand is absent.
static AffineMap mapOfGroup(SdpaOp op, unsigned index) {
  auto [start, count] = op.getODSOperandIndexAndLength(index);
  return count ? op.getMapOf(op->getOpOperand(start)) : AffineMap();
}

AffineMap SdpaOp::getQMap() { return mapOfGroup(*this, 0); }
AffineMap SdpaOp::getKMap() { return mapOfGroup(*this, 1); }
AffineMap SdpaOp::getVMap() { return mapOfGroup(*this, 2); }
AffineMap SdpaOp::getBiasMap() { return mapOfGroup(*this, 3); }
AffineMap SdpaOp::getMaskMap() { return mapOfGroup(*this, 4); }
AffineMap SdpaOp::getKvLengthMap() { return mapOfGroup(*this, 5); }
AffineMap SdpaOp::getOMap() { return mapOfGroup(*this, 6); }
AffineMap SdpaOp::getLseMap() { return mapOfGroup(*this, 7); }

void SdpaOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(cast<DestinationStyleOpInterface>(getOperation()),
                             effects);
}

FloatType SdpaOp::getComputeType() {
  auto element = cast<FloatType>(getElementTypeOrSelf(getQ().getType()));
  return element.getWidth() < 32 ? Builder(getContext()).getF32Type() : element;
}

//===----------------------------------------------------------------------===//
// Sizes of the iteration space
//===----------------------------------------------------------------------===//

/// A tensor that holds a dim, at which of its own dims, and by what factor its
/// size is to be multiplied (`h floordiv G`).
namespace {
struct Holder {
  Value tensor;
  int64_t at = 0, factor = 1;
  int64_t size() const {
    int64_t own = cast<ShapedType>(tensor.getType()).getDimSize(at);
    return ShapedType::isDynamic(own) ? own : own * factor;
  }
};
} // namespace

/// G of `dim floordiv G`, 1 of `dim`, 0 if the expression is neither.
static int64_t getDivisor(AffineExpr expr, unsigned dim) {
  if (expr == getAffineDimExpr(dim, expr.getContext()))
    return 1;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary || binary.getKind() != AffineExprKind::FloorDiv ||
      binary.getLHS() != getAffineDimExpr(dim, expr.getContext()))
    return 0;
  auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return divisor && divisor.getValue() > 0 ? divisor.getValue() : 0;
}

/// Who holds `dim`: a static size before a dynamic one, `h` before
/// `h floordiv G`.
static std::optional<Holder> findHolder(SdpaOp op, SdpaOp::Dim dim) {
  std::optional<Holder> best;
  auto rank = [](const Holder &holder) {
    return 2 * !ShapedType::isDynamic(holder.size()) + (holder.factor == 1);
  };
  for (OpOperand &operand : op->getOpOperands())
    for (auto [at, expr] : llvm::enumerate(op.getMapOf(operand).getResults()))
      if (int64_t factor = getDivisor(expr, dim)) {
        Holder holder{operand.get(), static_cast<int64_t>(at), factor};
        if (!best || rank(holder) > rank(*best))
          best = holder;
      }
  return best;
}

int64_t SdpaOp::getStaticSize(Dim dim) {
  std::optional<Holder> holder = findHolder(*this, dim);
  return holder ? holder->size() : 1;
}

OpFoldResult SdpaOp::getDimSize(OpBuilder &b, Dim dim) {
  std::optional<Holder> holder = findHolder(*this, dim);
  int64_t size = holder ? holder->size() : 1;
  if (!ShapedType::isDynamic(size))
    return b.getIndexAttr(size);
  Value value;
  if (isa<MemRefType>(holder->tensor.getType()))
    value = memref::DimOp::create(b, getLoc(), holder->tensor, holder->at);
  else
    value = tensor::DimOp::create(b, getLoc(), holder->tensor, holder->at);
  if (holder->factor != 1)
    value = arith::MulIOp::create(
        b, getLoc(), value,
        arith::ConstantIndexOp::create(b, getLoc(), holder->factor));
  return value;
}

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

namespace {
/// A row of the op's table of operands.
struct OperandRule {
  StringRef name;
  std::initializer_list<SdpaOp::Dim> allowed, required;
  bool mayDivide, mayBroadcast; // `h floordiv G`, the constant 0
};
} // namespace

/// The rules in the order of the operand groups.
static ArrayRef<OperandRule> getRules() {
  using Op = SdpaOp;
  static const OperandRule rules[] = {
      {"q", {Op::B, Op::H, Op::I, Op::D}, {Op::I, Op::D}, false, false},
      {"k", {Op::B, Op::H, Op::J, Op::D}, {Op::J, Op::D}, true, false},
      {"v", {Op::B, Op::H, Op::J, Op::E}, {Op::J, Op::E}, true, false},
      {"bias", {Op::B, Op::H, Op::I, Op::J}, {}, true, true},
      {"mask", {Op::B, Op::H, Op::I, Op::J}, {}, true, true},
      {"kv_length", {Op::B}, {}, false, true},
      {"init", {Op::B, Op::H, Op::I, Op::E}, {Op::I, Op::E}, false, false},
      {"lse", {Op::B, Op::H, Op::I}, {Op::I}, false, false}};
  return rules;
}

static StringRef getDimName(unsigned dim) {
  return StringRef("bhijde").substr(dim, 1);
}

/// sdpa_c1 and sdpa_c2 for one operand.
static LogicalResult verifyMap(SdpaOp op, OpOperand &operand,
                               const OperandRule &rule) {
  AffineMap map = op.getMapOf(operand);
  auto type = dyn_cast<ShapedType>(operand.get().getType());
  if (!type || !type.hasRank())
    return op.emitOpError() << rule.name << ": expected a ranked shape, got "
                            << operand.get().getType();
  if (map.getNumDims() != SdpaOp::NumDims || map.getNumSymbols() != 0 ||
      map.getNumResults() != static_cast<unsigned>(type.getRank()))
    return op.emitOpError()
           << rule.name << ": map: expected six dims and " << type.getRank()
           << " results, got " << AffineMapAttr::get(map); // sdpa_c1
  llvm::SmallSet<unsigned, 6> seen;
  for (auto [at, expr] : llvm::enumerate(map.getResults())) {
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    if (rule.mayBroadcast && constant && constant.getValue() == 0) {
      if (type.getDimSize(at) != 1)
        return op.emitOpError() << rule.name << ": dimension " << at
                                << ": expected 1 (its map is 0), got "
                                << type.getDimSize(at); // sdpa_c2
      continue;
    }
    bool found = false;
    for (SdpaOp::Dim dim : rule.allowed) {
      int64_t divisor = getDivisor(expr, dim);
      if (divisor == 0 ||
          (divisor != 1 && !(rule.mayDivide && dim == SdpaOp::H)))
        continue;
      if (!seen.insert(dim).second)
        return op.emitOpError()
               << rule.name << ": map: expected distinct dims, "
               << "got " << getDimName(dim) << " twice"; // sdpa_c2
      found = true;
    }
    if (!found) {
      std::string names;
      for (SdpaOp::Dim dim : rule.allowed)
        names += getDimName(dim).str() + " ";
      return op.emitOpError()
             << rule.name << ": map: expected results among "
             << StringRef(names).rtrim()
             << (rule.mayDivide ? ", h floordiv G" : "")
             << (rule.mayBroadcast ? ", 0" : "") << ", got result " << at
             << " of " << AffineMapAttr::get(map); // sdpa_c2
    }
  }
  for (SdpaOp::Dim dim : rule.required)
    if (!seen.contains(dim))
      return op.emitOpError()
             << rule.name << ": map: expected " << getDimName(dim) << ", got "
             << AffineMapAttr::get(map); // sdpa_c2
  return success();
}

/// sdpa_c3: every static size of `dim` says the same.
static LogicalResult verifySizes(SdpaOp op, SdpaOp::Dim dim,
                                 function_ref<StringRef(OpOperand &)> getName) {
  int64_t expected = op.getStaticSize(dim);
  if (ShapedType::isDynamic(expected))
    return success();
  for (OpOperand &operand : op->getOpOperands())
    for (auto [at, expr] : llvm::enumerate(op.getMapOf(operand).getResults())) {
      int64_t factor = getDivisor(expr, dim);
      int64_t size = cast<ShapedType>(operand.get().getType()).getDimSize(at);
      if (factor && !ShapedType::isDynamic(size) && size * factor != expected)
        return op.emitOpError()
               << getName(operand) << ": dimension " << at << ": expected "
               << expected / factor << ", got " << size;
    }
  return success();
}

/// sdpa_c4 for one operand.
static LogicalResult verifyElement(SdpaOp op, unsigned group, Value operand,
                                   StringRef name) {
  Type element = getElementTypeOrSelf(operand.getType());
  Type q = getElementTypeOrSelf(op.getQ().getType());
  auto expect = [&](bool holds, auto &&what) -> LogicalResult {
    if (holds)
      return success();
    return op.emitOpError() << name << ": element type: expected " << what
                            << ", got " << element;
  };
  switch (group) {
  case 0:
    return expect(isa<FloatType>(element), "a float");
  case 1:
  case 2:
  case 6:
    return expect(element == q, q);
  case 4:
    return expect(element.isInteger(1), "i1");
  case 5:
    return expect(isa<IntegerType, IndexType>(element), "an integer");
  default:
    return expect(isa<FloatType>(element), "a float");
  }
}

LogicalResult SdpaOp::verify() {
  if (getMaps().size() != getNumOperands()) // sdpa_c1
    return emitOpError("maps: expected ")
           << getNumOperands() << " (one per tensor), got " << getMaps().size();
  // The operand group of each operand.
  SmallVector<unsigned> groups(getNumOperands());
  for (unsigned group = 0; group < getRules().size(); ++group) {
    auto [start, count] = getODSOperandIndexAndLength(group);
    for (unsigned k = start; k < start + count; ++k)
      groups[k] = group;
  }
  auto getName = [&](OpOperand &operand) {
    return getRules()[groups[operand.getOperandNumber()]].name;
  };
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    unsigned group = groups[operand.getOperandNumber()];
    if (failed(verifyMap(*this, operand, getRules()[group])) ||
        failed(verifyElement(*this, group, operand.get(), getName(operand))))
      return failure();
  }
  for (unsigned dim = 0; dim < NumDims; ++dim)
    if (failed(verifySizes(*this, static_cast<Dim>(dim), getName)))
      return failure();
  for (Dim dim : {B, H}) {
    bool held = getStaticSize(dim) != 1;
    for (AffineMap map : {getOMap(), getLseMap()})
      if (held && map && !map.isFunctionOfDim(dim))
        return emitOpError() << (map == getOMap() ? "init" : "lse")
                             << ": map: expected " << getDimName(dim)
                             << ", got " << AffineMapAttr::get(map); // sdpa_c2
  }
  if (std::optional<ArrayRef<int64_t>> window = getWindow()) { // sdpa_c5
    if (window->size() != 2)
      return emitOpError("window: expected two entries, got ")
             << window->size();
    for (int64_t entry : *window)
      if (entry < -1)
        return emitOpError("window: expected entries of -1 or more, got ")
               << entry;
  }
  if (getSoftcap() && !(getSoftcap()->convertToDouble() > 0)) // sdpa_c5
    return emitOpError("softcap: expected more than 0, got ")
           << getSoftcap()->convertToDouble();
  return verifyScore();
}

/// sdpa_c6.
LogicalResult SdpaOp::verifyScore() {
  if (getScore().empty())
    return success();
  Block &body = getScore().front();
  if (!getScore().hasOneBlock())
    return emitOpError("score: expected one block, got ")
           << getScore().getBlocks().size();
  TypeRange types = body.getArgumentTypes();
  if (types.size() != 5 || !isa<FloatType>(types[0]) ||
      !llvm::all_of(types.drop_front(),
                    [](Type type) { return type.isIndex(); }))
    return emitOpError("score: expected arguments (float, index, index, index, "
                       "index), got (")
           << types << ")";
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 1 ||
      yield.getOperand(0).getType() != types[0])
    return emitOpError("score: expected attn.yield of one ") << types[0];
  return success();
}
