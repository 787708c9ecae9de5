// Passes.td - linalg to calls of oneDNN primitives.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_ONEDNN_PASSES_TD
#define HEED_PASSES_LOWER_ONEDNN_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerOnednn : Pass<"heed-lower-onednn", "::mlir::ModuleOp"> {
  let summary = "Turn contractions, convolutions and poolings with their epilogues into primitives";
  let description = [{
    On tensors, before bufferisation. Named linalg ops and generics are the same
    here: contractions and convolutions are found by upstream's inference. An
    `attn.primitive` takes in padding, transpositions of operands and of the
    result, bias, elementwise consumers (recognised by what they compute), and
    constants of each output channel, which go into constant weights. What no
    primitive holds stays as it is.

    With `device`, primitives are for the libraries of a GPU: of f16 and bf16 as
    of f32, with a bias but without consumers, which are kernels there.

    Before:

    ```mlir
    %p = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] { ^bb0(%i: index, …): tensor.yield %zero : f32 } : tensor<1x8x6x6xf32> to tensor<1x8x8x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    %c = linalg.conv_2d_nchw_fchw ins(%p, %w : tensor<1x8x8x8xf32>, tensor<4x8x3x3xf32>) outs(%f : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    %y = linalg.generic … ins(%c) … { ^bb0(%a: f32, %o: f32): %m = arith.maximumf %a, %zero : f32  linalg.yield %m : f32 }
    ```

    After:

    ```mlir
    %y = attn.primitive convolution ins(%x, %w : tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) outs(%e : tensor<1x4x6x6xf32>)
        layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]] post_ops = [#attn.post_op<relu>]
        {pad_low = array<i64: 1, 1>, …} -> tensor<1x4x6x6xf32>
    ```
  }];
  let dependentDialects = [
    "::heed::attn::AttnDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
  let options = [
    Option<"device", "device", "bool", "false", "primitives for the libraries of a GPU">
  ];
}

def LowerLayout : Pass<"heed-lower-layout", "::mlir::ModuleOp"> {
  let summary = "Keep the channels of convolutional networks last in memory";
  let description = [{
    On tensors, after `heed-lower-onednn`. Convolutions are fastest with their
    channels last, and converting around each of them costs as much as the work
    itself. Each convolution and pool writes its result so, with a transposition
    behind it; those sink through elementwise ops, gates, reshapes, pads, slices
    and concatenations, and vanish in the layouts of primitives and in
    reductions. What is left, mostly at the graph's edge, and other
    transpositions of f32 become primitives.

    Before:

    ```mlir
    %a = attn.primitive convolution ins(%x, %w : …) outs(%e : tensor<1x16x8x8xf32>) layouts = [[0, 1, 2, 3], …, [0, 1, 2, 3]] …
    %y = attn.primitive convolution ins(%a, %v : …) outs(%f : tensor<1x8x8x8xf32>) layouts = [[0, 1, 2, 3], …, [0, 1, 2, 3]] …
    ```

    After:

    ```mlir
    %a = attn.primitive convolution ins(%x, %w : …) outs(%e : tensor<1x8x8x16xf32>) layouts = [[0, 1, 2, 3], …, [0, 3, 1, 2]] …
    %b = attn.primitive convolution ins(%a, %v : …) outs(%f : tensor<1x8x8x8xf32>) layouts = [[0, 3, 1, 2], …, [0, 3, 1, 2]] …
    %y = attn.primitive reorder ins(%b : tensor<1x8x8x8xf32>) outs(%g : tensor<1x8x8x8xf32>) layouts = [[0, 3, 1, 2], [0, 1, 2, 3]]
    ```
  }];
  let dependentDialects = [
    "::heed::attn::AttnDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def LowerNarrowDeconvolution : Pass<"heed-lower-narrow-deconvolution", "::mlir::ModuleOp"> {
  let summary = "Turn transposed convolutions to few channels into 1x1 convolutions";
  let description = [{
    On tensors, after `heed-lower-layout`. A transposed convolution whose kernel
    is its stride gives each pixel's results by themselves: it is a 1x1
    convolution to a channel for each tap and a reorder of the taps to their
    places. The library's own has code for blocks of many channels only; with
    one, as at the end of a segmentation network, it takes seven times as long.

    Before:

    ```mlir
    %y = attn.primitive deconvolution ins(%x, %w : tensor<1x80x120x24xf32>, tensor<24x1x2x2xf32>) outs(%e : tensor<1x1x160x240xf32>)
        layouts = [[0, 3, 1, 2], [-1, 1, 0, 2, 3], [0, 1, 2, 3]] post_ops = [#attn.post_op<sigmoid>]
        {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, …} -> tensor<1x1x160x240xf32>
    ```

    After:

    ```mlir
    %u = attn.primitive convolution ins(%x, %v : tensor<1x80x120x24xf32>, tensor<4x24xf32>) outs(%f : tensor<1x80x120x4xf32>)
        layouts = [[0, 3, 1, 2], [-1, 0, 1, -1, -1], [0, 3, 1, 2]] post_ops = [#attn.post_op<sigmoid>]
        {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, …} -> tensor<1x80x120x4xf32>
    %s = tensor.expand_shape %u [[0], [1], [2], [3, 4, 5]] … : tensor<1x80x120x4xf32> into tensor<1x80x120x2x2x1xf32>
    %t = attn.primitive reorder ins(%s : tensor<1x80x120x2x2x1xf32>) outs(%g : tensor<1x1x80x2x120x2xf32>)
        layouts = [[0, 5, 1, 3, 2, 4], [0, 1, 2, 3, 4, 5]] -> tensor<1x1x80x2x120x2xf32>
    %y = tensor.collapse_shape %t [[0], [1], [2, 3], [4, 5]] : tensor<1x1x80x2x120x2xf32> into tensor<1x1x160x240xf32>
    ```
  }];
  let dependentDialects = [
    "::heed::attn::AttnDialect", "::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def LowerPrimitive : Pass<"heed-lower-primitive", "::mlir::ModuleOp"> {
  let summary = "Turn primitives on memrefs into calls of the runtime";
  let description = [{
    After bufferisation, in functions whose argument 0 is the runtime's context.
    Each `attn.primitive` gets a constant record of what it is
    (`runtime/support/SiteRecord.h`) and passes its operands' pointers, sizes and
    strides in words on the stack.

    Before:

    ```mlir
    attn.primitive matmul ins(%a, %b : memref<4x8xf32>, memref<8x16xf32>) outs(%c : memref<4x16xf32>)
        layouts = [[0, 1], [0, 1], [0, 1]]
    ```

    After:

    ```mlir
    memref.store %pointer_a, %call[%c0] : memref<15xi64>
    …
    %status = call @heed_onednn_primitive(%context, %record, %call) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"
  ];
}

#endif // HEED_PASSES_LOWER_ONEDNN_PASSES_TD
