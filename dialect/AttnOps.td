// AttnOps.td - attn.yield, the terminator of every region of the dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_ATTN_OPS_TD
#define HEED_ATTN_OPS_TD

include "dialect/AttnBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_YieldOp : Attn_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "ends a region of an attn op and gives its value";
  let description = [{
    Yields the gate of an `excite` region, the scalar result of an `epilogue`
    region, or the scalar score of a `score` region.

    Example:

    ```mlir
    attn.yield %g : tensor<1x64xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange{}); }]>];
}

#endif // HEED_ATTN_OPS_TD
