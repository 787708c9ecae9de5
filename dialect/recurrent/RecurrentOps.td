// RecurrentOps.td - attn.recurrent: LSTM, GRU and RNN layers over time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_RECURRENT_OPS_TD
#define HEED_RECURRENT_OPS_TD

include "dialect/AttnBase.td"
include "dialect/recurrent/RecurrentEnums.td"
include "mlir/Dialect/Linalg/IR/LinalgInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_RecurrentOp : Attn_Op<"recurrent", [
    DestinationStyleOpInterface, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<AggregatedOpInterface, ["decomposeOperation"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>
  ]> {
  let summary = "an LSTM, GRU or RNN layer over all time steps";
  let description = [{
    With a = x[t]·Wᵀ + bias and q = h·Rᵀ, gate by gate, for each direction:

    ```
    lstm  i = f(a_i + q_i + p_i⊙c)    f' = f(a_f + q_f + p_f⊙c)    n = g(a_c + q_c)
          c = f'⊙c + i⊙n              o = f(a_o + q_o + p_o⊙c)     h = o⊙k(c)
    gru   z = f(a_z + q_z)            r = f(a_r + q_r)
          n = g(a_h + (r⊙h)·R_hᵀ), or g(a_h + r⊙(q_h + reset_bias)) with linear_before_reset
          h = (1 − z)⊙n + z⊙h
    rnn   h = f(a + q)
    ```

    y[t] = h after step t. `forward` takes t = 0 … T − 1, `reverse` T − 1 … 0, and
    `bidirectional` one direction each. A superset of ONNX's LSTM, GRU and RNN
    (opset 22) in its memory layout 0; Hochreiter, Schmidhuber 1997; Cho et al.,
    arXiv 1406.1078. Gates lie in ONNX's order: i, o, f, c and z, r, h. G is 4, 3
    or 1 of them, D is 1 or 2 directions.

    | value | shape |
    |---|---|
    | x | T B I, or T B D·G·H without input_weights: then it is a already |
    | input_weights (W) | D G·H I |
    | weights (R) | D G·H H |
    | bias | D G·H |
    | reset_bias | D H |
    | peephole | D 3·H: p_i, p_o, p_f |
    | lengths | B, integers |
    | y | T D B H |
    | h, c | D B H: the first state before, the last state after the op |

    h and c are destinations that are read: what they hold is the state before
    the first step. Results are in the order y, h, c, for those that are
    present. `activations` are f, g, k for each direction, D times as many as
    the cell has; without them sigmoid, tanh, tanh (rnn: tanh). `alphas` and
    `betas`, where they are given, hold the constants of each:

    | activation | value |
    |---|---|
    | `sigmoid` | 1 / (1 + e^−x) |
    | `tanh`, `scaled_tanh` | tanh x, alpha · tanh(beta · x) |
    | `relu`, `leaky_relu` | x above 0; 0 or alpha · x below |
    | `thresholded_relu` | x from alpha on, 0 below |
    | `affine` | alpha · x + beta |
    | `hard_sigmoid` | min(max(alpha · x + beta, 0), 1) |
    | `elu` | x above 0, alpha · (e^x − 1) below |
    | `softsign`, `softplus` | x / (1 + abs x), log(1 + e^x) |

    With `clip`, what
    f and g take is first limited to [−clip, clip]. `coupled` has f' = 1 − i.
    With lengths, a row keeps its state and y is 0 in steps t ≥ lengths[b]; so
    in reverse it starts at its own last step.

    Constraints:

    - (recurrent_c1) the shapes are those of the table, H is static; all are of
      one float type, but lengths of integers.
    - (recurrent_c2) c, peephole and coupled are for an lstm, which has c;
      reset_bias and linear_before_reset for a gru, the first with the second.
    - (recurrent_c3) bias is for the product with input_weights.
    - (recurrent_c4) activations are those of the table, as many as the cell
      takes in all directions; alphas and betas are as many, or none.
    - (recurrent_c5) clip > 0.
    - (recurrent_c6) `library`, which says that the layer is to be one call of a
      library (`heed-lower-projection` asks whether it holds it), is for a layer with
      input_weights.

    Example:

    ```mlir
    %y, %h1, %c1 = attn.recurrent lstm forward ins(%x : tensor<10x1x8xf32>) input_weights(%w : tensor<1x64x8xf32>)
        weights(%r : tensor<1x64x16xf32>) bias(%b : tensor<1x64xf32>) y(%e : tensor<10x1x1x16xf32>)
        h(%h : tensor<1x1x16xf32>) c(%c : tensor<1x1x16xf32>) -> tensor<10x1x1x16xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>
    ```
  }];

  let arguments = (ins Attn_RecurrentKind:$kind, AnyShaped:$x,
      Optional<AnyShaped>:$input_weights, AnyShaped:$weights,
      Optional<AnyShaped>:$bias, Optional<AnyShaped>:$reset_bias,
      Optional<AnyShaped>:$peephole, Optional<AnyShaped>:$lengths,
      Optional<AnyShaped>:$y, AnyShaped:$h, Optional<AnyShaped>:$c,
      Attn_Direction:$direction,
      OptionalAttr<StrArrayAttr>:$activations,
      DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$alphas,
      DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$betas,
      OptionalAttr<F64Attr>:$clip, UnitAttr:$linear_before_reset,
      UnitAttr:$coupled, UnitAttr:$library);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $kind $direction `ins` `(` $x `:` type($x) `)`
    (`input_weights` `(` $input_weights^ `:` type($input_weights) `)`)?
    `weights` `(` $weights `:` type($weights) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`reset_bias` `(` $reset_bias^ `:` type($reset_bias) `)`)?
    (`peephole` `(` $peephole^ `:` type($peephole) `)`)?
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    (`y` `(` $y^ `:` type($y) `)`)? `h` `(` $h `:` type($h) `)`
    (`c` `(` $c^ `:` type($c) `)`)?
    (`activations` `=` $activations^)? attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable();

    int64_t getGates() {
      return getKind() == RecurrentKind::lstm ? 4
             : getKind() == RecurrentKind::gru ? 3 : 1;
    }
    int64_t getDirections() {
      return getDirection() == Direction::bidirectional ? 2 : 1;
    }
    int64_t getHidden() {
      return ::llvm::cast<::mlir::ShapedType>(getWeights().getType()).getDimSize(2);
    }
    /// Whether this direction walks from the last step to the first.
    bool isReverse(int64_t direction) {
      return getDirection() == Direction::reverse || direction == 1;
    }
    /// f, g, k of one direction.
    ::llvm::SmallVector<Activation> getActivationsOf(int64_t direction);
    /// Those of a cell that names none.
    ::llvm::SmallVector<Activation> getDefaultActivations();
    /// f32 below 32 bits.
    ::mlir::FloatType getComputeType();
    /// The results on tensors; y's is null where there is none.
    ::mlir::Value getYResult() { return getY() ? getResult(0) : ::mlir::Value(); }
    ::mlir::Value getHResult() { return getResult(getY() ? 1 : 0); }
    ::mlir::Value getCResult() { return getResult(getY() ? 2 : 1); }
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

#endif // HEED_RECURRENT_OPS_TD
