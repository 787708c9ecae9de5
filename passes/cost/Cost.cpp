// Cost.cpp - what an op computes and moves: FLOPs and bytes, symbolic where
// sizes are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/cost/Cost.h"

#include "dialect/AttnDialect.h"
#include "dialect/gate/GateOps.h"
#include "dialect/norm/NormOps.h"
#include "dialect/recurrent/RecurrentOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/recognize/SizeProduct.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using heed::attn::GateOp;
using heed::attn::SdpaOp;

namespace heed {

Count::Count(double constant) {
  if (constant != 0)
    terms[{}] = constant;
}

Count Count::symbol(std::string name) {
  Count count;
  count.terms[{std::move(name)}] = 1;
  return count;
}

Count &Count::operator+=(const Count &other) {
  for (const auto &[symbols, coefficient] : other.terms)
    if ((terms[symbols] += coefficient) == 0)
      terms.erase(symbols);
  return *this;
}

Count &Count::operator*=(const Count &other) {
  std::map<Symbols, double> product;
  for (const auto &[a, x] : terms)
    for (const auto &[b, y] : other.terms) {
      Symbols both(a);
      both.insert(both.end(), b.begin(), b.end());
      llvm::sort(both);
      product[both] += x * y;
    }
  terms = std::move(product);
  return *this;
}

bool Count::isConstant() const {
  return terms.empty() || (terms.size() == 1 && terms.begin()->first.empty());
}

double Count::coefficients() const {
  double sum = 0;
  for (const auto &term : terms)
    sum += term.second;
  return sum;
}

std::string Count::str() const {
  std::string text;
  // Products first, the constant last.
  for (const auto &[symbols, coefficient] : llvm::reverse(terms)) {
    if (!text.empty())
      text += " + ";
    if (coefficient != 1 || symbols.empty())
      text += llvm::formatv("{0:f0}", coefficient).str() +
              (symbols.empty() ? "" : " ");
    text += llvm::join(symbols, " ");
  }
  return text.empty() ? "0" : text;
}

Cost &Cost::operator+=(const Cost &other) {
  flops += other.flops;
  bytes += other.bytes;
  return *this;
}

/// What the user knows the value by.
static std::string nameOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (auto function =
            dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      if (auto name = function.getArgAttrOfType<StringAttr>(
              argument.getArgNumber(), "attn.name"))
        return name.str();
    return llvm::formatv("arg{0}", argument.getArgNumber());
  }
  NameLoc name;
  value.getLoc()->walk([&](Location loc) {
    name = dyn_cast<NameLoc>(loc);
    return name ? WalkResult::interrupt() : WalkResult::advance();
  });
  return name ? name.getName().str() : "?";
}

static std::string dimName(Value tensor, int64_t dim) {
  return llvm::formatv("{0}[{1}]", nameOf(tensor), dim);
}

/// A computed size as a formula of arguments' sizes; empty where it is long.
static std::string formula(Value size, int depth = 0) {
  APInt constant;
  if (matchPattern(size, m_ConstantInt(&constant)))
    return std::to_string(constant.getSExtValue());
  Operation *op = size.getDefiningOp();
  if (auto dim = dyn_cast_or_null<tensor::DimOp>(op))
    if (isa<BlockArgument>(dim.getSource()) && dim.getConstantIndex())
      return dimName(dim.getSource(), *dim.getConstantIndex());
  if (isa_and_nonnull<arith::IndexCastOp>(op))
    return formula(op->getOperand(0), depth);
  const char *sign =
      isa_and_nonnull<arith::AddIOp>(op)   ? "+"
      : isa_and_nonnull<arith::SubIOp>(op) ? "-"
      : isa_and_nonnull<arith::MulIOp>(op) ? "*"
      : isa_and_nonnull<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op)
          ? "/"
          : nullptr;
  if (!sign || depth > 3)
    return "";
  std::string left = formula(op->getOperand(0), depth + 1);
  std::string right = formula(op->getOperand(1), depth + 1);
  constexpr size_t readable = 24;
  if (left.empty() || right.empty() || left.size() + right.size() > readable)
    return "";
  return "(" + left + sign + right + ")";
}

