// AccessMap.h - which element of a root tensor a value's element is, through
// any data movement.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_ACCESSMAP_H
#define HEED_PASSES_RECOGNIZE_ACCESSMAP_H

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace heed::recognize {

/// The size of a dimension: a number, an index value, or a dimension of a value
/// whose size nothing says. Equal sizes are the same run-time number.
struct Size {
  int64_t number = mlir::ShapedType::kDynamic;
  mlir::Value symbol;
  int64_t dim = -1;

  static Size of(int64_t number) { return Size{number, {}, -1}; }
  static Size of(mlir::OpFoldResult size);
  static Size of(mlir::Value tensor, int64_t dim);
  bool isStatic() const { return !mlir::ShapedType::isDynamic(number); }
  bool operator==(const Size &other) const {
    return number == other.number && symbol == other.symbol && dim == other.dim;
  }
  bool operator!=(const Size &other) const { return !(*this == other); }
  /// A constant, or an index value made or found for the symbol.
  mlir::OpFoldResult materialize(mlir::OpBuilder &b, mlir::Location loc) const;
};

/// A logical index of its own range. A dimension is addressed by an ordered
/// list of factors, outermost first; a size-1 dimension by none.
using Factor = unsigned;
using Factors = llvm::SmallVector<Factor, 2>;
/// One list for each dimension.
using Access = llvm::SmallVector<Factors, 4>;

/// The factors of one match. Where a reshape needs a finer division, a factor
/// is split once and for all, so that lists made earlier see it too.
class FactorTable {
public:
  /// A new factor; none for a size of 1.
  Factors create(Size size);
  Size getSize(Factor factor) const { return factors[factor].size; }
  Factors leaves(llvm::ArrayRef<Factor> list) const;
  Access leaves(const Access &access) const;
  /// The factors of the whole access, outermost first.
  Factors flatten(const Access &access) const;
  /// Divides a list over dimensions of the given sizes, whose product is that
  /// of the list; splits factors; fails where boundaries do not nest.
  std::optional<Access> regroup(llvm::ArrayRef<Factor> list,
                                llvm::ArrayRef<Size> sizes);

private:
  bool takeFrom(Factors &rest, Size size, std::optional<Size> others,
                Factors &taken, bool back);
  void split(Factor factor, Size outer, Size inner);

  struct Entry {
    Size size;
    int outer = -1, inner = -1;
  };
  llvm::SmallVector<Entry> factors;
};

/// An element of a tensor: `dims` address it.
struct TensorView {
  mlir::Value value;
  Access dims;
};

/// A new view of the tensor, a factor for each dimension.
TensorView makeView(mlir::Value tensor, FactorTable &table);

/// Follows the value up through one movement op (reshape, transpose,
/// broadcast, copy, cast of shape or float type): the same element of the op's
/// source. Slices, concatenations and pads end it.
std::optional<TensorView> stepUp(const TensorView &view, FactorTable &table);

/// stepUp to the end.
TensorView peel(TensorView view, FactorTable &table);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_ACCESSMAP_H
