// Passes.td - many ops -> one attn op, where it is proven.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_PASSES_TD
#define HEED_PASSES_RECOGNIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def RecognizeGate : Pass<"heed-recognize-gate", "::mlir::ModuleOp"> {
  let summary = "Recognize x * excite(pools of x) as attn.gate";
  let description = [{
    Finds squeeze-and-excitation, ECA and both halves of CBAM: a tensor that is
    multiplied by a gate computed from its own mean, maximum or sum over some
    of its dimensions. Any spelling of the pools, any layout, any reshape or
    broadcast between, any pure excitation. Each multiplication by a broadcast
    tensor that depends on a reduction gets one remark, category
    `heed-recognize`, name `gate`: passed with kind, pools and dimensions, or
    missed with the reason and what to change in the source model.

    Before:

    ```mlir
    %s = linalg.reduce { arith.addf } ins(%x : tensor<1x8x4x4xf32>) outs(%zero : tensor<1x8xf32>) dimensions = [2, 3]
    %g = linalg.map { math.tanh } ins(%s : tensor<1x8xf32>) outs(%e : tensor<1x8xf32>)
    %b = linalg.broadcast ins(%g : tensor<1x8xf32>) outs(%f : tensor<1x8x4x4xf32>) dimensions = [2, 3]
    %y = linalg.mul ins(%x, %b : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) outs(%f : tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    ```

    After:

    ```mlir
    %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%f : tensor<1x8x4x4xf32>)
        dimensions = [2, 3] pools = [sum] excite {
      ^bb0(%s: tensor<1x8xf32>):
        %e = tensor.empty() : tensor<1x8xf32>
        %g = linalg.map { math.tanh } ins(%s : tensor<1x8xf32>) outs(%e : tensor<1x8xf32>)
        attn.yield %g : tensor<1x8xf32>
      } -> tensor<1x8x4x4xf32>
    ```
  }];
  let dependentDialects = [
    "::heed::attn::AttnDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

#endif // HEED_PASSES_RECOGNIZE_PASSES_TD
