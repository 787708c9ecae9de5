// Passes.td - checks between the stages.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_VERIFY_PASSES_TD
#define HEED_PASSES_VERIFY_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyStage : Pass<"heed-verify-stage", "::mlir::ModuleOp"> {
  let summary = "Run the verifiers of all ops";
  let description = [{
    Tools verify where a stage ends, not after each pass: of a network of 48
    layers that takes more time than all passes. `heed-opt` verifies after each
    pass as well, unless told not to.

    ```mlir
    %y = "tensor.cast"(%x) : (tensor<4xf32>) -> tensor<5xf32>
    // error: 'tensor.cast' op operand type and result type are cast incompatible
    ```
  }];
}

#endif // HEED_PASSES_VERIFY_PASSES_TD
