// Passes.td - linalg on tensors in one spelling: no tosa, merged data movement.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_NORMALIZE_PASSES_TD
#define HEED_PASSES_NORMALIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def NormalizeBroadcasts : Pass<"heed-normalize-broadcasts", "::mlir::ModuleOp"> {
  let summary = "Compute before repeating";
  let description = [{
    An elementwise op or a reduction whose operands are all repeated along some
    dimensions computes one value of each, which is then repeated.

    Before:

    ```mlir
    %w = linalg.broadcast ins(%g : tensor<2x8xf32>) outs(%0 : tensor<2x8x4x4xf32>) dimensions = [2, 3]
    %t = linalg.tanh ins(%w : tensor<2x8x4x4xf32>) outs(%0 : tensor<2x8x4x4xf32>) -> tensor<2x8x4x4xf32>
    ```

    After:

    ```mlir
    %s = linalg.generic {…} ins(%g : tensor<2x8xf32>) outs(%1 : tensor<2x8xf32>) { … math.tanh … } -> tensor<2x8xf32>
    %t = linalg.broadcast ins(%s : tensor<2x8xf32>) outs(%0 : tensor<2x8x4x4xf32>) dimensions = [2, 3]
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def NormalizeCalls : Pass<"heed-normalize-calls", "::mlir::ModuleOp"> {
  let summary = "Write functions out where they are called";
  let description = [{
    Exporters put a mask or an activation into a function of its own; a block is
    seen only where its ops stand together. Functions that are `no_inline` stay.

    Before:

    ```mlir
    %y = call @relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    ```

    After:

    ```mlir
    %y = arith.maximumf %x, %zero : tensor<4xf32>
    ```
  }];
}

def NormalizeSlices : Pass<"heed-normalize-slices", "::mlir::ModuleOp"> {
  let summary = "Take slices before reshapes and transposes";
  let description = [{
    A slice of a tensor that was reshaped or transposed becomes a slice of the
    tensor itself, reshaped and transposed after it: a view instead of a part of
    a copy.

    Before:

    ```mlir
    %e = tensor.expand_shape %x [[0], [1, 2]] output_shape [10, 3, 32] : tensor<10x96xf32> into tensor<10x3x32xf32>
    %t = linalg.transpose ins(%e : tensor<10x3x32xf32>) outs(%0 : tensor<3x10x32xf32>) permutation = [1, 0, 2]
    %k = tensor.extract_slice %t[1, 0, 0] [1, 10, 32] [1, 1, 1] : tensor<3x10x32xf32> to tensor<10x32xf32>
    ```

    After:

    ```mlir
    %k = tensor.extract_slice %x[0, 32] [10, 32] [1, 1] : tensor<10x96xf32> to tensor<10x32xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def NormalizeTosa : Pass<"heed-normalize-tosa", "::mlir::ModuleOp"> {
  let summary = "Convert tosa to linalg, tensor and arith";
  let description = [{
    Runs upstream's four conversions, each of which handles some ops, on
    functions that hold any.

    Before:

    ```mlir
    %y = tosa.exp %x : (tensor<4xf32>) -> tensor<4xf32>
    ```

    After:

    ```mlir
    %y = linalg.generic {…} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) { … math.exp … } -> tensor<4xf32>
    ```
  }];
}

def NormalizeTransposes : Pass<"heed-normalize-transposes", "::mlir::ModuleOp"> {
  let summary = "Turn transposes that move dims of size 1 only into reshapes";
  let description = [{
    The other dims keep their order, so nothing moves in memory: a view instead
    of a copy, as of the heads of one token.

    Before:

    ```mlir
    %t = linalg.transpose ins(%x : tensor<1x1x8x64xf32>) outs(%0 : tensor<1x8x1x64xf32>) permutation = [0, 2, 1, 3]
    ```

    After:

    ```mlir
    %c = tensor.collapse_shape %x [[0, 1, 2], [3]] : tensor<1x1x8x64xf32> into tensor<8x64xf32>
    %t = tensor.expand_shape %c [[0, 1, 2], [3]] output_shape [1, 8, 1, 64] : tensor<8x64xf32> into tensor<1x8x1x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // HEED_PASSES_NORMALIZE_PASSES_TD
