// DEFINE: %{gone} = FileCheck %s --implicit-check-not="{{ (attn|tosa|linalg|tensor|memref|scf|vector|arith|math|cf|func|affine|index|ub|bufferization)\.}}" --implicit-check-not=unrealized_conversion_cast --implicit-check-not=@malloc
// RUN: heed-opt %S/Inputs/attn.mlir --heed-lower-cpu-pipeline | %{gone}
// RUN: heed-opt %S/Inputs/attn.mlir --heed-lower-cpu-pipeline=onednn=false | %{gone}
// RUN: heed-opt %S/Inputs/attn.mlir --heed-lower-cpu-pipeline | FileCheck %s --check-prefix=CALLS

// The contract of lower-cpu: llvm and calls to the runtime. Kernels never
// allocate, and nothing of ours or of the dialects between is left.

// CHECK: llvm.func @main(%{{.*}}: !llvm.ptr) -> i32

// CALLS: llvm.func @main
// CALLS-DAG: llvm.call @heed_input_dim
// CALLS-DAG: llvm.call @heed_arena
// CALLS-DAG: llvm.call @heed_parallel_region
// CALLS-DAG: llvm.call @heed_output
// CALLS: llvm.return
