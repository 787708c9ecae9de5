// Passes.td - what the lowering adds for a profile.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_PROFILE_PASSES_TD
#define HEED_PASSES_LOWER_PROFILE_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerProfile : Pass<"heed-lower-profile", "::mlir::ModuleOp"> {
  let summary = "Mark where each kernel begins and ends, for a profile";
  let description = [{
    Calls of the runtime around linalg and attn ops on buffers, copies, and
    loops that hold none of these, with what the kernel computes and moves at
    the sizes of the run. Runs after `heed-lower-entry` and before kernels
    become loops; only where a profile is asked for. The module attribute
    `attn.kernels` lists the kernels by number, each with the names of its
    nodes.

    Before:

    ```mlir
    linalg.exp ins(%x : memref<8x64xf32>) outs(%y : memref<8x64xf32>)
    ```

    After:

    ```mlir
    llvm.call @heed_profile_begin(%ctx, %k) : (!llvm.ptr, i64) -> ()
    linalg.exp ins(%x : memref<8x64xf32>) outs(%y : memref<8x64xf32>)
    llvm.call @heed_profile_end(%ctx, %k, %flops, %bytes) : (!llvm.ptr, i64, f64, f64) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // HEED_PASSES_LOWER_PROFILE_PASSES_TD
