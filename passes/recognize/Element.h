// Element.h - one element of a tensor, symbolically: as a tensor's element or
// as a scalar in a linalg body.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_ELEMENT_H
#define HEED_PASSES_RECOGNIZE_ELEMENT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/recognize/AccessMap.h"

namespace heed::recognize {

/// One element. With no frame, `value` is a tensor and `dims` address the
/// element (a scalar has no dims). With a frame, `value` is a scalar inside
/// that linalg op's body and `dims` address its loops.
struct Element {
  mlir::Value value;
  Access dims;
  mlir::linalg::LinalgOp frame;

  Element(const TensorView &view) : value(view.value), dims(view.dims) {}
  Element(mlir::Value value, Access dims, mlir::linalg::LinalgOp frame)
      : value(value), dims(std::move(dims)), frame(frame) {}
  bool isTensor() const {
    return mlir::isa<mlir::RankedTensorType>(value.getType());
  }
  /// Operand of the scalar op that computes this element.
  Element operand(unsigned i) const {
    return {value.getDefiningOp()->getOperand(i), dims, frame};
  }
};

/// A tensor's element as an element of the linalg op that computes it, if that
/// is elementwise.
std::optional<Element> enterElementwise(const Element &element);

/// A body's argument as an element of the op's operand.
std::optional<Element> leaveFrame(const Element &element);

/// Follows an element up through movement, elementwise ops and float casts to
/// what computes it: a scalar op, or the element of a tensor that is neither.
Element resolve(Element element, FactorTable &table);

/// As resolve, but stops at every scalar op with the tensor it belongs to: the
/// last tensor seen. For an element that no tensor holds, none.
std::optional<TensorView> asTensor(const Element &element, FactorTable &table);

/// The scalar op in the frame's body that computes the element, or null.
mlir::Operation *scalarOp(const Element &element);

/// The scalar op of kind OpTy that computes the (resolved) element.
template <typename OpTy> OpTy definedBy(const Element &element) {
  return mlir::dyn_cast_or_null<OpTy>(scalarOp(element));
}

/// Its value where it is a known number, whatever the indices.
std::optional<double> constantOf(const Element &element, FactorTable &table);

/// One reduction: result = combine over `reduced` of input, from init.
struct ElementReduction {
  mlir::Operation *combiner;
  Element input, init;
  Factors reduced;
};
std::optional<ElementReduction> matchReduction(const Element &tensor,
                                               FactorTable &table);

/// Σ over `contracted` of lhs · rhs + init.
struct Product {
  mlir::linalg::LinalgOp op;
  Element lhs, rhs, init;
  Factors contracted;
};
std::optional<Product> matchProduct(const Element &tensor, FactorTable &table);

/// Both elements hold the same number, when each factor of `renamed` stands for
/// the factor at the same place: the same computation on the same tensors.
using Renaming = llvm::SmallDenseMap<Factor, Factor, 8>;
bool sameComputation(const Element &a, const Element &b, Renaming &renamed,
                     FactorTable &table, unsigned depth = 0);

/// The element changes with one of the factors, as far as its indices say.
bool dependsOn(const Element &element, llvm::ArrayRef<Factor> factors,
               FactorTable &table, unsigned depth = 0);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_ELEMENT_H
