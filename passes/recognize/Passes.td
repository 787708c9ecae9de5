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
    of its dimensions, or from another reduction of it that stays in the
    excitation (a minimum, a p-norm, a standard deviation, a sum with constant
    weights for each channel). Any spelling of the pools, any layout, any
    reshape or broadcast between, any pure excitation. Each multiplication by a broadcast
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

def RecognizeSoftmax : Pass<"heed-recognize-softmax", "::mlir::ModuleOp"> {
  let summary = "Raise the normalised exponential to linalg.softmax";
  let description = [{
    Finds exp(x − m) / Σ exp(x − m), m constant along the sum, over any data
    movement, in one op or several, by division or by the reciprocal; also
    where the division comes after the product with the values, where it is in
    the exponent as exp(x − log Σ exp(x)), where the base is another number than
    e, and where the exponential is zero for masked elements.

    Before:

    ```mlir
    %e = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %max : tensor<4x8xf32>, tensor<4xf32>) outs(%0 : tensor<4x8xf32>) {
      ^bb0(%a: f32, %m: f32, %out: f32):
        %s = arith.subf %a, %m : f32
        %p = math.exp %s : f32
        linalg.yield %p : f32
      } -> tensor<4x8xf32>
    %sum = linalg.reduce {arith.addf} ins(%e : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
    %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%e, %sum : tensor<4x8xf32>, tensor<4xf32>) outs(%0 : tensor<4x8xf32>) {
      ^bb0(%a: f32, %s: f32, %out: f32):
        %q = arith.divf %a, %s : f32
        linalg.yield %q : f32
      } -> tensor<4x8xf32>
    ```

    After:

    ```mlir
    %p = linalg.softmax dimension(1) ins(%x : tensor<4x8xf32>) outs(%0 : tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def RecognizeSdpa : Pass<"heed-recognize-sdpa", "::mlir::ModuleOp"> {
  let summary = "Recognise softmax(score(Q K^T)) V as attn.sdpa";
  let description = [{
    Takes each `linalg.softmax` for an anchor, and fuses the product of queries
    and keys before it, the elementwise score between, and the product with the
    values after it. Movement of data goes into the maps, constant factors into
    `scale`, constant and computed triangles and bands into `causal` and
    `window`, other masks and addends into operands, the rest into the `score`
    region. Every anchor gets one remark: passed, or missed with the reason.
    Probabilities with other users stay computed beside the fused op.

    Before:

    ```mlir
    %s = linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%q, %k : tensor<8x128x64xf32>, tensor<8x128x64xf32>) outs(%zero : tensor<8x128x128xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        %t = arith.addf %c, %m : f32
        linalg.yield %t : f32
      } -> tensor<8x128x128xf32>
    %p = linalg.softmax dimension(2) ins(%s : tensor<8x128x128xf32>) outs(%0 : tensor<8x128x128xf32>) -> tensor<8x128x128xf32>
    %o = linalg.batch_matmul ins(%p, %v : tensor<8x128x128xf32>, tensor<8x128x64xf32>)
        outs(%1 : tensor<8x128x64xf32>) -> tensor<8x128x64xf32>
    ```

    After:

    ```mlir
    %o = attn.sdpa ins(%q4, %k4, %v4 : tensor<8x1x128x64xf32>, tensor<8x1x128x64xf32>, tensor<8x1x128x64xf32>)
        outs(%2 : tensor<8x1x128x64xf32>) maps = [#bhid, #bhjd, #bhje, #bhie] {scale = 1.0 : f64} -> tensor<8x1x128x64xf32>
    ```
  }];
  let dependentDialects = ["::heed::attn::AttnDialect"];
}

def RecognizeNorm : Pass<"heed-recognize-norm", "::mlir::ModuleOp"> {
  let summary = "Recognize layer and RMS normalisation as attn.norm";
  let description = [{
    Takes each root (or its reciprocal, or a power ±1/2) over a mean of squares
    for an anchor, and fuses the statistics before it, the scaling after it,
    weight and bias: any order of products and quotients, one or two passes
    over x, any dimensions, any movement between. Every anchor gets one remark,
    category `heed-recognize`, name `norm`: passed, or missed with the reason.

    Before:

    ```mlir
    %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
      ^bb0(%a: f32, %t: f32):
        %p = arith.mulf %a, %a : f32
        %u = arith.addf %t, %p : f32
        linalg.yield %u : f32
      } -> tensor<4xf32>
    %y = linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %s, %w : tensor<4x8xf32>, tensor<4xf32>, tensor<8xf32>) outs(%0 : tensor<4x8xf32>) {
      ^bb0(%a: f32, %t: f32, %b: f32, %out: f32):
        %v = arith.divf %t, %eight : f32
        %e = arith.addf %v, %epsilon : f32
        %r = math.rsqrt %e : f32
        %n = arith.mulf %a, %r : f32
        %z = arith.mulf %n, %b : f32
        linalg.yield %z : f32
      } -> tensor<4x8xf32>
    ```

    After:

    ```mlir
    %y = attn.norm rms ins(%x : tensor<4x8xf32>) weight(%w : tensor<8xf32>) over [1]
        outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 1.000000e-05 -> tensor<4x8xf32>
    ```
  }];
  let dependentDialects = ["::heed::attn::AttnDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def RecognizeRope : Pass<"heed-recognize-rope", "::mlir::ModuleOp"> {
  let summary = "Recognize rotary position embedding as attn.rope";
  let description = [{
    Takes each concatenation of two halves of a tensor for an anchor: exchanged,
    one of them negated, or turned already. Half-split and interleaved pairs, of
    all elements or of the first ones, by any slices, reshapes and transpositions.
    Every anchor gets one remark, category `heed-recognize`, name `rope`: passed,
    or missed with the reason.

    Before:

    ```mlir
    %a = tensor.extract_slice %x[0, 0] [16, 4] [1, 1] : tensor<16x8xf32> to tensor<16x4xf32>
    %b = tensor.extract_slice %x[0, 4] [16, 4] [1, 1] : tensor<16x8xf32> to tensor<16x4xf32>
    %n = linalg.negf ins(%b : tensor<16x4xf32>) outs(%0 : tensor<16x4xf32>) -> tensor<16x4xf32>
    %r = tensor.concat dim(1) %n, %a : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x8xf32>
    %c = linalg.mul ins(%x, %cos : tensor<16x8xf32>, tensor<16x8xf32>) outs(%1 : tensor<16x8xf32>) -> tensor<16x8xf32>
    %s = linalg.mul ins(%r, %sin : tensor<16x8xf32>, tensor<16x8xf32>) outs(%1 : tensor<16x8xf32>) -> tensor<16x8xf32>
    %y = linalg.add ins(%c, %s : tensor<16x8xf32>, tensor<16x8xf32>) outs(%1 : tensor<16x8xf32>) -> tensor<16x8xf32>
    ```

    After:

    ```mlir
    %y = attn.rope ins(%x : tensor<16x8xf32>) cos(%cos : tensor<16x8xf32>) over [0, 1] sin(%sin : tensor<16x8xf32>) over [0, 1]
        outs(%x : tensor<16x8xf32>) dimension = 1 rotated = 8 -> tensor<16x8xf32>
    ```
  }];
  let dependentDialects = ["::heed::attn::AttnDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def RecognizeRecurrent : Pass<"heed-recognize-recurrent", "::mlir::ModuleOp"> {
  let summary = "Report the recurrent layers that the model spells as one op";
  let description = [{
    LSTM, GRU and RNN nodes of ONNX are imported as `attn.recurrent`. Each gets
    one remark, category `heed-recognize`, name `recurrent`; one that is to be
    left unfused becomes its definition, a loop over time.

    ```mlir
    %h1 = attn.recurrent rnn forward ins(%x : tensor<10x1x8xf32>) input_weights(%w : tensor<1x16x8xf32>)
        weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
    ```
  }];
  let dependentDialects = ["::heed::attn::AttnDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // HEED_PASSES_RECOGNIZE_PASSES_TD
