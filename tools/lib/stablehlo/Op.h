// Op.h - one StableHLO op on its way to linalg: its operands as tensors of the
// importer, its checked attributes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_STABLEHLO_OP_H
#define HEED_TOOLS_LIB_STABLEHLO_OP_H

#include "tools/lib/import/Emitter.h"
#include "tools/lib/import/Error.h"

#include "mlir/IR/Operation.h"

namespace heed::stablehlo {

using import::DType;
using import::Emitter;
using import::fail;
using import::Shape;
using import::Sym;
using import::Tensor;
using Ints = llvm::SmallVector<int64_t>;

/// The element type, or a reason.
DType dtypeOf(mlir::Type element);
/// The sizes that a ranked tensor type declares, ShapedType::kDynamic among
/// them; or a reason.
Ints declaredSizes(mlir::Type type);
/// Equal ranks and sizes: an error if they never are, else a run-time check.
void requireShape(Emitter &e, llvm::ArrayRef<Sym> shape,
                  llvm::ArrayRef<Sym> expected, const llvm::Twine &what);
/// The product of the sizes is 0, whatever the run has.
bool isEmpty(llvm::ArrayRef<Sym> shape);
/// A slice of `size` fits a dimension of `whole`, if that is known.
void requireFits(Emitter &e, const Sym &size, const Sym &whole);

struct Op {
  Emitter &e;
  mlir::Operation *op;
  llvm::SmallVector<Tensor> in, out;

  llvm::StringRef name() const;
  /// Sizes, all of them static, and element type that the file gives the
  /// result.
  Ints resultSizes(unsigned i = 0) const;
  DType resultType(unsigned i = 0) const;
  /// The integers that operand i holds, a vector of `count`.
  llvm::SmallVector<Sym> elements(unsigned i, size_t count) const;

  void requireOperands(size_t count) const;
  /// Its region, or that of the function that a custom call names.
  mlir::Region &body() const;
  /// A list of integers in any of the spellings; `fallback` where it is absent.
  std::optional<Ints> ints(llvm::StringRef attr) const;
  Ints ints(llvm::StringRef attr, size_t count) const;
  Ints intsOr(llvm::StringRef attr, size_t count, int64_t fallback) const;
  /// Dims of a tensor of this rank, each once.
  Ints dims(llvm::StringRef attr, size_t rank) const;
  int64_t integer(llvm::StringRef attr, std::optional<int64_t> fallback = {},
                  int64_t low = 0, int64_t high = int64_t(1) << 40) const;
  llvm::StringRef word(llvm::StringRef attr) const;
  mlir::DictionaryAttr fields(llvm::StringRef attr) const;
  /// Pairs of pads: [[low, high], ...].
  llvm::SmallVector<std::pair<Sym, Sym>> pads(size_t count) const;
};

/// Integers of an attribute: an array, or a dense one.
std::optional<Ints> intsOf(mlir::Attribute attr);
/// Each in [0, rank), none twice.
void checkDims(llvm::ArrayRef<int64_t> dims, size_t rank,
               const llvm::Twine &what);

using Convert = void (*)(Op &);
struct Entry {
  llvm::StringRef name; // "stablehlo.add", "stablehlo.custom_call @ApproxTopK"
  Convert convert;
};

// One list for each file of ops/.
llvm::ArrayRef<Entry> elementwiseOps();
llvm::ArrayRef<Entry> movementOps();
llvm::ArrayRef<Entry> contractionOps();
llvm::ArrayRef<Entry> reductionOps();
llvm::ArrayRef<Entry> gatherOps();
llvm::ArrayRef<Entry> scatterOps();
llvm::ArrayRef<Entry> sortOps();
llvm::ArrayRef<Entry> bitOps();

/// The scalar meaning of an elementwise op, for operands of its element type;
/// null if there is none. Throws nothing: it runs inside of MLIR's builders,
/// after checkScalar.
mlir::Value scalarOp(mlir::OpBuilder &b, mlir::Location loc,
                     mlir::Operation *op, llvm::ArrayRef<mlir::Value> operands);
/// Fails if scalarOp does not know this op on these types.
void checkScalar(mlir::Operation *op);
bool isScalarOp(llvm::StringRef name);

/// The elementwise op on operands that the importer knows: constants, and sizes
/// as polynomials. Null if they are not known, or too many. (Fold.cpp)
Tensor foldElementwise(Emitter &e, mlir::Operation *op,
                       llvm::ArrayRef<Tensor> in, DType type);

/// A region whose ops are all scalar, as scalar code: arguments in, results
/// out.
void checkScalarRegion(mlir::Region &region, size_t args, size_t results);
llvm::SmallVector<mlir::Value> scalarRegion(mlir::OpBuilder &b,
                                            mlir::Location loc,
                                            mlir::Region &region,
                                            llvm::ArrayRef<mlir::Value> args);

/// x with `interior` copies of `value` between its elements, then `low` and
/// `high` at its ends, which take elements away where they are negative.
Tensor padTensor(Emitter &e, Tensor x, mlir::Value value,
                 llvm::ArrayRef<Sym> low, llvm::ArrayRef<Sym> high,
                 llvm::ArrayRef<int64_t> interior);
/// A start index, clamped so that a slice of `size` lies inside of `whole`.
Sym clampedStart(Emitter &e, const Tensor &start, const Sym &size,
                 const Sym &whole);
/// The one element of a tensor, a constant of the program where it is known.
mlir::Value scalarOf(Emitter &e, const Tensor &x);

} // namespace heed::stablehlo

#endif // HEED_TOOLS_LIB_STABLEHLO_OP_H
