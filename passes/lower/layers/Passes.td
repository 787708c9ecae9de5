// Passes.td - layers that repeat, as functions with buffers of their callers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_LAYERS_PASSES_TD
#define HEED_PASSES_LOWER_LAYERS_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerLayers : Pass<"heed-lower-layers", "::mlir::ModuleOp"> {
  let summary = "Keep the functions of layers, so that each is lowered once";
  let description = [{
    Marks them `no_inline`; upstream's inliner, which runs next, takes the
    others. A layer is kept that is called at least twice, from the level of
    @main, and has no convolution or pool: blocked layouts go through such
    layers.

    ```mlir
    func.func private @layer(%x: tensor<8x8xf32>, %w: tensor<8x8xf32> {attn.constant}) -> tensor<8x8xf32>
    // becomes
    func.func private @layer(%x: tensor<8x8xf32>, %w: tensor<8x8xf32> {attn.constant}) -> tensor<8x8xf32> attributes {no_inline}
    ```
  }];
  let options = [
    Option<"inlineAll", "inline-all", "bool", "false", "Keep none">
  ];
}

def LowerCalls : Pass<"heed-lower-calls", "::mlir::ModuleOp"> {
  let summary = "Make the results of layers buffers of their callers";
  let description = [{
    The caller allocates them, with sizes that it computes as the layer would.
    A layer whose results have sizes that are not arithmetic on its arguments'
    sizes is written out where it is called. An argument that is given back is
    the caller's operand.

    ```mlir
    %b = call @layer(%a) : (memref<?x4xf32>) -> memref<?x4xf32>
    // becomes
    %b = memref.alloc(%n) : memref<?x4xf32>
    call @layer(%a, %b) : (memref<?x4xf32>, memref<?x4xf32>) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

#endif // HEED_PASSES_LOWER_LAYERS_PASSES_TD
