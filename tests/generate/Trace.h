// Trace.h - builds a program op by op and computes it in doubles beside.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dimensions have one-letter labels ("bhid"); an op names what it means, and
// its spelling (named or generic op, order of loops and operands, movement
// around it) is drawn at random. The numbers are computed from the meaning.
#ifndef HEED_TESTS_GENERATE_TRACE_H
#define HEED_TESTS_GENERATE_TRACE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/reference/Tensor.h"
#include "tests/generate/Formula.h"
#include "tests/generate/Random.h"
#include <map>

namespace heed::generate {

using reference::Shape;
using reference::Tensor;

/// A value of the program, the labels of its dimensions, and its numbers.
struct Traced {
  mlir::Value value;
  std::string dims;
  Tensor data;

  bool has(char label) const { return dims.find(label) != std::string::npos; }
  mlir::Type element() const;
};

enum class Sum { Add, Max };

class Trace {
public:
  Trace(mlir::MLIRContext &context, Random &random);

  Random &random;

  // Sizes.
  void declare(char label, int64_t size, bool dynamic = false);
  int64_t size(char label) const { return extents.at(label).size; }
  bool isDynamic(char label) const { return extents.at(label).dynamic; }
  /// A label of its own; by default of size 1.
  char fresh(int64_t size = 1, bool dynamic = false);
  /// Its size as an index value.
  mlir::Value sizeValue(char label);

  // Leaves.
  using Fill = std::function<double(const Shape &index)>;
  /// An argument of the program; f32 unless `type` says i1.
  Traced input(std::string dims, double magnitude = 1);
  Traced input(std::string dims, mlir::Type type, const Fill &fill);
  /// A constant of the program.
  Traced constant(std::string dims, mlir::Type type, const Fill &fill);
  Traced splat(std::string dims, double value);
  /// A constant or an argument.
  Traced weight(std::string dims, double magnitude = 1);

  // Elementwise: Formula.h. Operands that lack a label are broadcast.
  template <typename F>
  Traced map(std::string dims, std::vector<Traced> ins, F formula,
             mlir::Type type = {});
  /// The union of the operands' labels, in the order of the fullest one.
  static std::string join(const std::vector<Traced> &ins);
  Traced add(Traced a, Traced b);
  Traced sub(Traced a, Traced b);
  Traced mul(Traced a, Traced b);
  Traced div(Traced a, Traced b);
  Traced exp(Traced a);
  Traced tanh(Traced a);
  /// a · factor as product or quotient, the number in the body or a tensor.
  Traced times(Traced a, double factor);
  /// a + number.
  Traced plus(Traced a, double number);

  // Sums.
  Traced reduce(Sum kind, Traced a, std::string over);
  Traced mean(Traced a, std::string over);
  /// Σ over the labels that `out` lacks of a · b; the order of the result's
  /// labels is drawn.
  Traced contract(Traced a, Traced b, std::string out);

  // Movement.
  Traced arrange(Traced a, std::string order);
  Traced broadcast(Traced a, std::string dims);
  Traced split(Traced a, char label, std::string parts);
  Traced merge(Traced a, std::string parts, char label);
  Traced rename(Traced a, char from, char to);
  /// Elements offset … offset + size(to) of `from`.
  Traced slice(Traced a, char from, char to, int64_t offset);
  Traced concat(std::vector<Traced> parts, char label, char to);
  Traced addUnit(Traced a, size_t position);
  Traced dropUnits(Traced a);
  Traced copy(Traced a);
  /// The same tensor through random movement.
  Traced disguise(Traced a);

  void output(Traced a, std::string dims);

  mlir::ModuleOp module() { return *owned; }
  /// The finished program.
  mlir::OwningOpRef<mlir::ModuleOp> take();
  std::vector<Traced> arguments, results;
  /// Numbers summed up for one number of a result: the bound on the error.
  int64_t summed = 0;

  mlir::OpBuilder &builder() { return b; }
  mlir::Location loc();
  mlir::Type f32() { return b.getF32Type(); }
  mlir::Type i1() { return b.getI1Type(); }
  mlir::RankedTensorType typeOf(const std::string &dims, mlir::Type element);
  Shape shapeOf(const std::string &dims) const;
  mlir::Value empty(const std::string &dims, mlir::Type element);
  mlir::Value fill(const std::string &dims, double value);
  mlir::AffineMap mapOf(const std::string &loops, const std::string &dims);

private:
  struct Extent {
    int64_t size = 1;
    bool dynamic = false;
    std::string parts; // of a merged label
    mlir::Value value;
  };
  using Body = std::function<mlir::Value(Emit &, mlir::ValueRange)>;
  mlir::Value emitMap(const std::string &dims, std::vector<Traced> ins,
                      const Body &body, mlir::Type type);
  Traced sumOnce(Sum kind, Traced a, std::string over);
  Traced matmul(Traced a, Traced b, const std::string &batch,
                const std::string &rows, const std::string &columns,
                const std::string &inner);
  Traced contractGeneric(Traced a, Traced b, const std::string &out,
                         const std::string &inner);
  mlir::Value emitReshape(mlir::Value source, const std::string &dims,
                          llvm::ArrayRef<mlir::ReassociationIndices> groups,
                          bool expands);

  mlir::OwningOpRef<mlir::ModuleOp> owned;
  mlir::func::FuncOp function;
  mlir::OpBuilder b;
  std::map<char, Extent> extents;
  char nextLabel = 'A';
  unsigned line = 0;
};

/// Calls `visit(index, offsets)` for every index of `loops`; offsets[k] is the
/// place in the k-th tensor.
void forEach(
    const Trace &trace, const std::string &loops,
    const std::vector<const Traced *> &tensors,
    const std::function<void(const Shape &index,
                             const std::vector<size_t> &offsets)> &visit);

template <typename F>
Traced Trace::map(std::string dims, std::vector<Traced> ins, F formula,
                  mlir::Type type) {
  if (!type)
    type = f32();
  Traced result{emitMap(
                    dims, ins,
                    [&](Emit &emit, mlir::ValueRange values) {
                      return formula(emit, values);
                    },
                    type),
                dims, Tensor(shapeOf(dims))};
  std::vector<const Traced *> tensors{&result};
  for (const Traced &in : ins)
    tensors.push_back(&in);
  forEach(*this, dims, tensors,
          [&](const Shape &index, const std::vector<size_t> &offsets) {
            std::vector<double> values;
            for (size_t k = 0; k < ins.size(); ++k)
              values.push_back(ins[k].data.data[offsets[k + 1]]);
            Eval eval{dims, index.data()};
            result.data.data[offsets[0]] = formula(eval, values);
          });
  return result;
}

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_TRACE_H