std::string bufferSymbol(Value buffer, int64_t dim) {
  return llvm::formatv("{0}[{1}]", buffer.getAsOpaquePointer(), dim);
}

static Count sizeOfBuffer(Value buffer, int64_t dim) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  // Within a gate: a buffer of its own has the sizes of what it was made for.
  if (auto alloc = buffer.getDefiningOp<memref::AllocOp>()) {
    Value size = alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)];
    auto made = size.getDefiningOp<memref::DimOp>();
    if (std::optional<int64_t> position =
            made ? made.getConstantIndex() : std::nullopt)
      return sizeOf(made.getSource(), *position);
  }
  return Count::symbol(bufferSymbol(buffer, dim));
}

Count sizeOf(Value tensor, int64_t dim) {
  // Within a gate: the pooled tensors have x's dimensions without D.
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    if (auto gate = dyn_cast<GateOp>(argument.getOwner()->getParentOp())) {
      int64_t kept = 0;
      while (true) {
        if (!llvm::is_contained(gate.getDimensions(), kept) && dim-- == 0)
          return sizeOf(gate.getX(), kept);
        ++kept;
      }
    }
  if (isa<MemRefType>(tensor.getType()))
    return sizeOfBuffer(tensor, dim);
  recognize::SizeProduct size = recognize::dimensionSize(tensor, dim);
  Count count(size.constant);
  if (!size.under.empty())
    return Count::symbol(dimName(tensor, dim));
  for (Value factor : size.over) {
    auto op = factor.getDefiningOp<tensor::DimOp>();
    std::optional<int64_t> position = op ? op.getConstantIndex() : std::nullopt;
    if (position && op.getSource() != tensor) {
      count *= sizeOf(op.getSource(), *position);
    } else if (isa<ShapedType>(factor.getType()) || op) {
      count *= Count::symbol(dimName(tensor, dim));
    } else {
      std::string text = formula(factor);
      count *= Count::symbol(text.empty() ? dimName(tensor, dim) : text);
    }
  }
  return count;
}

Count elementsOf(Value tensor) {
  Count count(1);
  for (int64_t dim = 0, rank = cast<ShapedType>(tensor.getType()).getRank();
       dim < rank; ++dim)
    count *= sizeOf(tensor, dim);
  return count;
}

static Count bytesOf(Value value) {
  auto type = dyn_cast<ShapedType>(value.getType());
  if (!type || !type.hasRank())
    return 0;
  Type element = type.getElementType();
  double width = element.isIntOrFloat()
                     ? llvm::divideCeil(element.getIntOrFloatBitWidth(), 8)
                     : 8;
  return elementsOf(value) * Count(width);
}

static Count bytesOf(ValueRange values) {
  Count sum;
  for (Value value : values)
    sum += bytesOf(value);
  return sum;
}

/// What the op writes: its results or, on buffers, its destinations.
static SmallVector<Value> writtenBy(Operation *op) {
  auto destination = dyn_cast<DestinationStyleOpInterface>(op);
  if (op->getNumResults() != 0 || !destination)
    return llvm::to_vector_of<Value>(op->getResults());
  return llvm::to_vector(destination.getDpsInits());
}

/// Float operations of one call of a scalar body; casts and choices are free.
static double scalarOps(Region &region) {
  double count = 0;
  region.walk([&](Operation *op) {
    bool computes = isa_and_nonnull<arith::ArithDialect, math::MathDialect>(
                        op->getDialect()) &&
                    op->getNumResults() == 1 &&
                    isa<FloatType>(op->getResult(0).getType());
    if (computes && !op->hasTrait<OpTrait::ConstantLike>() &&
        !isa<CastOpInterface, arith::SelectOp>(op))
      ++count;
  });
  return count;
}

