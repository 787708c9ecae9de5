// Passes.td - recurrent layers on the CPU: from tensors to loops over time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_RECURRENT_PASSES_TD
#define HEED_PASSES_LOWER_RECURRENT_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerProjection : Pass<"heed-lower-projection", "::mlir::ModuleOp"> {
  let summary = "Take the input's product out of a recurrent layer, for all time steps at once";
  let description = [{
    On tensors, in front of the passes that give products to a library. What
    stays in the layer is the product with its state. A layer that the program
    marks `library` keeps its product and becomes a call of oneDNN, where that
    holds it: the usual functions on constant weights. One that the kernel does
    not hold (other elements than f32, other functions in each direction)
    becomes its definition.

    Before:

    ```mlir
    %h1 = attn.recurrent gru forward ins(%x : tensor<10x1x8xf32>) input_weights(%w : tensor<1x48x8xf32>)
        weights(%r : tensor<1x48x16xf32>) h(%h : tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
    ```

    After:

    ```mlir
    %m = tensor.collapse_shape %w [[0, 1], [2]] : tensor<1x48x8xf32> into tensor<48x8xf32>
    %a = linalg.generic … ins(%x, %m : …) … -> tensor<10x1x48xf32>
    %h1 = attn.recurrent gru forward ins(%a : tensor<10x1x48xf32>)
        weights(%r : tensor<1x48x16xf32>) h(%h : tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
    ```
  }];
  let options = [
    Option<"onednn", "onednn", "bool", "false",
           "whether whole layers may go to oneDNN">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def LowerRecurrent : Pass<"heed-lower-recurrent", "::mlir::ModuleOp"> {
  let summary = "Expand attn.recurrent on buffers to a loop over time in vector code";
  let description = [{
    Directions and rows of the batch run in parallel, each with a loop over time
    of its own. A step makes the sums of all gates of a block of hidden units in
    registers, and their new state in the same registers; weights are packed in
    the order of their use, once where they are constants.

    Before:

    ```mlir
    attn.recurrent lstm forward ins(%a : memref<10x1x64xf32>) weights(%r : memref<1x64x16xf32>)
        y(%y : memref<10x1x1x16xf32>) h(%h : memref<1x1x16xf32>) c(%c : memref<1x1x16xf32>)
    ```

    After:

    ```mlir
    scf.for %s = %c0 to %c10 step %c1 {
      // for each block of units: sums = a[t] + h·Rᵀ, i, o, f, c at once
      // c = f⊙c + i⊙n, h = o⊙tanh(c), y[t] = h
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

#endif // HEED_PASSES_LOWER_RECURRENT_PASSES_TD
