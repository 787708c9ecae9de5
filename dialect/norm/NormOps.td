// NormOps.td - attn.norm: layer and RMS normalisation over any dimensions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_NORM_OPS_TD
#define HEED_NORM_OPS_TD

include "dialect/AttnBase.td"
include "mlir/Dialect/Linalg/IR/LinalgInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_NormOp : Attn_Op<"norm", [
    DestinationStyleOpInterface, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<AggregatedOpInterface, ["decomposeOperation"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>
  ]> {
  let summary = "normalises x over some of its dimensions";
  let description = [{
    ```
    m    = mean over D of x                  (layer)          m = 0    (rms)
    v    = mean over D of (x − m)²
    y[i] = (x[i] − m) / √(v + epsilon) · weight[i over its dims] + bias[i over its dims]
    ```

    Layer normalisation (Ba et al., arXiv 1607.06450) of tokens or of channels,
    instance and group normalisation (the latter with the groups a dimension of
    their own), and RMS normalisation (Zhang, Sennrich, arXiv 1910.07467). The
    variance is that of the population (divided by the number of elements).

    | value | shape |
    |---|---|
    | x, init, result | S, any rank ≥ 1, any layout, float elements |
    | weight, bias | the dimensions of S that their `over` names, in order |

    Constraints:

    - (norm_c1) init and result have the shape and element type of x.
    - (norm_c2) D is not empty, strictly increasing, each in [0, rank of x).
    - (norm_c3) weight and bias, where present, are floats; `over` is strictly
      increasing, each in [0, rank of x), one for each of their dims, and the
      sizes agree.
    - (norm_c4) epsilon ≥ 0.

    In place: where x dies, `outs(%x)` lets bufferisation write the result over
    x. It is a permission, never a change of meaning.

    Example:

    ```mlir
    %y = attn.norm layer ins(%x : tensor<1x128x768xf32>) weight(%w : tensor<768xf32>) over [2] bias(%b : tensor<768xf32>) over [2]
        outs(%x : tensor<1x128x768xf32>) dimensions = [2] epsilon = 1.000000e-05 -> tensor<1x128x768xf32>
    ```
  }];

  let arguments = (ins Attn_NormKindAttr:$kind, AnyShaped:$x,
      Optional<AnyShaped>:$weight, Optional<AnyShaped>:$bias, AnyShaped:$init,
      DenseI64ArrayAttr:$dimensions,
      OptionalAttr<DenseI64ArrayAttr>:$weight_dimensions,
      OptionalAttr<DenseI64ArrayAttr>:$bias_dimensions, F64Attr:$epsilon);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $kind `ins` `(` $x `:` type($x) `)`
    (`weight` `(` $weight^ `:` type($weight) `)` `over` $weight_dimensions)?
    (`bias` `(` $bias^ `:` type($bias) `)` `over` $bias_dimensions)?
    `outs` `(` $init `:` type($init) `)`
    `dimensions` `=` $dimensions `epsilon` `=` $epsilon
    attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }

    bool isNormalised(int64_t dim) {
      return ::llvm::is_contained(getDimensions(), dim);
    }
    /// The dims of x that weight or bias span; empty where they are absent.
    ::llvm::ArrayRef<int64_t> getWeightDims() {
      return getWeightDimensions().value_or(::llvm::ArrayRef<int64_t>());
    }
    ::llvm::ArrayRef<int64_t> getBiasDims() {
      return getBiasDimensions().value_or(::llvm::ArrayRef<int64_t>());
    }
    /// The type of sums: f32 below 32 bits.
    ::mlir::FloatType getComputeType();
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

#endif // HEED_NORM_OPS_TD
