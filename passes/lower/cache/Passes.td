// Passes.td - caches of keys and values, before anything else is lowered.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CACHE_PASSES_TD
#define HEED_PASSES_LOWER_CACHE_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerCache : Pass<"heed-lower-cache", "::mlir::ModuleOp"> {
  let summary = "Write the new rows of a cache in place of concatenating";
  let description = [{
    For the results of `@main` that are an argument and new rows behind it. The
    argument becomes memory of a fixed capacity, which the result may share
    (`attn.in_place`), and a new last argument `past_length` says how many of
    its rows are filled. Views of what is filled take the place of the longer
    tensor. Runs first, on the model as it was imported.

    ```mlir
    func.func @main(%past: tensor<1x8x?x64xf32>) -> (tensor<1x8x?x64xf32> {attn.name = "present"})
      %present = tensor.concat dim(2) %past, %rows
    // becomes
    func.func @main(%cache: tensor<1x8x?x64xf32>, %past_length: tensor<i64>) -> tensor<1x8x?x64xf32>
      %next = tensor.insert_slice %rows into %cache[0, 0, %n, 0] [1, 8, 1, 64] [1, 1, 1, 1]
      %present = tensor.extract_slice %next[0, 0, 0, 0] [1, 8, %n_plus_1, 64] [1, 1, 1, 1]
    ```
  }];
  let options = [ListOption<"pairs", "pairs", "std::string",
                            "names `present=past` of a result and an argument">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // HEED_PASSES_LOWER_CACHE_PASSES_TD
