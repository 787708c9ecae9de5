// RopeOps.td - attn.rope: rotary position embedding along any dimension.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_ROPE_OPS_TD
#define HEED_ROPE_OPS_TD

include "dialect/AttnBase.td"
include "mlir/Dialect/Linalg/IR/LinalgInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_RopeOp : Attn_Op<"rope", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<AggregatedOpInterface, ["decomposeOperation"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>
  ]> {
  let summary = "turns pairs of elements of x by angles of their position";
  let description = [{
    With R = `rotated`, elements a and b of `dimension` are a pair:

    ```
    half-split:   a = k,    b = k + R/2     k < R/2
    interleaved:  a = 2·k,  b = 2·k + 1

    y[a] = x[a]·cos[a] − x[b]·sin[a]
    y[b] = x[b]·cos[b] + x[a]·sin[b]
    y[i] = x[i]                             i ≥ R: passes through
    ```

    Rotary position embedding (Su et al., arXiv 2104.09864): y = x·cos +
    rotate(x)·sin, of queries and keys before attention. A table has one number
    for each pair (then cos[a] = cos[b] = cos[k]) or one for each element, and is
    the same for all dimensions of x that its `over` does not name.

    | value | shape |
    |---|---|
    | x, init, result | S, any rank ≥ 1, float elements; S[dimension] is static |
    | cos, sin | the dimensions of S that their `over` names, in its order; R/2 or R along `dimension` |

    Constraints:

    - (rope_c1) init and result have the shape and element type of x.
    - (rope_c2) 0 ≤ dimension < rank of x, of static size.
    - (rope_c3) R is even, 2 ≤ R ≤ the size of dimension.
    - (rope_c4) a table has floats; its `over` names each of its dimensions,
      `dimension` among them, none twice; sizes agree with x, R/2 or R along
      `dimension`.

    In place: where x dies, `outs(%x)` lets bufferisation write the result over
    x. It is a permission, never a change of meaning.

    Example:

    ```mlir
    %y = attn.rope ins(%x : tensor<1x32x512x128xf32>) cos(%c : tensor<512x64xf32>) over [2, 3] sin(%s : tensor<512x64xf32>) over [2, 3]
        outs(%x : tensor<1x32x512x128xf32>) dimension = 3 rotated = 128 -> tensor<1x32x512x128xf32>
    ```
  }];

  let arguments = (ins AnyShaped:$x, AnyShaped:$cos, AnyShaped:$sin,
      AnyShaped:$init, DenseI64ArrayAttr:$cos_dimensions,
      DenseI64ArrayAttr:$sin_dimensions, I64Attr:$dimension, I64Attr:$rotated,
      UnitAttr:$interleaved);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)`
    `cos` `(` $cos `:` type($cos) `)` `over` $cos_dimensions
    `sin` `(` $sin `:` type($sin) `)` `over` $sin_dimensions
    `outs` `(` $init `:` type($init) `)`
    `dimension` `=` $dimension `rotated` `=` $rotated
    (`interleaved` $interleaved^)? attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }

    /// The number of pairs, R/2.
    int64_t getPairs() { return static_cast<int64_t>(getRotated()) / 2; }
    /// Which dim of a table, whose `over` this is, runs along `dimension`.
    int64_t getTableDim(::llvm::ArrayRef<int64_t> over) {
      return ::llvm::find(over, static_cast<int64_t>(getDimension())) - over.begin();
    }
    /// The type of sums: f32 below 32 bits.
    ::mlir::FloatType getComputeType();
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

#endif // HEED_ROPE_OPS_TD
