// PrimitiveOps.td - attn.primitive: one call of a library primitive.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PRIMITIVE_OPS_TD
#define HEED_PRIMITIVE_OPS_TD

include "dialect/AttnBase.td"
include "dialect/primitive/PrimitiveAttrs.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_PrimitiveOp : Attn_Op<"primitive", [
    DestinationStyleOpInterface, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>
  ]> {
  let summary = "a primitive of a library, with its bias and post-ops";
  let description = [{
    ```
    y = post_n(… post_1(kind(src, weights) + bias) …)
    ```

    What `heed-lower-onednn` collects from linalg and `heed-lower-primitive`
    turns into one call of the runtime. The op has no decomposition: it is made
    from linalg late in the CPU pipeline, and only where a library holds it.

    Each kind has logical dims, in the order of this table. `b…` are any number
    of batch dims, `d…` of spatial dims (1 to 3, the same number throughout):

    | kind | src | weights | bias | dst |
    |---|---|---|---|---|
    | `matmul` | b… m k | b… k n | n | b… m n |
    | `convolution` | n c d… | g o i d… | o | n o d… |
    | `deconvolution` | n c d… | g o i d… | o | n o d… |
    | `pool_avg`, `pool_avg_include_pad`, `pool_max` | n c d… | | | n c d… |
    | `reorder` | d… | | | d… |

    `layouts` has one entry for each operand (src, weights, bias, the tensors of
    post-ops, init): the operand's dimension for each logical dim, or −1 for a
    logical dim of size 1 that the operand does not have. So every permutation
    of dims in memory, weights without groups, depthwise weights, and operands
    that broadcast need neither copy nor reshape. Tensors of post-ops have the
    logical dims of dst, each of dst's size or of size 1.

    `g` is the number of groups: c = g·i; the o of dst and bias is g·o of the
    weights. The attributes of convolutions and pools have one entry a spatial
    dim; `pool_avg` divides by the taps inside src, `pool_avg_include_pad` by
    all:

    ```
    convolution    d_dst = (d_src + pad_low + pad_high − (kernel − 1)·dilations − 1) / strides + 1
    deconvolution  d_dst = (d_src − 1)·strides + (kernel − 1)·dilations + 1 − pad_low − pad_high
    ```

    `device` (`heed-lower-gpu-library`): the runtime may run it on the GPU, where
    its operands are then up to date.

    Constraints:

    - (primitive_c1) operands are those of the table, float, of one type; one
      layout each, of the table's length.
    - (primitive_c2) a layout names each dimension of its operand once.
    - (primitive_c3) strides, dilations, pad_low, pad_high and kernel have one
      entry a spatial dim (none for other kinds); pads ≥ 0, the others ≥ 1.
    - (primitive_c4) static sizes agree by the table and the formulas above.
    - (primitive_c5) as many post-op tensors as post-ops that take one; `reorder`
      has no post-ops.

    Example:

    ```mlir
    %y = attn.primitive convolution ins(%x, %w : tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>)
        bias(%b : tensor<16xf32>) post(%r : tensor<1x16x4x4xf32>) outs(%init : tensor<1x16x4x4xf32>)
        layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0], [0, 1, 2, 3], [0, 1, 2, 3]]
        post_ops = [#attn.post_op<add>, #attn.post_op<clip, 0.000000e+00, 6.000000e+00>]
        {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pad_high = array<i64: 0, 0>,
         pad_low = array<i64: 1, 1>, strides = array<i64: 2, 2>} -> tensor<1x16x4x4xf32>
    ```
  }];

  let arguments = (ins Attn_PrimitiveKindAttr:$kind, AnyShaped:$src,
      Optional<AnyShaped>:$weights, Optional<AnyShaped>:$bias,
      Variadic<AnyShaped>:$post, AnyShaped:$init,
      IndexListArrayAttr:$layouts,
      DefaultValuedAttr<Attn_PostOpArrayAttr, "{}">:$post_ops,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dilations,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$pad_low,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$pad_high,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$kernel,
      UnitAttr:$device);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $kind `ins` `(` $src (`,` $weights^)? `:` type($src) (`,` type($weights)^)? `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`post` `(` $post^ `:` type($post) `)`)?
    `outs` `(` $init `:` type($init) `)`
    `layouts` `=` $layouts (`post_ops` `=` $post_ops^)?
    attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }

    /// The layout of the operand with this number.
    ::llvm::SmallVector<int64_t> getLayout(unsigned operand);
    /// The operand's size along each of its logical dims; 1 where it has none.
    ::llvm::SmallVector<int64_t> getLogicalShape(unsigned operand);

    bool isPool() {
      return getKind() >= PrimitiveKind::pool_avg &&
             getKind() <= PrimitiveKind::pool_max;
    }
    bool isConvolution() {
      return getKind() == PrimitiveKind::convolution ||
             getKind() == PrimitiveKind::deconvolution;
    }
  }];
  let hasVerifier = 1;
}

#endif // HEED_PRIMITIVE_OPS_TD
