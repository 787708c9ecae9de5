// ConstantGrid.cpp - evaluates an element made of constants and indices for
// every (row, column).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Masks are evaluated, not pattern-matched: an iota, a comparison, a triangle
// of ones and a constant all become one table of numbers. The element is
// compiled to a list of nodes once, then run for each pair.
#include "passes/recognize/SdpaMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <functional>

using namespace mlir;

namespace heed::recognize {
namespace {

/// Tables beyond this are not evaluated at compile time.
constexpr int64_t kMaxPairs = int64_t(1) << 24;
constexpr size_t kMaxNodes = 64;

struct Address {
  /// Slot in the current indices, and stride.
  SmallVector<std::pair<unsigned, int64_t>> terms;
  int64_t at(ArrayRef<int64_t> indices) const {
    int64_t offset = 0;
    for (auto [slot, stride] : terms)
      offset += indices[slot] * stride;
    return offset;
  }
};

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

bool compare(arith::CmpIPredicate predicate, double a, double b) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return a < b;
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return a <= b;
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return a > b;
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return a >= b;
  }
  return false;
}

bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::AlwaysTrue:
    return true;
  case P::ORD:
    return !unordered;
  case P::UNO:
    return unordered;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return a != b;
  }
  return false;
}

using Numbers = ArrayRef<double>;
using Scalar = std::function<std::optional<double>(Numbers)>;

int64_t integer(double value) { return static_cast<int64_t>(value); }

/// A division whose divisor is checked.
template <typename F> Scalar dividing(F f) {
  return [f](Numbers x) -> std::optional<double> {
    if (x[1] == 0)
      return std::nullopt;
    return f(x);
  };
}

/// The scalar op as a function of numbers; null where it is not one of those
/// whose result is the same in any order of computation.
Scalar functionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Scalar>(op)
      .Case<arith::AddFOp, arith::AddIOp>(
          [](auto) { return [](Numbers x) { return x[0] + x[1]; }; })
      .Case<arith::SubFOp, arith::SubIOp>(
          [](auto) { return [](Numbers x) { return x[0] - x[1]; }; })
      .Case<arith::MulFOp, arith::MulIOp>(
          [](auto) { return [](Numbers x) { return x[0] * x[1]; }; })
      .Case<arith::DivFOp>(
          [](auto) { return [](Numbers x) { return x[0] / x[1]; }; })
      .Case<arith::DivSIOp, arith::DivUIOp>([](auto) {
        return dividing(
            [](Numbers x) { return double(integer(x[0]) / integer(x[1])); });
      })
      .Case<arith::FloorDivSIOp>([](auto) {
        return dividing([](Numbers x) { return std::floor(x[0] / x[1]); });
      })
      .Case<arith::RemSIOp, arith::RemUIOp>([](auto) {
        return dividing(
            [](Numbers x) { return double(integer(x[0]) % integer(x[1])); });
      })
      .Case<arith::NegFOp>([](auto) { return [](Numbers x) { return -x[0]; }; })
      .Case<math::AbsFOp, math::AbsIOp>(
          [](auto) { return [](Numbers x) { return std::fabs(x[0]); }; })
      .Case<math::FloorOp>(
          [](auto) { return [](Numbers x) { return std::floor(x[0]); }; })
      .Case<math::CeilOp>(
          [](auto) { return [](Numbers x) { return std::ceil(x[0]); }; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>(
          [](auto) { return [](Numbers x) { return std::max(x[0], x[1]); }; })
      .Case<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>(
          [](auto) { return [](Numbers x) { return std::min(x[0], x[1]); }; })
      .Case<arith::AndIOp>([](auto) {
        return [](Numbers x) { return double(integer(x[0]) & integer(x[1])); };
      })
      .Case<arith::OrIOp>([](auto) {
        return [](Numbers x) { return double(integer(x[0]) | integer(x[1])); };
      })
      .Case<arith::XOrIOp>([](arith::XOrIOp op) {
        int64_t bits = op.getType().isInteger(1) ? 1 : -1;
        return [bits](Numbers x) {
          return double((integer(x[0]) ^ integer(x[1])) & bits);
        };
      })
      .Case<arith::SelectOp>([](auto) {
        return [](Numbers x) { return x[0] != 0 ? x[1] : x[2]; };
      })
      .Case<arith::CmpIOp, arith::CmpFOp>([](auto op) {
        auto predicate = op.getPredicate();
        return [predicate](Numbers x) {
          return double(compare(predicate, x[0], x[1]));
        };
      })
      .Case<arith::SIToFPOp, arith::UIToFPOp, arith::ExtFOp, arith::ExtSIOp,
            arith::ExtUIOp, arith::IndexCastOp, arith::TruncFOp>(
          [](auto) { return [](Numbers x) { return x[0]; }; })
      .Case<arith::TruncIOp>([](arith::TruncIOp op) {
        bool toBool = op.getType().isInteger(1);
        return [toBool](Numbers x) {
          return toBool ? double(integer(x[0]) & 1) : x[0];
        };
      })
      .Case<arith::FPToSIOp, arith::FPToUIOp>([](auto) {
        return [](Numbers x) -> std::optional<double> {
          if (!std::isfinite(x[0]))
            return std::nullopt;
          return std::trunc(x[0]);
        };
      })
      .Default([](Operation *) { return nullptr; });
}

/// The same, rounded as the op's type rounds; wider and narrower floats than
/// f32 and f64 are not evaluated.
Scalar roundedFunctionOf(Operation *op) {
  Scalar function = functionOf(op);
  Type type = op->getResult(0).getType();
  if (!function || !isa<FloatType>(type) || type.isF64())
    return function;
  if (!type.isF32())
    return nullptr;
  return [function](Numbers x) -> std::optional<double> {
    std::optional<double> value = function(x);
    return value ? std::optional<double>(float(*value)) : value;
  };
}

struct Node {
  enum Kind { Number, Table, Index, Computed };
  explicit Node(Kind kind) : kind(kind) {}
  Kind kind;
  double number = 0;
  std::vector<double> table;
  Address address;
  Scalar function;
  SmallVector<unsigned, 3> operands;
};

struct Program {
  FactorTable &table;
  Factors inputs;
  std::vector<Node> nodes;

  std::optional<Address> address(const Access &dims,
                                 ArrayRef<int64_t> strides) {
    Address result;
    for (auto [list, stride] : llvm::zip(dims, strides)) {
      int64_t inner = stride;
      for (Factor factor : llvm::reverse(table.leaves(list))) {
        auto slot = llvm::find(inputs, factor);
        if (slot == inputs.end()) {
          // Batch or heads: the table must be the same for all of them.
          if (!table.getSize(factor).isStatic())
            return std::nullopt;
          inputs.push_back(factor);
          slot = std::prev(inputs.end());
        }
        result.terms.push_back({unsigned(slot - inputs.begin()), inner});
        inner *= table.getSize(factor).number;
      }
    }
    return result;
  }

  std::optional<unsigned> push(Node node) {
    if (nodes.size() >= kMaxNodes)
      return std::nullopt;
    nodes.push_back(std::move(node));
    return nodes.size() - 1;
  }

  std::optional<unsigned> compile(const Element &unresolved) {
    Element element = resolve(unresolved, table);
    if (std::optional<double> number = constantOf(element, table)) {
      Node node(Node::Number);
      node.number = *number;
      return push(node);
    }
    if (!element.frame) {
      Attribute attribute;
      if (!element.isTensor() ||
          !matchPattern(element.value, m_Constant(&attribute)))
        return std::nullopt;
      auto type = cast<RankedTensorType>(element.value.getType());
      if (type.getNumElements() > kMaxPairs)
        return std::nullopt;
      std::optional<Address> where =
          address(element.dims, computeStrides(type.getShape()));
      std::optional<std::vector<double>> values =
          where ? valuesOf(attribute) : std::nullopt;
      if (!values)
        return std::nullopt;
      Node node(Node::Table);
      node.table = std::move(*values);
      node.address = *where;
      return push(std::move(node));
    }
    Operation *op = scalarOp(element);
    if (!op)
      return std::nullopt;
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      std::optional<Address> where =
          address({element.dims[index.getDim()]}, {1});
      if (!where)
        return std::nullopt;
      Node node(Node::Index);
      node.address = *where;
      return push(node);
    }
    Node node(Node::Computed);
    node.function = roundedFunctionOf(op);
    if (!node.function)
      return std::nullopt;
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      std::optional<unsigned> operand = compile(element.operand(i));
      if (!operand)
        return std::nullopt;
      node.operands.push_back(*operand);
    }
    return push(node);
  }

  std::optional<double> run(ArrayRef<int64_t> indices,
                            MutableArrayRef<double> values) const {
    SmallVector<double, 3> operands;
    for (auto [i, node] : llvm::enumerate(nodes)) {
      switch (node.kind) {
      case Node::Number:
        values[i] = node.number;
        break;
      case Node::Table:
        values[i] = node.table[node.address.at(indices)];
        break;
      case Node::Index:
        values[i] = node.address.at(indices);
        break;
      case Node::Computed: {
        operands.clear();
        for (unsigned operand : node.operands)
          operands.push_back(values[operand]);
        std::optional<double> value = node.function(operands);
        if (!value)
          return std::nullopt;
        values[i] = *value;
      }
      }
    }
    return values.back();
  }
};
} // namespace

