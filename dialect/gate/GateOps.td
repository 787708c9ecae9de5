// GateOps.td - attn.gate: y = epilogue(x, excite(pool_D(x))).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_GATE_OPS_TD
#define HEED_GATE_OPS_TD

include "dialect/AttnBase.td"
include "mlir/Dialect/Linalg/IR/LinalgInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_GateOp : Attn_Op<"gate", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<AggregatedOpInterface, ["decomposeOperation"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    RecursiveMemoryEffects, SingleBlock
  ]> {
  let summary = "scales x by a gate that is computed from pools of x";
  let description = [{
    ```
    p_k  = pool_k over D of x                     k = 0 … number of pools − 1
    g    = excite(p_0, p_1, …)
    y[i] = epilogue(x[i], g[i without D], extras[i]…)      default: x[i] · g
    ```

    One op for squeeze-and-excitation (Hu et al., arXiv 1709.01507), ECA (Wang
    et al., arXiv 1910.03151) and both halves of CBAM (Woo et al., arXiv
    1807.06521). The weights of `excite` are captured from above; a shared MLP
    uses the same SSA weights twice.

    | value | shape |
    |---|---|
    | x, extras, init, result | S, any rank ≥ 1, any layout, float elements |
    | pooled tensors (arguments of `excite`), g | S without the dimensions D |
    | arguments of `epilogue` | scalars: x, g, one per extra |

    Constraints:

    - (gate_c1) init, result and every extra have the shape of x.
    - (gate_c2) D is not empty, strictly increasing, each in [0, rank of x).
    - (gate_c3) `excite` has one argument a pool, of x's shape without D and
      x's element type. There may be no pool: other reductions of x (a standard
      deviation, a p-norm, a weighted sum) are ops of `excite`, which reads x.
    - (gate_c4) `excite` yields one value of the pooled shape and x's element
      type.
    - (gate_c5) `epilogue`, if present, takes scalars x, g and one per extra
      and yields one scalar of the element type of init; without it there are
      no extras, and init has the element type of x.

    In place: where x dies, `outs(%x)` lets bufferisation write the result over
    x. It is a permission, never a change of meaning.

    Example:

    ```mlir
    %y = attn.gate ins(%x : tensor<1x64x56x56xf32>) outs(%x : tensor<1x64x56x56xf32>)
        dimensions = [2, 3] pools = [avg] excite {
      ^bb0(%p: tensor<1x64xf32>):
        %h = linalg.matmul ins(%p, %w1 : tensor<1x64xf32>, tensor<64x8xf32>) outs(%z1 : tensor<1x8xf32>) -> tensor<1x8xf32>
        %g = linalg.matmul ins(%h, %w2 : tensor<1x8xf32>, tensor<8x64xf32>) outs(%z2 : tensor<1x64xf32>) -> tensor<1x64xf32>
        attn.yield %g : tensor<1x64xf32>
      } -> tensor<1x64x56x56xf32>
    ```
  }];

  let arguments = (ins AnyShaped:$x, Variadic<AnyShaped>:$extras,
                       AnyShaped:$init, DenseI64ArrayAttr:$dimensions,
                       Attn_PoolArrayAttr:$pools);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$excite, AnyRegion:$epilogue);
  let assemblyFormat = [{
    `ins` `(` $x (`,` $extras^)? `:` type($x) (`,` type($extras)^)? `)`
    `outs` `(` $init `:` type($init) `)`
    `dimensions` `=` $dimensions `pools` `=` custom<Pools>($pools)
    `excite` $excite (`epilogue` $epilogue^)? attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }

    /// The type of the pooled tensors and of the gate: x without D.
    ::mlir::ShapedType getPooledType();
    /// The pool of the k-th argument of `excite`.
    Pool getPool(unsigned k);
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

#endif // HEED_GATE_OPS_TD
