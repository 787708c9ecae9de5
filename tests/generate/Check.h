// Check.h - compiles a case fused and unfused, runs both, compares with the
// reference.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_GENERATE_CHECK_H
#define HEED_TESTS_GENERATE_CHECK_H

#include "tests/generate/Case.h"
#include "tools/lib/report/Anchors.h"
#include <memory>

namespace heed::generate {

/// |got − want| ≤ 8 · (1 + n) · eps · max(1, largest |want|): the rule of
/// oneDNN's benchdnn for sdpa, n the numbers summed up on the way to a result.
double bound(const Case &generated, const Tensor &want);

/// A context for some hundred cases; what the passes say is collected.
class Session {
public:
  Session();
  mlir::MLIRContext &context() { return *mlir; }

  /// Normalize, recognize, fuse; an error where they fail.
  std::string recognize(mlir::ModuleOp module);
  /// Whether the recognised module is what the case expects.
  std::string checkRecognised(const Case &generated, mlir::ModuleOp module);
  /// Compiles (the module is consumed), runs and compares.
  std::string checkNumbers(const Case &generated, mlir::ModuleOp module,
                           bool fuse);
  /// All of it; empty where everything is right.
  std::string check(Case &generated);

  std::vector<Anchor> anchors;

private:
  std::unique_ptr<mlir::MLIRContext> mlir;
};

std::string print(mlir::ModuleOp module);

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_CHECK_H
