// Passes.td - linalg and attn on the CPU: from tensors to calls and LLVM.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_PASSES_TD
#define HEED_PASSES_LOWER_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerExpandShape : Pass<"heed-lower-expand-shape", "::mlir::ModuleOp"> {
  let summary = "Make views of the memref.expand_shape ops with several dynamic sizes in a group";
  let description = [{
    Runs before upstream's `expand-strided-metadata`, which takes one dynamic
    size a group and crashes on more.

    Before:

    ```mlir
    %e = memref.expand_shape %a [[0, 1], [2]] output_shape [%i, %j, 4] : memref<?x4xf32> into memref<?x?x4xf32>
    ```

    After:

    ```mlir
    %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %a : memref<?x4xf32> -> memref<f32>, index, index, index, index, index
    %s = affine.apply affine_map<()[s0] -> (s0 * 4)>()[%j]
    %e = memref.reinterpret_cast %base to offset: [0], sizes: [%i, %j, 4], strides: [%s, 4, 1] : memref<f32> to memref<?x?x4xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

def LowerGate : Pass<"heed-lower-gate", "::mlir::ModuleOp"> {
  let summary = "Expand attn.gate on buffers to a pool, its excitation and a scaling pass";
  let description = [{
    The pools of a gate become one parallel loop nest over x with vector code,
    the body of `excite` is inlined where the gate stood, and the epilogue is a
    second parallel loop nest, in place where x and init are one buffer.
    Neighbouring dims that are contiguous and all pooled or all kept are visited
    as one.

    Before:

    ```mlir
    attn.gate ins(%x : memref<1x64x56x56xf32>) outs(%x : memref<1x64x56x56xf32>)
        dimensions = [2, 3] pools = [avg] excite {
      ^bb0(%p: memref<1x64xf32>):
        linalg.matmul ins(%p, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%g : memref<1x64xf32>)
        attn.yield %g : memref<1x64xf32>
      }
    ```

    After:

    ```mlir
    %xv = memref.collapse_shape %x [[0, 1], [2, 3]] : memref<1x64x56x56xf32> into memref<64x3136xf32>
    %p = memref.alloc() : memref<1x64xf32>
    scf.parallel (%c) = (%c0) to (%c64) step (%c1) {
      // sums of row %c, four vectors at a time, then divided by 3136
    }
    linalg.matmul ins(%p, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%g : memref<1x64xf32>)
    scf.parallel (%c) = (%c0) to (%c64) step (%c1) {
      // row %c of x, times the gate of %c
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def DecomposeUnsupported : Pass<"heed-decompose-unsupported", "::mlir::ModuleOp"> {
  let summary = "Replace attn.sdpa that the CPU kernel cannot hold by its definition";
  let description = [{
    The kernel of `heed-lower-sdpa` is for f32 and constant sizes of d and e up
    to 512. What is not so is decomposed here, on tensors, so that everything
    compiles.

    Before:

    ```mlir
    %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x16x64xf16>, tensor<1x8x16x64xf16>, tensor<1x8x16x64xf16>)
        outs(%init : tensor<1x8x16x64xf16>) maps = [#q, #k, #v, #o] -> tensor<1x8x16x64xf16>
    ```

    After: `linalg.generic` ops as from `heed-decompose`.
  }];
}

def LowerSdpa : Pass<"heed-lower-sdpa", "::mlir::ModuleOp"> {
  let summary = "Expand attn.sdpa on buffers to a flash schedule in vector code";
  let description = [{
    Keys are packed once a head into panels of the register tile (values only
    where their rows are not contiguous); then blocks of queries run in
    parallel, each over the blocks of keys that it attends, with an online
    softmax. Memory is linear in the sequence: a tile of scores on the stack of
    a task. Blocks that are masked for all of their queries (causal, window,
    kv_length) are skipped.

    Before:

    ```mlir
    attn.sdpa ins(%q, %k, %v : memref<1x8x128x64xf32>, memref<1x8x128x64xf32>, memref<1x8x128x64xf32>)
        outs(%o : memref<1x8x128x64xf32>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
    ```

    After (AVX-512):

    ```mlir
    %kt = memref.alloc() {alignment = 64 : i64} : memref<1x8x2x64x64xf32>
    scf.parallel (%b, %h, %p) = (%c0, %c0, %c0) to (%c1, %c8, %c2) step (%c1, %c1, %c1) {
      // panel %p of the scaled keys, transposed by 16 x 16 squares
    }
    scf.parallel (%b, %h, %i) = (%c0, %c0, %c0) to (%c1, %c8, %c1) step (%c1, %c1, %c1) {
      %s = memref.alloca() : memref<128x144xf32>
      // s = q·kt by tiles of 6 x 4 vectors; p = 2^(s - m);
      // o = p·v by tiles; o / l
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif // HEED_PASSES_LOWER_CPU_PASSES_TD
