// ConstantGrid.cpp - evaluates an element made of constants and indices for
// every (row, column).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Masks are evaluated, not pattern-matched: an iota, a comparison, a triangle
// of ones, a running sum, a gather and a constant all become one table of
// numbers. The element is compiled to a list of nodes once; each is then run
// for a whole row, and once only where it is the same for all rows or columns.
#include "passes/recognize/ScalarFunction.h"
#include "passes/recognize/SdpaMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {
namespace {

/// Tables beyond this are not evaluated at compile time.
constexpr int64_t kMaxPairs = int64_t(1) << 24;
constexpr size_t kMaxNodes = 64;

std::optional<std::vector<double>> valuesOf(Attribute attribute) {
  std::vector<double> values;
  auto elements = dyn_cast<ElementsAttr>(attribute);
  if (!elements)
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    if (isa<FloatType>(dense.getElementType())) {
      for (const APFloat &value : dense.getValues<APFloat>()) {
        APFloat wide = value;
        bool lost;
        wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                     &lost);
        values.push_back(wide.convertToDouble());
      }
      return values;
    }
    if (dense.getElementType().isIntOrIndex()) {
      bool isBool = dense.getElementType().isInteger(1);
      for (const APInt &value : dense.getValues<APInt>())
        values.push_back(isBool ? double(value.getBoolValue())
                                : double(value.getSExtValue()));
      return values;
    }
    return std::nullopt;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(attribute);
  if (!resource || !resource.getRawHandle().getBlob())
    return std::nullopt;
  ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
  Type type = resource.getElementType();
  auto read = [&](auto zero) {
    using T = decltype(zero);
    size_t count = resource.getType().getNumElements();
    if (data.size() < count * sizeof(T))
      return false;
    const T *first = reinterpret_cast<const T *>(data.data());
    values.assign(first, first + count);
    return true;
  };
  bool done = type.isF32()         ? read(float())
              : type.isF64()       ? read(double())
              : type.isInteger(64) ? read(int64_t())
              : type.isInteger(32) ? read(int32_t())
              : type.isInteger(8)  ? read(int8_t())
              : type.isInteger(1)  ? read(uint8_t())
                                   : false;
  return done ? std::optional(values) : std::nullopt;
}

using Offsets = SmallVector<std::pair<Factor, int64_t>>;

struct Node {
  enum Kind { Number, Table, Index, Lookup, Computed };
  explicit Node(Kind kind) : kind(kind) {}
  Kind kind;
  double number = 0;
  std::vector<double> table;
  /// Of Table and Index: Σ stride · factor's index.
  Offsets terms;
  ScalarFunction function;
  /// Of Computed and Lookup; a lookup has an index for each dim.
  SmallVector<unsigned, 3> operands;
  SmallVector<int64_t> shape;
};

struct Program {
  FactorTable &table;
  unsigned depth = 0;
  std::vector<Node> nodes = {};

  int64_t sizeOf(Factor factor) { return table.getSize(factor).number; }

  /// An index of factors times a stride, by their smallest parts; false where a
  /// size is not known.
  bool append(Offsets &terms, const Factors &factors, int64_t stride) {
    for (Factor leaf : llvm::reverse(table.leaves(factors))) {
      if (!table.getSize(leaf).isStatic())
        return false;
      terms.push_back({leaf, stride});
      stride *= sizeOf(leaf);
    }
    return true;
  }

  /// Factors that were split since are replaced by their parts.
  bool refresh(Offsets &terms) {
    Offsets old = std::exchange(terms, {});
    return llvm::all_of(old, [&](auto term) {
      return append(terms, Factors{term.first}, term.second);
    });
  }

  std::optional<Offsets> offsets(const Access &dims,
                                 ArrayRef<int64_t> strides) {
    Offsets result;
    for (auto [list, stride] : llvm::zip(dims, strides))
      if (!append(result, list, stride))
        return std::nullopt;
    return result;
  }

  std::optional<unsigned> push(Node node) {
    if (nodes.size() >= kMaxNodes)
      return std::nullopt;
    nodes.push_back(std::move(node));
    return nodes.size() - 1;
  }

  /// The numbers of a constant tensor.
  static std::optional<std::vector<double>> constants(Value tensor) {
    Attribute attribute;
    if (!matchPattern(tensor, m_Constant(&attribute)) ||
        cast<RankedTensorType>(tensor.getType()).getNumElements() > kMaxPairs)
      return std::nullopt;
    return valuesOf(attribute);
  }

