// fixture.h - a module of text, and its ops by name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_UNIT_REPORT_FIXTURE_H
#define HEED_TESTS_UNIT_REPORT_FIXTURE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "tools/lib/model/LoadModel.h"
#include <gtest/gtest.h>

namespace heed {

class ReportTest : public ::testing::Test {
protected:
  ReportTest() : context(registry(), mlir::MLIRContext::Threading::DISABLED) {
    context.loadAllAvailableDialects();
  }

  void parse(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    ASSERT_TRUE(module);
  }

  /// The first op of the name.
  mlir::Operation *find(llvm::StringRef name) {
    mlir::Operation *found = nullptr;
    module->walk([&](mlir::Operation *op) {
      if (!found && op->getName().getStringRef() == name)
        found = op;
    });
    EXPECT_NE(found, nullptr) << name.str();
    return found;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;

private:
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registerModelDialects(registry);
    return registry;
  }
};

} // namespace heed

#endif // HEED_TESTS_UNIT_REPORT_FIXTURE_H
