// Movement.h - looks through data movement: a value as a re-indexed view of the
// value behind it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_MOVEMENT_H
#define HEED_PASSES_RECOGNIZE_MOVEMENT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace heed::recognize {

/// One digit of an index of the root: (index of `dim` / stride) mod size.
/// `dim` = -1: a digit that the root does not depend on (broadcast).
struct Atom {
  int64_t dim;
  int64_t stride;
  int64_t size;
  bool operator==(const Atom &o) const {
    return dim == o.dim && stride == o.stride && size == o.size;
  }
};
/// A dimension of a view: its digits, outermost first. Size 1: no digits.
using Axis = llvm::SmallVector<Atom, 2>;
using Layout = llvm::SmallVector<Axis, 6>;

/// value[i0, i1, …] = root[indices whose digits are those of the axes].
struct View {
  mlir::Value root;
  Layout axes;
};

/// The layout of a tensor in terms of itself.
Layout identityLayout(mlir::Type type);

/// The source that `value` is a plain movement of (reshape, transposition,
/// broadcast, identity generic, cast), or null.
mlir::Value movementSource(mlir::Value value);

/// The layout of the result of the movement `op`, given its source's.
std::optional<Layout> moveLayout(mlir::Operation *op, const Layout &source);

/// `value` as a view of the deepest value behind movement. Without
/// `broadcasts` every element of the root occurs exactly once in the view.
View peelMovement(mlir::Value value, bool broadcasts = false);

/// The layout `outer`, over a tensor whose own layout is `inner`.
std::optional<Layout> composeLayouts(const Layout &outer, const Layout &inner);

/// All digits of a layout in order.
llvm::SmallVector<Atom> digits(const Layout &layout);
bool hasBroadcast(const Layout &layout);
/// Whether two digits are of one dimension of the root and share a part.
bool overlap(Atom a, Atom b);

/// Whether a tensor of layout `from` can be reshaped and transposed into `to`.
bool canRelayout(const Layout &from, const Layout &to);
/// Does so; the result has type `type`. Only after `canRelayout`.
mlir::Value emitRelayout(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value value, const Layout &from,
                         const Layout &to, mlir::RankedTensorType type);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_MOVEMENT_H