static Cost costOfLinalg(linalg::LinalgOp op) {
  Count loops(1);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop) {
    if (!ShapedType::isDynamic(ranges[loop])) {
      loops *= ranges[loop];
      continue;
    }
    AffineExpr expr = getAffineDimExpr(loop, op.getContext());
    // Destinations first: they say their sizes.
    for (OpOperand &operand : llvm::reverse(op->getOpOperands()))
      if (auto dim =
              op.getMatchingIndexingMap(&operand).getResultPosition(expr)) {
        loops *= sizeOf(operand.get(), *dim);
        break;
      }
  }
  Cost cost;
  cost.flops = loops * Count(scalarOps(op->getRegion(0)));
  for (OpOperand &operand : op->getOpOperands())
    if (!op.isDpsInit(&operand) || op.payloadUsesValueFromOperand(&operand))
      cost.bytes += bytesOf(operand.get());
  cost.bytes += bytesOf(writtenBy(op));
  return cost;
}

static Cost costOfGate(GateOp gate) {
  Cost cost;
  Count elements = elementsOf(gate.getX());
  double scaling =
      gate.getEpilogue().empty() ? 1 : scalarOps(gate.getEpilogue());
  cost.flops = elements * Count(gate.getPools().size() + scaling);
  for (Operation &op : gate.getExcite().front())
    cost.flops += costOf(&op).flops;
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(gate->getRegions(), captured);
  captured.insert(gate.getX());
  captured.insert(gate.getExtras().begin(), gate.getExtras().end());
  cost.bytes = bytesOf(captured.getArrayRef()) + bytesOf(writtenBy(gate));
  return cost;
}

Count sizeOf(SdpaOp op, SdpaOp::Dim dim) {
  if (int64_t size = op.getStaticSize(dim); !ShapedType::isDynamic(size))
    return size;
  AffineExpr expr = getAffineDimExpr(dim, op.getContext());
  for (OpOperand &operand : op->getOpOperands())
    if (AffineMap map = op.getMapOf(operand))
      if (auto position = map.getResultPosition(expr))
        return sizeOf(operand.get(), *position);
  return 1;
}

/// Queries and keys that causal and window leave, of one head.
static Count attendedPairs(SdpaOp op) {
  int64_t queries = op.getStaticSize(SdpaOp::I);
  int64_t keys = op.getStaticSize(SdpaOp::J);
  bool causal = op.getCausal() != attn::Causal::none;
  if ((!causal && !op.getWindow()) || ShapedType::isDynamic(queries) ||
      ShapedType::isDynamic(keys))
    return sizeOf(op, SdpaOp::I) * sizeOf(op, SdpaOp::J);
  int64_t offset =
      op.getCausal() == attn::Causal::bottom_right ? keys - queries : 0;
  int64_t left = op.getWindow() ? (*op.getWindow())[0] : -1;
  int64_t right = op.getWindow() ? (*op.getWindow())[1] : -1;
  int64_t pairs = 0;
  for (int64_t i = 0; i < queries; ++i) {
    int64_t first = left < 0 ? 0 : std::max<int64_t>(0, i + offset - left);
    int64_t last =
        right < 0 ? keys - 1 : std::min(keys - 1, i + offset + right);
    if (causal)
      last = std::min(last, i + offset);
    pairs += std::max<int64_t>(0, last - first + 1);
  }
  return pairs;
}

static Cost costOfSdpa(SdpaOp op) {
  // Maximum, difference, exp, sum, quotient.
  double perPair = 5;
  perPair += op.getScale().convertToDouble() != 1;
  perPair += op.getSoftcap() ? 3 : 0; // quotient, tanh, product
  perPair += op.getBias() ? 1 : 0;
  if (!op.getScore().empty())
    perPair += scalarOps(op.getScore());
  Cost cost;
  cost.flops = sizeOf(op, SdpaOp::B) * sizeOf(op, SdpaOp::H) *
               attendedPairs(op) *
               (Count(2) * (sizeOf(op, SdpaOp::D) + sizeOf(op, SdpaOp::E)) +
                Count(perPair));
  llvm::SetVector<Value> read;
  getUsedValuesDefinedAbove(op->getRegions(), read);
  for (OpOperand &operand : op->getOpOperands())
    if (!llvm::is_contained(op.getDpsInits(), operand.get()))
      read.insert(operand.get());
  cost.bytes = bytesOf(read.getArrayRef()) + bytesOf(writtenBy(op));
  return cost;
}

