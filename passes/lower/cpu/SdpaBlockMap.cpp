// SdpaBlockMap.cpp - the keys a block of queries may attend, by constant masks.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Block-diagonal (packed sequences), prefix, chunked or strided: masks that are
// no band stay operands, but a tile of them that is closed for all of its pairs
// adds exp(−inf) = 0 and need not be computed. Closed is false, or −inf in a
// bias; finite biases, however low, still weigh rows that have nothing else.
#include "passes/lower/cpu/SdpaBlockMap.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {

namespace {
/// Keys of a tile: whole panels on every target.
constexpr int64_t kGranule = 64;
/// Pairs beyond this are not visited at compile time.
constexpr int64_t kMaxPairs = int64_t(1) << 27;

/// The constant that `value` is, through views that keep the order.
ElementsAttr constantOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp,
            memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(
            op)) {
      value = op->getOperand(0);
      continue;
    }
    if (auto get = dyn_cast<memref::GetGlobalOp>(op)) {
      auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
          op, get.getNameAttr());
      if (!global || !global.getConstant() || !global.getInitialValue())
        return {};
      return dyn_cast<ElementsAttr>(*global.getInitialValue());
    }
    Attribute attribute;
    if (!matchPattern(op, m_Constant(&attribute)))
      return {};
    return dyn_cast<ElementsAttr>(attribute);
  }
  return {};
}

/// Which elements are attended, one byte each; empty where they cannot be read.
std::vector<char> readOpen(ElementsAttr elements) {
  Type type = elements.getElementType();
  size_t count = elements.getNumElements();
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (dense && type.isInteger(1)) {
    auto values = dense.getValues<bool>();
    return std::vector<char>(values.begin(), values.end());
  }
  ArrayRef<char> data;
  if (dense) {
    data = dense.getRawData();
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    if (!resource.getRawHandle().getBlob())
      return {};
    data = resource.getRawHandle().getBlob()->getData();
  }
  size_t bytes = type.isInteger(1) ? 1 : type.getIntOrFloatBitWidth() / 8;
  bool isSplat = dense && dense.isSplat();
  if (bytes == 0 || data.size() < (isSplat ? 1 : count) * bytes)
    return {};
  uint64_t closed = 0; // false
  if (auto real = dyn_cast<FloatType>(type)) {
    if (bytes > sizeof(closed) ||
        !APFloat::semanticsHasInf(real.getFloatSemantics()))
      return {};
    closed = APFloat::getInf(real.getFloatSemantics(), /*Negative=*/true)
                 .bitcastToAPInt()
                 .getZExtValue();
  }
  std::vector<char> open(count);
  for (size_t k = 0; k < count; ++k)
    open[k] = std::memcmp(&data[isSplat ? 0 : k * bytes], &closed, bytes) != 0;
  return open;
}

/// A constant operand, and where its element of a pair lies.
struct Table {
  std::vector<char> open;
  SmallVector<int64_t> strides;
  AffineMap map;

  int64_t strideOf(unsigned dim) const {
    int64_t stride = 0;
    for (auto [expr, size] : llvm::zip_equal(map.getResults(), strides))
      if (auto result = dyn_cast<AffineDimExpr>(expr))
        stride += result.getPosition() == dim ? size : 0;
    return stride;
  }
  /// Of the pair (0, 0) of a slice.
  int64_t offsetOf(int64_t b, int64_t h) const {
    SmallVector<int64_t> point(SdpaOp::NumDims, 0);
    point[SdpaOp::B] = b;
    point[SdpaOp::H] = h;
    SmallVector<int64_t> indices = map.compose(point);
    int64_t offset = 0;
    for (auto [index, stride] : llvm::zip_equal(indices, strides))
      offset += index * stride;
    return offset;
  }
};

std::optional<Table> readTable(Value operand, AffineMap map) {
  auto type = operand ? dyn_cast<ShapedType>(operand.getType()) : nullptr;
  if (!type || !type.hasStaticShape() || type.getNumElements() == 0)
    return std::nullopt;
  ElementsAttr elements = constantOf(operand);
  if (!elements || elements.getNumElements() != type.getNumElements())
    return std::nullopt;
  Table table{readOpen(elements), computeStrides(type.getShape()), map};
  if (table.open.empty() || llvm::all_of(table.open, [](char x) { return x; }))
    return std::nullopt;
  return table;
}

