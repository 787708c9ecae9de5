// Signature.h - the arguments and results of @main as ports with NumPy types.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_COMPILE_SIGNATURE_H
#define HEED_TOOLS_LIB_COMPILE_SIGNATURE_H

#include "mlir/IR/BuiltinOps.h"
#include "tools/lib/npy/Npy.h"

namespace heed {

/// One argument or result of @main.
struct Port {
  std::string name;
  DType type;
  std::vector<int64_t> shape; // -1: any size

  /// "x: float32[1,3,?,?]"
  std::string str() const;
  /// Whether an array of this type and shape may be passed.
  bool takes(DType type, llvm::ArrayRef<int64_t> shape) const;
};

/// The arguments and results of @main; an error where a type cannot cross the
/// boundary.
struct Signature {
  std::vector<Port> inputs, outputs;
  static llvm::Expected<Signature> of(mlir::ModuleOp module);
  /// An error that names the first array that does not fit its port.
  llvm::Error check(llvm::ArrayRef<Array> arrays) const;
};

} // namespace heed

#endif // HEED_TOOLS_LIB_COMPILE_SIGNATURE_H
