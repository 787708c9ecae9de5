// Passes.td - attn ops and their surroundings -> bigger ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_FUSE_PASSES_TD
#define HEED_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseGateEpilogue : Pass<"heed-fuse-gate-epilogue", "::mlir::ModuleOp"> {
  let summary = "Absorb elementwise consumers of a gate into its epilogue";
  let description = [{
    A residual addition, an activation, a scale after `attn.gate` costs one more
    pass over memory. Where all uses of the gate's result meet in one
    elementwise operation on tensors of its shape, that operation and what lies
    between move into the `epilogue` region, again and again. Each try gets a
    remark, category `heed-fuse`, name `gate`.

    Before:

    ```mlir
    %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>)
        dimensions = [2, 3] pools = [avg] excite {
      ^bb0(%p: tensor<1x8xf32>):
        attn.yield %p : tensor<1x8xf32>
      } -> tensor<1x8x4x4xf32>
    %z = linalg.add ins(%y, %r : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) outs(%e : tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    ```

    After:

    ```mlir
    %z = attn.gate ins(%x, %r : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>)
        dimensions = [2, 3] pools = [avg] excite {
      ^bb0(%p: tensor<1x8xf32>):
        attn.yield %p : tensor<1x8xf32>
      } epilogue {
      ^bb0(%xi: f32, %gi: f32, %ri: f32):
        %0 = arith.mulf %xi, %gi : f32
        %1 = arith.addf %0, %ri : f32
        attn.yield %1 : f32
      } -> tensor<1x8x4x4xf32>
    ```
  }];
  let dependentDialects = [
    "::heed::attn::AttnDialect", "::mlir::arith::ArithDialect"
  ];
}


#endif // HEED_PASSES_FUSE_PASSES_TD