/// One block of queries of one slice: what is open of each granule of keys.
struct BlockRow {
  SmallVector<char> any, all;

  BlockRow(ArrayRef<Table> tables, int64_t b, int64_t h, int64_t first,
           int64_t rows, int64_t keys)
      : any(llvm::divideCeil(keys, kGranule), false), all(any.size(), true) {
    for (int64_t i = first; i < first + rows; ++i) {
      SmallVector<std::pair<const char *, int64_t>> lines;
      for (const Table &table : tables)
        lines.push_back({table.open.data() + table.offsetOf(b, h) +
                             i * table.strideOf(SdpaOp::I),
                         table.strideOf(SdpaOp::J)});
      for (int64_t j = 0; j < keys; ++j) {
        char open = true;
        for (auto [line, stride] : lines)
          open &= line[j * stride];
        any[j / kGranule] |= open;
        all[j / kGranule] &= open;
      }
    }
  }

  void appendRuns(SmallVectorImpl<KeyRun> &runs, int64_t keys,
                  int64_t keyBlock) const {
    int64_t most = std::max<int64_t>(1, keyBlock / kGranule), length = 0;
    for (int64_t k = 0, n = any.size(); k < n; ++k) {
      if (!any[k]) {
        length = 0;
        continue;
      }
      int64_t first = k * kGranule;
      if (length++ % most == 0)
        runs.push_back({int32_t(first), 0, true});
      KeyRun &run = runs.back();
      run.count = std::min(keys, first + kGranule) - run.first;
      run.isOpen &= all[k];
    }
  }
};
} // namespace

bool SdpaBlockMap::isSingleRun() const {
  for (auto [begin, end] : llvm::zip(starts, ArrayRef(starts).drop_front()))
    if (end - begin > 1)
      return false;
  return true;
}

std::string SdpaBlockMap::describe() const {
  return "block map " + std::to_string(openTiles * 100 / tiles) + "% open";
}

std::optional<SdpaBlockMap> analyzeBlocks(SdpaOp op, int64_t queryBlock,
                                          int64_t keyBlock) {
  int64_t queries = op.getStaticSize(SdpaOp::I);
  int64_t keys = op.getStaticSize(SdpaOp::J);
  if (ShapedType::isDynamic(queries) || ShapedType::isDynamic(keys) ||
      queries == 0 || keys <= kGranule || keys > INT32_MAX)
    return std::nullopt;
  SmallVector<Table> tables;
  if (std::optional<Table> mask = readTable(op.getMask(), op.getMaskMap()))
    tables.push_back(std::move(*mask));
  // A region may make anything of −inf.
  if (op.getScore().empty())
    if (std::optional<Table> bias = readTable(op.getBias(), op.getBiasMap()))
      tables.push_back(std::move(*bias));
  if (tables.empty())
    return std::nullopt;

  SdpaBlockMap map;
  for (const Table &table : tables) {
    if (table.map.isFunctionOfDim(SdpaOp::B))
      map.sizeB = op.getStaticSize(SdpaOp::B);
    if (table.map.isFunctionOfDim(SdpaOp::H))
      map.sizeH = op.getStaticSize(SdpaOp::H);
  }
  if (ShapedType::isDynamic(map.sizeB) || ShapedType::isDynamic(map.sizeH))
    return std::nullopt;
  int64_t slices = map.sizeB * map.sizeH;
  if (slices == 0 || slices > kMaxPairs / queries / keys)
    return std::nullopt;
  map.blocks = llvm::divideCeil(queries, queryBlock);
  map.starts.push_back(0);
  for (int64_t b = 0; b < map.sizeB; ++b)
    for (int64_t h = 0; h < map.sizeH; ++h)
      for (int64_t first = 0; first < queries; first += queryBlock) {
        BlockRow row(tables, b, h, first, std::min(queryBlock, queries - first),
                     keys);
        row.appendRuns(map.runs, keys, keyBlock);
        map.starts.push_back(map.runs.size());
        map.tiles += row.any.size();
        map.openTiles += llvm::count(row.any, true);
      }
  if (map.openTiles == map.tiles)
    return std::nullopt;
  return map;
}

} // namespace heed::lower
