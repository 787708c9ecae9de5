// SdpaOps.td - attn.sdpa: o = softmax_j(score(scale·q_i·k_j))·v_j.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_SDPA_OPS_TD
#define HEED_SDPA_OPS_TD

include "dialect/AttnBase.td"
include "mlir/Dialect/Linalg/IR/LinalgInterfaces.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_SdpaOp : Attn_Op<"sdpa", [
    DestinationStyleOpInterface, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<AggregatedOpInterface, ["decomposeOperation"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    RecursiveMemoryEffects
  ]> {
  let summary = "scaled dot-product attention";
  let description = [{
    ```
    s[b,h,i,j] = scale · Σ_d q[b,h,i,d] · k[b,h,j,d]
    s          = softcap · tanh(s / softcap)                 if softcap is given
    s          = s + bias[b,h,i,j]                           if bias is given
    s          = score(s, b, h, i, j)                        if the region is given
    s          = −inf where key j is not attended by query i (mask, causal, window, kv_length)
    o[b,h,i,e] = Σ_j softmax_j(s[b,h,i,j]) · v[b,h,j,e]
    lse[b,h,i] = log Σ_j exp(s[b,h,i,j])                     if lse is given
    ```

    A superset of the `Attention` operator of ONNX (opset 23–25) and of
    `torch.nn.functional.scaled_dot_product_attention` (Vaswani et al., arXiv
    1706.03762). Each tensor has a map from the iteration space
    (b, h, i, j, d, e), so that BSHD, BHSD and K-transposed need no copy; the
    maps stand in the order q, k, v, bias, mask, kv_length, o, lse, for those
    that are present.

    | value | dims of its map | elements |
    |---|---|---|
    | q | b h i d | float |
    | k | b h j d | as q |
    | v | b h j e | as q |
    | bias | b h i j | float |
    | mask | b h i j | i1, true = attend |
    | kv_length | b | integer or index |
    | init, result | b h i e | as q |
    | lse | b h i | float |

    Query i attends key j iff all hold: mask[b,h,i,j]; j < kv_length[b];
    causal: j ≤ i + off; window [l, r]: i + off − l ≤ j ≤ i + off + r (−1: no
    bound); off = 0 for none and top_left, Sk − Sq for bottom_right. A row that
    attends no key, or has no score but −inf (which a bias may add), yields NaN,
    0 or the mean of v over all keys (uniform), as `masked_rows` says.

    Constraints:

    - (sdpa_c1) one map for each present tensor; six dims; as many results as
      the tensor's rank.
    - (sdpa_c2) each map result is a distinct one of the tensor's dims in the
      table, `h floordiv G` with G a positive constant (k, v, bias, mask), or
      the constant 0 (bias, mask, kv_length; the tensor's size is then 1).
      q, k, v, o and lse hold their i, j, d and e; o and lse hold b and h
      where another tensor does, unless that size is 1.
    - (sdpa_c3) static sizes agree over all tensors for each dim; with
      `h floordiv G` the size is that of h divided by G.
    - (sdpa_c4) element types as in the table.
    - (sdpa_c5) window has two entries, each ≥ −1; softcap > 0.
    - (sdpa_c6) `score` takes (float, index, index, index, index) and yields
      the float; its scalar is converted from and to the type of the scores
      (f32 for elements below 64 bits).

    Example:

    ```mlir
    %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>)
        outs(%init : tensor<1x8x128x64xf32>)
        maps = [affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>, affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>,
                affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>, affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
        {causal = #attn.causal<top_left>, scale = 1.250000e-01 : f64} -> tensor<1x8x128x64xf32>
    ```
  }];

  let arguments = (ins AnyShaped:$q, AnyShaped:$k, AnyShaped:$v,
      Optional<AnyShaped>:$bias, Optional<AnyShaped>:$mask,
      Optional<AnyShaped>:$kv_length, AnyShaped:$init, Optional<AnyShaped>:$lse,
      AffineMapArrayAttr:$maps,
      DefaultValuedAttr<F64Attr, "1.0">:$scale,
      DefaultValuedAttr<Attn_CausalAttr, "::heed::attn::Causal::none">:$causal,
      OptionalAttr<DenseI64ArrayAttr>:$window,
      OptionalAttr<F64Attr>:$softcap,
      DefaultValuedAttr<Attn_MaskedRowsAttr, "::heed::attn::MaskedRows::nan">:$masked_rows);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region AnyRegion:$score);
  let assemblyFormat = [{
    `ins` `(` $q `,` $k `,` $v `:` type($q) `,` type($k) `,` type($v) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`kv_length` `(` $kv_length^ `:` type($kv_length) `)`)?
    `outs` `(` $init `:` type($init) `)` (`lse` `(` $lse^ `:` type($lse) `)`)?
    `maps` `=` $maps attr-dict (`score` $score^)? (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    /// Positions of the iteration space's dims in every map.
    enum Dim : unsigned { B = 0, H = 1, I = 2, J = 3, D = 4, E = 5, NumDims = 6 };

    ::mlir::MutableOperandRange getDpsInitsMutable();

    ::mlir::AffineMap getQMap();
    ::mlir::AffineMap getKMap();
    ::mlir::AffineMap getVMap();
    ::mlir::AffineMap getOMap();
    /// Null where the operand is absent.
    ::mlir::AffineMap getBiasMap();
    ::mlir::AffineMap getMaskMap();
    ::mlir::AffineMap getKvLengthMap();
    ::mlir::AffineMap getLseMap();
    /// The map of an operand that is a tensor of this op.
    ::mlir::AffineMap getMapOf(::mlir::OpOperand &operand);

    /// The static size of a dim of the iteration space, or kDynamic; 1 where
    /// no tensor holds it.
    int64_t getStaticSize(Dim dim);
    /// The same, with a tensor.dim or memref.dim built where it is dynamic.
    ::mlir::OpFoldResult getDimSize(::mlir::OpBuilder &b, Dim dim);
    /// The type of scores and sums: f32 below 64 bits.
    ::mlir::FloatType getComputeType();

    ::llvm::LogicalResult verifyScore();
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

#endif // HEED_SDPA_OPS_TD