/// Of each element: sum, sum of squared distances, then (x − m) · r, and the
/// same without m. What stands once a slice is left out.
static Count flopsOfNorm(attn::NormOp op) {
  double perElement = op.getKind() == attn::NormKind::layer ? 6 : 3;
  perElement += op.getWeight() ? 1 : 0;
  perElement += op.getBias() ? 1 : 0;
  return elementsOf(op.getX()) * Count(perElement);
}

/// Two for each product; of an lstm about 10 elementwise steps a unit, of a gru
/// 9, of an rnn 2.
static Count flopsOfRecurrent(attn::RecurrentOp op) {
  Count steps = sizeOf(op.getX(), 0) * sizeOf(op.getX(), 1);
  double width = op.getDirections() * op.getGates() * op.getHidden();
  Count perStep(2 * width * op.getHidden());
  if (op.getInputWeights())
    perStep += sizeOf(op.getX(), 2) * Count(2 * width);
  if (op.getBias())
    perStep += Count(width);
  double cell = op.getKind() == attn::RecurrentKind::lstm  ? 10
                : op.getKind() == attn::RecurrentKind::gru ? 9
                                                           : 2;
  perStep += Count(cell * op.getDirections() * op.getHidden());
  return steps * perStep;
}

/// An op that is defined by its decomposition computes what that computes.
static Cost costOfAggregate(Operation *op) {
  Cost cost;
  auto destination = dyn_cast<DestinationStyleOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands())
    if (!destination || !destination.isDpsInit(&operand))
      cost.bytes += bytesOf(operand.get());
  cost.bytes += bytesOf(writtenBy(op));
  if (auto primitive = dyn_cast<attn::PrimitiveOp>(op))
    cost.flops = flopsOf(primitive);
  if (auto recurrent = dyn_cast<attn::RecurrentOp>(op)) {
    cost.flops = flopsOfRecurrent(recurrent);
    return cost;
  }
  // Decompositions are of tensors.
  if (op->getNumResults() == 0) {
    if (auto norm = dyn_cast<attn::NormOp>(op))
      cost.flops = flopsOfNorm(norm);
    return cost;
  }
  auto aggregate = dyn_cast<linalg::AggregatedOpInterface>(op);
  if (!aggregate)
    return cost;
  Operation *before = op->getPrevNode();
  OpBuilder builder(op);
  bool decomposed = succeeded(aggregate.decomposeOperation(builder));
  SmallVector<Operation *> made;
  for (Operation *last = op->getPrevNode(); last && last != before;
       last = last->getPrevNode())
    made.push_back(last);
  for (Operation *part : made) { // users before what they use
    if (decomposed)
      cost.flops += costOf(part).flops;
    part->dropAllUses();
    part->erase();
  }
  return cost;
}

Cost costOf(Operation *op) {
  if (auto gate = dyn_cast<GateOp>(op))
    return costOfGate(gate);
  if (auto sdpa = dyn_cast<SdpaOp>(op))
    return costOfSdpa(sdpa);
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
    Value input = softmax.getInput();
    return Cost{elementsOf(input) * Count(5),
                bytesOf(input) + bytesOf(writtenBy(op))};
  }
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    // A fill of a tensor is a part of what writes into it.
    bool fills = isa<linalg::FillOp>(op);
    return linalgOp.hasPureBufferSemantics() ||
                   (linalgOp.hasPureTensorSemantics() && !fills)
               ? costOfLinalg(linalgOp)
               : Cost();
  }
  if (isa_and_nonnull<attn::AttnDialect>(op->getDialect()) &&
      isa<DestinationStyleOpInterface>(op))
    return costOfAggregate(op);
  if (isa<tensor::PadOp, tensor::ConcatOp, memref::CopyOp>(op))
    return Cost{0, bytesOf(op->getOperands()) + bytesOf(op->getResults())};
  return Cost();
}

} // namespace heed
