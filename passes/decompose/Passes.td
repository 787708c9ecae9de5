// Passes.td - attn ops -> linalg, exactly.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_DECOMPOSE_PASSES_TD
#define HEED_PASSES_DECOMPOSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def Decompose : Pass<"heed-decompose", "::mlir::ModuleOp"> {
  let summary = "Replace every attn op by its definition in linalg";
  let description = [{
    Calls the `AggregatedOpInterface` of each attn op on tensors. The result is
    the unfused program: what fused code is compared with.

    Before:

    ```mlir
    %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%e : tensor<1x8x4x4xf32>)
        dimensions = [2, 3] pools = [avg] excite {
      ^bb0(%p: tensor<1x8xf32>):
        attn.yield %p : tensor<1x8xf32>
      } -> tensor<1x8x4x4xf32>
    ```

    After: a `linalg.generic` that sums over dimensions 2 and 3, one that
    divides by 16, the body of `excite`, and one that multiplies.
  }];
}

#endif // HEED_PASSES_DECOMPOSE_PASSES_TD