  std::optional<unsigned> compileOperands(Node node, const Element &element) {
    Operation *op = element.value.getDefiningOp();
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      if (isa<ShapedType>(op->getOperand(i).getType()))
        continue;
      std::optional<unsigned> operand = compile(element.operand(i));
      if (!operand)
        return std::nullopt;
      node.operands.push_back(*operand);
    }
    return push(std::move(node));
  }

  std::optional<unsigned> compileTensor(const Element &element) {
    std::optional<std::vector<double>> values = constants(element.value);
    if (!values)
      values = reduce(element);
    if (!values)
      return std::nullopt;
    auto type = cast<RankedTensorType>(element.value.getType());
    std::optional<Offsets> terms =
        offsets(element.dims, computeStrides(type.getShape()));
    if (!terms)
      return std::nullopt;
    Node node(Node::Table);
    node.table = std::move(*values);
    node.terms = *terms;
    return push(std::move(node));
  }

  std::optional<unsigned> compile(const Element &unresolved) {
    Element element = resolve(unresolved, table);
    if (std::optional<double> number = constantOf(element, table)) {
      Node node(Node::Number);
      node.number = *number;
      return push(node);
    }
    if (!element.frame)
      return element.isTensor() ? compileTensor(element) : std::nullopt;
    Operation *op = scalarOp(element);
    if (!op)
      return std::nullopt;
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      std::optional<Offsets> terms =
          offsets({element.dims[index.getDim()]}, {1});
      if (!terms)
        return std::nullopt;
      Node node(Node::Index);
      node.terms = *terms;
      return push(node);
    }
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) { // a gather
      std::optional<std::vector<double>> values =
          constants(extract.getTensor());
      if (!values)
        return std::nullopt;
      Node node(Node::Lookup);
      node.table = std::move(*values);
      node.shape.assign(extract.getTensor().getType().getShape());
      return compileOperands(std::move(node), element);
    }
    Node node(Node::Computed);
    node.function = scalarFunctionOf(op);
    return node.function ? compileOperands(std::move(node), element)
                         : std::nullopt;
  }

  std::optional<std::vector<double>> reduce(const Element &tensor);
  std::optional<std::vector<double>> run(const Factors &rows,
                                         const Factors &columns,
                                         const Factors &copies,
                                         function_ref<bool(double)> accept);
};

/// A node's numbers for the columns of one row.
struct Line {
  std::vector<double> values;   // one where all columns are alike
  std::vector<int64_t> columns; // the offset of each
  bool varies = false;          // with the row
  double at(int64_t column) const {
    return values[values.size() == 1 ? 0 : column];
  }
};

/// Counts through the indices of the factors, the last one innermost.
struct Counter {
  SmallVector<int64_t> sizes, indices;
  Counter(const Factors &factors, Program &program)
      : indices(factors.size(), 0) {
    for (Factor factor : factors)
      sizes.push_back(program.sizeOf(factor));
  }
  void next() {
    for (size_t k = indices.size(); k-- > 0;) {
      if (++indices[k] < sizes[k])
        return;
      indices[k] = 0;
    }
  }
  int64_t offset(const Factors &factors, const Offsets &terms) const {
    int64_t offset = 0;
    for (auto [factor, stride] : terms)
      if (auto at = llvm::find(factors, factor); at != factors.end())
        offset += stride * indices[at - factors.begin()];
    return offset;
  }
};

/// The numbers of a node for one row; false where one of them is none.
bool fill(const Node &node, int64_t offset, ArrayRef<Line> lines, Line &line) {
  SmallVector<Operand, 3> x;
  for (unsigned operand : node.operands)
    x.push_back({lines[operand].values});
  if (node.kind == Node::Computed)
    return node.function(x, line.values);
  for (auto [c, value] : llvm::enumerate(line.values)) {
    if (node.kind == Node::Number) {
      value = node.number;
    } else if (node.kind == Node::Table) {
      value = node.table[offset + line.columns[c]];
    } else if (node.kind == Node::Index) {
      value = double(offset + line.columns[c]);
    } else {
      int64_t at = 0;
      for (auto [operand, size] : llvm::zip(x, node.shape)) {
        double index = operand[c];
        if (!(index >= 0 && index < double(size)))
          return false;
        at = at * size + int64_t(index);
      }
      value = node.table[at];
    }
  }
  return true;
}

