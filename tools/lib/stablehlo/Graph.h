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

  mlir::func::FuncOp entry();
  void listUnsupported(mlir::func::FuncOp function);
  void declare(mlir::func::FuncOp from);
  mlir::func::FuncOp calleeOf(mlir::Operation *op);
  llvm::SmallVector<Tensor> convertFunction(mlir::func::FuncOp function,
                                            llvm::ArrayRef<Tensor> arguments,
                                            unsigned depth);
  void convertOp(mlir::Operation *op, Values &values, unsigned depth);

  mlir::ModuleOp source;
  mlir::SymbolTable symbols;
  mlir::ModuleOp target;
  mlir::func::FuncOp function;
  std::optional<Emitter> emitter;
  int64_t done = 0;
};

} // namespace heed::stablehlo

#endif // HEED_TOOLS_LIB_STABLEHLO_GRAPH_H
