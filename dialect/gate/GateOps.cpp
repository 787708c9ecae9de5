// GateOps.cpp - assembly, verifier and effects of attn.gate.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/gate/GateOps.h"

#include "dialect/AttnBufferize.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace heed::attn;

static ParseResult parsePools(OpAsmParser &parser, ArrayAttr &pools) {
  SmallVector<Attribute> list;
  auto parseOne = [&]() -> ParseResult {
    StringRef keyword;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&keyword))
      return failure();
    std::optional<Pool> pool = symbolizePool(keyword);
    if (!pool)
      return parser.emitError(loc)
             << "pools: expected avg, max or sum, got " << keyword;
    list.push_back(PoolAttr::get(parser.getContext(), *pool));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne))
    return failure();
  pools = parser.getBuilder().getArrayAttr(list);
  return success();
}

static void printPools(OpAsmPrinter &printer, Operation *, ArrayAttr pools) {
  printer << '[';
  llvm::interleaveComma(pools.getAsRange<PoolAttr>(), printer, [&](PoolAttr p) {
    printer << stringifyPool(p.getValue());
  });
  printer << ']';
}

#define GET_OP_CLASSES
#include "dialect/gate/GateOps.cpp.inc"

Pool GateOp::getPool(unsigned k) {
  return cast<PoolAttr>(getPools()[k]).getValue();
}

ShapedType GateOp::getPooledType() {
  auto type = cast<ShapedType>(getX().getType());
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (!llvm::is_contained(getDimensions(), static_cast<int64_t>(dim)))
      shape.push_back(size);
  if (isa<RankedTensorType>(type))
    return RankedTensorType::get(shape, type.getElementType());
  return MemRefType::get(shape, type.getElementType());
}

void GateOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(cast<DestinationStyleOpInterface>(getOperation()),
                             effects);
}

/// Same rank, same static sizes; dynamic sizes agree with everything.
static bool compatible(ShapedType a, ShapedType b) {
  return succeeded(verifyCompatibleShape(a.getShape(), b.getShape()));
}

LogicalResult GateOp::verify() {
  auto xType = dyn_cast<ShapedType>(getX().getType());
  if (!xType || !xType.hasRank() || xType.getRank() == 0)
    return emitOpError("x: expected a ranked shape of rank 1 or more, got ")
           << getX().getType();
  auto sameShape = [&](Value value, const Twine &name) -> LogicalResult {
    auto type = dyn_cast<ShapedType>(value.getType());
    if (!type || !type.hasRank() || !compatible(xType, type))
      return emitOpError() << name << ": expected the shape of x (" << xType
                           << "), got " << value.getType(); // gate_c1
    return success();
  };
  if (failed(sameShape(getInit(), "init")))
    return failure();
  for (auto [index, extra] : llvm::enumerate(getExtras()))
    if (failed(sameShape(extra, "extra " + Twine(index))))
      return failure();
  if (!isa<FloatType>(xType.getElementType()))
    return emitOpError("x: element type: expected a float, got ")
           << xType.getElementType();
  if (getDimensions().empty()) // gate_c2
    return emitOpError("dimensions: expected at least one, got none");
  int64_t previous = -1;
  for (int64_t dim : getDimensions()) {
    if (dim <= previous || dim >= xType.getRank())
      return emitOpError("dimensions: expected strictly increasing values in "
                         "[0, ")
             << xType.getRank() << "), got " << dim;
    previous = dim;
  }
  return success();
}

LogicalResult GateOp::verifyRegions() {
  Block &body = getExcite().front();
  ShapedType pooled = getPooledType();
  auto isPooled = [&](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return shaped && shaped.hasRank() && compatible(pooled, shaped) &&
           shaped.getElementType() == pooled.getElementType() &&
           isa<TensorType>(type) == isa<TensorType>(Type(pooled));
  };
  if (body.getNumArguments() != getPools().size()) // gate_c3
    return emitOpError("excite: expected ")
           << getPools().size() << " arguments (one per pool), got "
           << body.getNumArguments();
  for (BlockArgument argument : body.getArguments())
    if (!isPooled(argument.getType()))
      return emitOpError("excite: argument ")
             << argument.getArgNumber() << ": expected " << pooled << ", got "
             << argument.getType();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 1 ||
      !isPooled(yield.getOperand(0).getType())) // gate_c4
    return emitOpError("excite: expected attn.yield of one ") << pooled;

  if (getEpilogue().empty()) { // gate_c5
    if (!getExtras().empty())
      return emitOpError("extras: expected none without an epilogue, got ")
             << getExtras().size();
    Type x = getElementTypeOrSelf(getX().getType());
    Type init = getElementTypeOrSelf(getInit().getType());
    if (init != x)
      return emitOpError("init: element type: expected that of x without an "
                         "epilogue (")
             << x << "), got " << init;
    return success();
  }
  Block &epilogue = getEpilogue().front();
  SmallVector<Type> expected{getElementTypeOrSelf(getX().getType()),
                             pooled.getElementType()};
  for (Value extra : getExtras())
    expected.push_back(getElementTypeOrSelf(extra.getType()));
  if (!llvm::equal(epilogue.getArgumentTypes(), expected))
    return emitOpError("epilogue: expected arguments (")
           << expected << "), got (" << epilogue.getArgumentTypes() << ")";
  auto epilogueYield = dyn_cast<YieldOp>(epilogue.getTerminator());
  Type element = getElementTypeOrSelf(getInit().getType());
  if (!epilogueYield || epilogueYield.getNumOperands() != 1 ||
      epilogueYield.getOperand(0).getType() != element)
    return emitOpError("epilogue: expected attn.yield of one ") << element;
  return success();
}