/// The last node for each row and column; none where `copies` change it.
std::optional<std::vector<double>>
Program::run(const Factors &rows, const Factors &columns, const Factors &copies,
             function_ref<bool(double)> accept) {
  int64_t width = 1, height = 1, count = 1;
  for (auto [list, product] :
       {std::make_pair(&columns, &width), {&rows, &height}, {&copies, &count}})
    for (Factor factor : *list) {
      int64_t size = sizeOf(factor);
      if (size == 0 || size > kMaxPairs / (width * height * count))
        return std::nullopt;
      *product *= size;
    }
  Factors outer = copies;
  llvm::append_range(outer, rows);
  std::vector<Line> lines(nodes.size());
  for (auto [node, line] : llvm::zip(nodes, lines)) {
    bool isWide = llvm::any_of(node.terms, [&](auto term) {
      return llvm::is_contained(columns, term.first);
    });
    line.varies = llvm::any_of(node.terms, [&](auto term) {
      return llvm::is_contained(outer, term.first);
    });
    for (unsigned operand : node.operands) {
      isWide |= lines[operand].values.size() > 1;
      line.varies |= lines[operand].varies;
    }
    line.values.resize(isWide ? width : 1);
    Counter counter(columns, *this);
    for (size_t c = 0; c < line.values.size(); ++c, counter.next())
      line.columns.push_back(counter.offset(columns, node.terms));
  }
  std::vector<double> result(width * height);
  Counter counter(outer, *this);
  for (int64_t row = 0; row < height * count; ++row, counter.next()) {
    for (auto [node, line] : llvm::zip(nodes, lines))
      if ((row == 0 || line.varies) &&
          !fill(node, counter.offset(outer, node.terms), lines, line))
        return std::nullopt;
    double *kept = &result[row % height * width];
    for (int64_t c = 0; c < width; ++c) {
      double value = lines.back().at(c);
      if ((row >= height && kept[c] != value) || (accept && !accept(value)))
        return std::nullopt;
      kept[c] = value;
    }
  }
  return result;
}

/// A sum, or the like, of elements made of constants: CumSum is the sum of those
/// whose index is not beyond the result's.
std::optional<std::vector<double>> Program::reduce(const Element &tensor) {
  auto type = cast<RankedTensorType>(tensor.value.getType());
  if (depth > 2 || !type.hasStaticShape() || type.getNumElements() == 0)
    return std::nullopt;
  // The whole tensor, whatever part of it is read.
  Element whole(makeView(tensor.value, table));
  std::optional<ElementReduction> reduction = matchReduction(whole, table);
  if (!reduction)
    return std::nullopt;
  std::optional<double> init = constantOf(reduction->init, table);
  ScalarFunction combine = scalarFunctionOf(reduction->combiner);
  Program inner{table, depth + 1};
  if (!init || !combine || !inner.compile(reduction->input))
    return std::nullopt;
  for (Node &node : inner.nodes)
    if (!inner.refresh(node.terms))
      return std::nullopt;
  // Whole numbers: the same in any order.
  bool isFloat = isa<FloatType>(type.getElementType());
  auto isWhole = [&](double value) {
    return !isFloat ||
           (value == std::trunc(value) && std::fabs(value) <= 1 << 24);
  };
  std::optional<std::vector<double>> values = inner.run(
      table.flatten(whole.dims), table.leaves(reduction->reduced), {}, isWhole);
  if (!values)
    return std::nullopt;
  std::vector<double> result;
  int64_t count = values->size() / type.getNumElements();
  for (auto next = values->begin(); next != values->end();) {
    double total = *init;
    for (int64_t k = 0; k < count; ++k) {
      double old = total, value = *next++;
      if (!combine({Operand{old}, Operand{value}}, total) || !isWhole(total))
        return std::nullopt;
    }
    result.push_back(total);
  }
  return result;
}
} // namespace

std::optional<std::vector<double>>
evaluateGrid(const Element &element, const Factors &rows,
             const Factors &columns, FactorTable &table,
             function_ref<bool(double)> accept) {
  Program program{table};
  if (!program.compile(element))
    return std::nullopt;
  // Compiling may have split factors.
  Factors outer = table.leaves(rows), inner = table.leaves(columns), copies;
  for (const Factors &list : {outer, inner})
    for (Factor factor : list)
      if (!table.getSize(factor).isStatic())
        return std::nullopt;
  for (Node &node : program.nodes) {
    if (!program.refresh(node.terms))
      return std::nullopt;
    // Batch or heads: the table must be the same for all of them.
    for (auto [factor, stride] : node.terms)
      if (!llvm::is_contained(outer, factor) &&
          !llvm::is_contained(inner, factor) &&
          !llvm::is_contained(copies, factor))
        copies.push_back(factor);
  }
  return program.run(outer, inner, copies, accept);
}

} // namespace heed::recognize
