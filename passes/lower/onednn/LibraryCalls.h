// LibraryCalls.h - calls of library primitives from compiled code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_ONEDNN_LIBRARYCALLS_H
#define HEED_PASSES_LOWER_ONEDNN_LIBRARYCALLS_H

#include "dialect/primitive/PrimitiveOps.h"
#include "dialect/recurrent/RecurrentOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace heed::lower {

/// Writes calls in one module.
class LibraryCalls {
public:
  explicit LibraryCalls(mlir::ModuleOp module) : module(module) {}

  /// A call of the site that `record` describes (runtime/support/SiteRecord.h),
  /// on these memrefs in the record's order; by oneDNN, or by what `callee` is.
  void write(mlir::OpBuilder &b, mlir::Location loc,
             mlir::func::FuncOp function, llvm::ArrayRef<int64_t> record,
             llvm::ArrayRef<mlir::Value> operands,
             llvm::StringRef callee = "heed_onednn_primitive");

private:
  mlir::func::FuncOp declare(llvm::StringRef callee);
  mlir::Value createRecord(mlir::OpBuilder &b, mlir::Location loc,
                           llvm::ArrayRef<int64_t> words);

  mlir::ModuleOp module;
  unsigned records = 0;
};

/// Replaces a layer on memrefs that is marked `library` by one call for each
/// direction.
mlir::LogicalResult lowerLibraryRecurrent(LibraryCalls &calls,
                                          attn::RecurrentOp op);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_ONEDNN_LIBRARYCALLS_H