std::optional<std::vector<double>> evaluateGrid(const Element &element,
                                                const Factors &rows,
                                                const Factors &columns,
                                                FactorTable &table) {
  Factors inputs = table.leaves(rows);
  llvm::append_range(inputs, table.leaves(columns));
  size_t own = inputs.size();
  for (Factor factor : inputs)
    if (!table.getSize(factor).isStatic())
      return std::nullopt;
  Program program{table, inputs, {}};
  if (!program.compile(element))
    return std::nullopt;
  int64_t pairs = 1, copies = 1;
  for (auto [i, factor] : llvm::enumerate(program.inputs)) {
    int64_t size = table.getSize(factor).number;
    if (size > kMaxPairs / (pairs * copies))
      return std::nullopt;
    (i < own ? pairs : copies) *= size;
  }
  std::vector<double> result(pairs), values(program.nodes.size());
  SmallVector<int64_t> indices(program.inputs.size(), 0);
  for (int64_t run = 0; run < pairs * copies; ++run) {
    // Pairs innermost in `run`, so that the first copy is complete first.
    int64_t rest = run % pairs, copy = run / pairs;
    for (size_t k = own; k-- > 0;) {
      int64_t size = table.getSize(inputs[k]).number;
      indices[k] = rest % size;
      rest /= size;
    }
    for (size_t k = program.inputs.size(); k-- > own;) {
      int64_t size = table.getSize(program.inputs[k]).number;
      indices[k] = copy % size;
      copy /= size;
    }
    std::optional<double> value = program.run(indices, values);
    if (!value)
      return std::nullopt;
    double &kept = result[run % pairs];
    if (run >= pairs && kept != *value)
      return std::nullopt;
    kept = *value;
  }
  return result;
}

} // namespace heed::recognize
