// Emitter.h - values of the ONNX graph, and the IR building blocks that the op
// importers share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_EMITTER_H
#define HEED_TOOLS_LIB_IMPORT_EMITTER_H

#include "tools/lib/import/Symbolic.h"
#include "tools/lib/import/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace heed::import {

using Shape = llvm::SmallVector<Sym>;

/// A value of the ONNX graph: its type, its symbolic shape, and what it holds,
/// known to the importer (a constant, or the elements of a small integer tensor
/// as sizes) or computed by the program. IR for a known value is made when an
/// op asks for it.
struct TensorData {
  DType type = DType::F32;
  Shape shape;
  mlir::Value value;
  std::optional<HostTensor> constant;
  std::optional<std::vector<Sym>> elements; // row-major; not all constant
  std::string name; // of an initializer, for its resource
  /// The sizes that a float tensor was cast from, which `Range` follows.
  std::optional<std::vector<Sym>> castOf;

  size_t rank() const { return shape.size(); }
};
using Tensor = std::shared_ptr<TensorData>;

/// Scalar code of an elementwise op: operands in, result out.
using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                            llvm::ArrayRef<mlir::Value>)>;

enum class ReduceKind { Sum, Max, Min, Product };

class Emitter {
public:
  Emitter(mlir::func::FuncOp function);

  mlir::OpBuilder b; // at the end of the function's block
  mlir::Location loc;
  SymTable syms;

  // Values (Emitter.cpp).
  Tensor computed(mlir::Value value, DType type, Shape shape);
  Tensor constant(HostTensor tensor, std::string name = "");
  Tensor integers(DType type, llvm::ArrayRef<int64_t> dims,
                  std::vector<Sym> elements);
  mlir::Value ir(const Tensor &tensor);
  mlir::RankedTensorType typeOf(DType type, llvm::ArrayRef<Sym> shape);
  mlir::Value empty(DType type, llvm::ArrayRef<Sym> shape);
  mlir::Value filled(DType type, llvm::ArrayRef<Sym> shape, mlir::Value scalar);
  mlir::Value scalar(DType type, double value);
  mlir::Value scalarInt(mlir::Type type, int64_t value);

  /// Sizes that the tensor holds, if it is an integer tensor that the importer
  /// knows; `someElements` reads them from the program where it does not.
  std::optional<std::vector<Sym>> knownElements(const Tensor &tensor);
  std::vector<Sym> someElements(const Tensor &tensor);
  /// The constant that the tensor holds, elements included.
  std::optional<HostTensor> knownConstant(const Tensor &tensor);

  // Sizes (Sizes.cpp).
  Tensor argument(mlir::BlockArgument argument, DType type, Shape shape);
  void bindDimension(const Sym &atom, mlir::Value tensor, int64_t dim);
  mlir::Value size(const Sym &s); // index; equal sizes give equal values
  /// A new size that the program computed, never below `low` if that is given.
  Sym sizeOf(mlir::Value index, std::optional<int64_t> low = std::nullopt);
  mlir::OpFoldResult foldedSize(const Sym &s);
  llvm::SmallVector<mlir::OpFoldResult> foldedSizes(llvm::ArrayRef<Sym> shape);
  Sym canonical(const Sym &s);
  bool same(const Sym &x, const Sym &y);
  /// Equal sizes are required here: an error if they never are, else a run-time
  /// check, after which they count as equal.
  void require(const Sym &x, const Sym &y, const llvm::Twine &what);
  /// A run-time check that s ≥ low, unless it always holds.
  void requireAtLeast(const Sym &s, int64_t low, const llvm::Twine &what);
  Sym product(llvm::ArrayRef<Sym> shape);
  /// The size that dims of these sizes broadcast to.
  Sym broadcastDim(llvm::ArrayRef<Sym> dims);
  Shape broadcastShape(llvm::ArrayRef<Tensor> tensors);

  // Computation (EmitCompute.cpp).
  Tensor elementwise(llvm::ArrayRef<Tensor> ins, DType type, Body body);
  Tensor cast(const Tensor &tensor, DType type);
  Tensor reduce(const Tensor &tensor, llvm::ArrayRef<int64_t> axes,
                bool keepDims, ReduceKind kind);
  /// Sum over `axes` times 1 / number of elements.
  Tensor mean(const Tensor &tensor, llvm::ArrayRef<int64_t> axes,
              bool keepDims);
  /// 1 / n as a scalar of a float type, a constant where n is.
  mlir::Value reciprocalOf(const Sym &n, DType type);
  /// Σ over the dims that the output lacks of x·y: dims are named by letters.
  Tensor contract(const Tensor &x, llvm::StringRef xDims, const Tensor &y,
                  llvm::StringRef yDims, llvm::StringRef outDims);
  Tensor matmul(const Tensor &x, const Tensor &y);

