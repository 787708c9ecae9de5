// Graph.h - walks the functions of a StableHLO module and converts op by op.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_STABLEHLO_GRAPH_H
#define HEED_TOOLS_LIB_STABLEHLO_GRAPH_H

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

#include <optional>

namespace heed::stablehlo {

class GraphImporter {
public:
  GraphImporter(mlir::ModuleOp source, mlir::ModuleOp target)
      : source(source), symbols(source), target(target) {}

  /// Writes the public function into the target; fails with ImportError.
  void run();

private:
  using Values = llvm::DenseMap<mlir::Value, Tensor>;
  /// Calls and regions within each other; JAX nests a handful.
  static constexpr unsigned maxDepth = 64;

  mlir::func::FuncOp entry();
  void listUnsupported(mlir::func::FuncOp function);
  void declare(mlir::func::FuncOp from);
  mlir::StringAttr argumentName(mlir::BlockArgument arg);
  mlir::func::FuncOp calleeOf(mlir::Operation *op);
  llvm::SmallVector<Tensor> convertFunction(mlir::func::FuncOp function,
                                            llvm::ArrayRef<Tensor> arguments,
                                            unsigned depth);
  llvm::SmallVector<Tensor> convertBlock(mlir::Block &block, Values &values,
                                         unsigned depth);
  void convertOp(mlir::Operation *op, Values &values, unsigned depth);
  /// The type that the file gives the result is that of the tensor.
  void checkResult(mlir::Value result, const Tensor &tensor);
  // Ops whose regions are no scalar code (ControlFlow.cpp).
  llvm::SmallVector<Tensor> convertRegion(mlir::Region &region,
                                          llvm::ArrayRef<Tensor> arguments,
                                          const Values &outer, unsigned depth);
  void convertWhile(Op &op, const Values &values, unsigned depth);
  void convertCase(Op &op, const Values &values, unsigned depth);
  // What a file requires of sizes (ShapeAssertion.cpp).
  void convertShapeAssertion(Op &op, const Values &values);

  mlir::ModuleOp source;
  mlir::SymbolTable symbols;
  mlir::ModuleOp target;
  mlir::func::FuncOp function;
  std::optional<Emitter> emitter;
  int64_t done = 0;
};

} // namespace heed::stablehlo

#endif // HEED_TOOLS_LIB_STABLEHLO_GRAPH_H
