// Import.cpp - importOnnx: an ONNX file as a verified MLIR module, or one
// error.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Import.h"
#include "tools/lib/import/Error.h"
#include "tools/lib/import/Graph.h"
#include "tools/lib/import/Model.h"
#include "tools/lib/import/Narrow.h"

#include "dialect/AttnDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace heed::import {

void loadDialects(MLIRContext &context) {
  context.loadDialect<affine::AffineDialect, arith::ArithDialect,
                      attn::AttnDialect, bufferization::BufferizationDialect,
                      cf::ControlFlowDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect, scf::SCFDialect,
                      tensor::TensorDialect>();
}

OwningOpRef<ModuleOp> importOnnx(const std::string &path, MLIRContext &context,
                                 std::string &error,
                                 const ImportOptions &options) {
  loadDialects(context);
  OwningOpRef<ModuleOp> module =
      ModuleOp::create(FileLineColLoc::get(&context, path, 0, 0));
  try {
    auto model = readModel(path);
    if (options.narrow)
      narrowInputs(*model->mutable_graph(), options.narrow);
    GraphImporter(*model, path, *module, options).run();
  } catch (ImportError &e) {
    error = path + ": " + e.reason;
    return {};
  } catch (std::bad_alloc &) {
    error = path + ": out of memory";
    return {};
  }
  // A check that the importer lacks shows here rather than as a broken module.
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
    if (error.empty())
      error = path + ": the imported program is invalid: " + d.str();
    return success();
  });
  if (failed(verify(*module)))
    return {};
  error.clear();
  return module;
}

} // namespace heed::import
