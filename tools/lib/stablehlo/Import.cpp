// Import.cpp - StableHLO text: parsed by MLIR's own parser, then converted.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Import.h"
#include "tools/lib/import/Import.h"
#include "tools/lib/stablehlo/Dialect.h"
#include "tools/lib/stablehlo/Graph.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace heed::stablehlo {

bool namesStableHlo(StringRef text) { return text.contains("stablehlo."); }

/// "file:12:3: reason" of the first error.
static std::string describe(StringRef path, Diagnostic &d) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto at = d.getLocation()->findInstanceOf<FileLineColLoc>();
      at && at.getFilename().getValue() == path)
    os << path << ":" << at.getLine() << ":" << at.getColumn() << ": ";
  else
    os << path << ": ";
  os << d.str();
  return text;
}

static bool isHlo(Operation *op) {
  StringRef dialect = op->getName().getDialectNamespace();
  return dialect == StableHloDialect::getDialectNamespace() ||
         dialect == ChloDialect::getDialectNamespace();
}

OwningOpRef<ModuleOp> importStableHlo(StringRef path, StringRef text,
                                      MLIRContext &context,
                                      std::string &error) {
  import::loadDialects(context);
  context.loadDialect<StableHloDialect, ChloDialect>();
  error.clear();
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
    if (error.empty() && d.getSeverity() == DiagnosticSeverity::Error)
      error = describe(path, d);
    return success();
  });
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, path),
                             llvm::SMLoc());
  // Attributes of other dialects of JAX (mhlo, sdy) carry nothing that counts.
  bool wasAllowed = context.allowsUnregisteredDialects();
  context.allowUnregisteredDialects(true);
  auto source = parseSourceFile<ModuleOp>(sources, &context);
  context.allowUnregisteredDialects(wasAllowed);
  if (!source) {
    if (error.empty())
      error = (path + ": not valid MLIR").str();
    return {};
  }
  bool hasStableHlo =
      source
          ->walk([](Operation *op) {
            return isHlo(op) ? WalkResult::interrupt() : WalkResult::advance();
          })
          .wasInterrupted();
  if (!hasStableHlo)
    return source;

  OwningOpRef<ModuleOp> target =
      ModuleOp::create(FileLineColLoc::get(&context, path, 0, 0));
  try {
    GraphImporter(*source, *target).run();
  } catch (import::ImportError &e) {
    error = (path + ": " + e.reason).str();
    return {};
  } catch (std::bad_alloc &) {
    error = (path + ": out of memory").str();
    return {};
  }
  if (failed(verify(*target))) {
    error = (path + ": the imported program is invalid: " + error).str();
    return {};
  }
  error.clear();
  return target;
}

} // namespace heed::stablehlo