  // Movement (EmitReshape.cpp, EmitMovement.cpp).
  Tensor reshape(const Tensor &tensor, Shape shape);
  Tensor transpose(const Tensor &tensor, llvm::ArrayRef<int64_t> perm);
  Tensor broadcast(const Tensor &tensor, Shape shape);
  /// x[offset + i·stride], i < size, on every dim; inside of x.
  Tensor slice(const Tensor &tensor, llvm::ArrayRef<Sym> offsets, Shape sizes,
               llvm::ArrayRef<int64_t> strides);
  Tensor concat(llvm::ArrayRef<Tensor> tensors, int64_t axis);
  Tensor pad(const Tensor &tensor, llvm::ArrayRef<Sym> low,
             llvm::ArrayRef<Sym> high, mlir::Value value);
  /// A tensor of the program whose element at `indices` is `body(indices)`.
  Tensor
  generate(DType type, Shape shape,
           llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                          mlir::ValueRange)>
               body);
  /// Element i of the result is element indices(i) of the known tensor.
  Tensor pick(const Tensor &tensor, llvm::ArrayRef<int64_t> dims,
              llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> index);
  bool isKnown(const Tensor &tensor) const {
    return tensor->constant || tensor->elements;
  }
  /// The static shape of a result that is small enough to fold, charged to the
  /// budget.
  std::optional<llvm::SmallVector<int64_t>> foldable(llvm::ArrayRef<Sym> shape,
                                                     int64_t bytes = 1 << 16);
  /// Takes `bytes` from what all folded constants together may hold, which
  /// grows with the constants of the file; false if it is not there.
  bool chargeFold(int64_t bytes);
  void growFoldBudget(int64_t bytes) { foldBudget += bytes; }
  void assertThat(mlir::Value condition, const llvm::Twine &message);

  // Regions (EmitRegions.cpp); branches and loops: ControlFlow.h.
  /// Runs `body` with the insertion point at the end of `block`, of an op that
  /// may run it once, several times or never: what it makes known of values
  /// and sizes is forgotten afterwards.
  void inRegion(mlir::Block *block, llvm::function_ref<void()> body);
  /// Whether the size follows from what stands in front of here; one that a
  /// region computed does not behind it.
  bool isKnownHere(const Sym &s);
  /// The tensor as a value of this type; sizes may become dynamic.
  mlir::Value irAs(const Tensor &tensor, mlir::RankedTensorType type);
  /// What a region takes in or gives out: its sizes, where they are not always
  /// the same none.
  using OpenShape = llvm::SmallVector<std::optional<Sym>>;
  mlir::RankedTensorType openType(DType type, const OpenShape &shape);
  /// The value as a tensor; sizes that are open are read from it.
  Tensor openResult(mlir::Value value, DType type, const OpenShape &shape);

private:
  void divide(const Sym &difference);
  bool occurs(unsigned atom, const Sym &s);
  mlir::Value materialise(mlir::OpBuilder &at, const Sym &s);
  mlir::Value atomValue(mlir::OpBuilder &at, unsigned id);
  template <typename Make> mlir::Value atEntry(Make make);

  /// What a region has made known of tensors around it.
  struct Note {
    Tensor tensor;
    bool isValue; // else its elements
  };

  int64_t foldBudget = int64_t(64) << 20;
  std::vector<Note> notes;
  unsigned openRegions = 0;
  mlir::Block *block;
  mlir::Operation *lastEntryOp = nullptr;
  mlir::Location entryLoc;
  std::map<Sym, mlir::Value> sizes;
  std::map<unsigned, mlir::Value> atomValues;
  std::map<unsigned, Sym> equalities; // atom := size, by a run-time check
  llvm::DenseMap<mlir::Attribute, mlir::Value> scalars;
};

std::optional<llvm::SmallVector<int64_t>>
staticShape(llvm::ArrayRef<Sym> shape);
Shape shapeOf(llvm::ArrayRef<int64_t> dims);
/// Row-major strides.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> dims);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_EMITTER_H
