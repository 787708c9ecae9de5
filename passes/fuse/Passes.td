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

def FuseElementwise : Pass<"heed-fuse-elementwise", "::mlir::ModuleOp"> {
  let summary = "Join chains of elementwise ops";
  let description = [{
    As upstream's `linalg-fuse-elementwise-ops`, but a `linalg.vecmat` and its
    reshapes are left as they are, for `heed-lower-row-product`.

    Before:

    ```mlir
    %s = linalg.generic … ins(%x, %b : tensor<8xf32>, tensor<8xf32>) … arith.addf …
    %r = linalg.generic … ins(%s : tensor<8xf32>) … arith.maximumf …
    %y = linalg.vecmat ins(%r, %w : tensor<8xf32>, tensor<8x6xf32>) outs(%z : tensor<6xf32>) -> tensor<6xf32>
    ```

    After:

    ```mlir
    %r = linalg.generic … ins(%x, %b : tensor<8xf32>, tensor<8xf32>) … arith.addf … arith.maximumf …
    %y = linalg.vecmat ins(%r, %w : tensor<8xf32>, tensor<8x6xf32>) outs(%z : tensor<6xf32>) -> tensor<6xf32>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseLayers : Pass<"heed-fuse-layers", "::mlir::ModuleOp"> {
  let summary = "Make one function of identical layers";
  let description = [{
    A stretch of ops that holds an attention block and repeats, with other
    weights, becomes a private function that is called once a layer. Two
    layers are identical if their ops, attributes and types are, and if their
    operands correspond. Arguments that are weights in each call are marked
    `attn.constant`.

    Before:

    ```mlir
    %0 = linalg.matmul ins(%x, %w0 : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
    // … attention, output projection, feed-forward chain: %y0
    %1 = linalg.matmul ins(%y0, %w1 : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
    // … the same with other weights: %y1
    ```

    After:

    ```mlir
    %y0 = func.call @layer(%x, %w0) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    %y1 = func.call @layer(%y0, %w1) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def FuseQkv : Pass<"heed-fuse-qkv", "::mlir::ModuleOp"> {
  let summary = "Fuse projections of one input that feed attention into one product";
  let description = [{
    Products of one input with constant matrices, with or without constant bias,
    that reach the queries, keys or values of an `attn.sdpa`, become one
    product with the matrices side by side; each projection is a slice of its
    result.

    Before:

    ```mlir
    %q = linalg.matmul ins(%x, %wq : tensor<10x32xf32>, tensor<32x32xf32>) outs(%0 : tensor<10x32xf32>) -> tensor<10x32xf32>
    %k = linalg.matmul ins(%x, %wk : tensor<10x32xf32>, tensor<32x16xf32>) outs(%1 : tensor<10x16xf32>) -> tensor<10x16xf32>
    ```

    After:

    ```mlir
    %qk = linalg.matmul ins(%x, %w : tensor<10x32xf32>, tensor<32x48xf32>) outs(%2 : tensor<10x48xf32>) -> tensor<10x48xf32>
    %q = tensor.extract_slice %qk[0, 0] [10, 32] [1, 1] : tensor<10x48xf32> to tensor<10x32xf32>
    %k = tensor.extract_slice %qk[0, 32] [10, 16] [1, 1] : tensor<10x48xf32> to tensor<10x16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseTranspose : Pass<"heed-fuse-transpose", "::mlir::ModuleOp"> {
  let summary = "Let attention write its result in the order its user wants";
  let description = [{
    A transpose of an `attn.sdpa`'s result, also through reshapes, goes into the
    map of the result.

    Before:

    ```mlir
    %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x16x4xf32>, tensor<1x8x16x4xf32>, tensor<1x8x16x4xf32>)
        outs(%0 : tensor<1x8x16x4xf32>) maps = [#bhid, #bhjd, #bhje, #bhie] -> tensor<1x8x16x4xf32>
    %t = linalg.transpose ins(%o : tensor<1x8x16x4xf32>) outs(%1 : tensor<1x16x8x4xf32>) permutation = [0, 2, 1, 3]
    ```

    After:

    ```mlir
    %t = attn.sdpa ins(%q, %k, %v : tensor<1x8x16x4xf32>, tensor<1x8x16x4xf32>, tensor<1x8x16x4xf32>)
        outs(%1 : tensor<1x16x8x4xf32>) maps = [#bhid, #bhjd, #bhje, #bihe] -> tensor<1x16x8x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseParallel : Pass<"heed-fuse-parallel"> {
  let summary = "Bring parallel loops side by side, for one fork of the threads";
  let description = [{
    `heed-lower-parallel` makes one region of loops that stand side by side.
    Pure ops between loops move in front of them, other work between becomes a
    loop of one iteration, and a branch loops of none where it is not taken. The
    order stays what it was. What calls, allocates or may fail ends a run of
    loops.

    Before:

    ```mlir
    scf.parallel (%i) = (%c0) to (%n) step (%c1) { … memref.store %sum, %pool[%i] : memref<?xf32> }
    %p = memref.load %pool[%c0] : memref<?xf32>
    memref.store %p, %g[%c0] : memref<1xf32>
    scf.parallel (%i) = (%c0) to (%n) step (%c1) { … }
    ```

    After:

    ```mlir
    scf.parallel (%i) = (%c0) to (%n) step (%c1) { … memref.store %sum, %pool[%i] : memref<?xf32> }
    scf.parallel (%i) = (%c0) to (%c1) step (%c1) {
      %p = memref.load %pool[%c0] : memref<?xf32>
      memref.store %p, %g[%c0] : memref<1xf32>
    }
    scf.parallel (%i) = (%c0) to (%n) step (%c1) { … }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

#endif // HEED_PASSES_FUSE_PASSES_TD
