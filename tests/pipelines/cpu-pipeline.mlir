// DEFINE: %{gone} = FileCheck %s --implicit-check-not="{{ (attn|tosa|linalg|tensor|memref|scf|vector|arith|math|cf|func|affine|index|ub|bufferization)\.}}" --implicit-check-not=unrealized_conversion_cast --implicit-check-not=@malloc
// RUN: heed-opt %S/Inputs/gate.mlir --heed-cpu-pipeline | %{gone}
// RUN: heed-opt %S/Inputs/gate.mlir --heed-cpu-pipeline=onednn=false | %{gone}
// RUN: heed-opt %S/Inputs/attention.mlir --heed-cpu-pipeline | %{gone}
// RUN: heed-opt %S/Inputs/attention.mlir --heed-cpu-pipeline=onednn=false | %{gone}
// RUN: heed-opt %S/recognize-tosa.mlir --heed-cpu-pipeline | %{gone}

// The whole way, from a model to LLVM: dynamic sizes, with the library and
// without, and TOSA.

// CHECK: llvm.func @main(%{{.*}}: !llvm.ptr) -> i32
