// Ops that the reader does not know are listed all at once, with their counts,
// whichever function they are in; nothing is written.

// RUN: rm -f %t.mlir && not heed-import %s -o %t.mlir 2>&1 | FileCheck %s
// RUN: not ls %t.mlir
// CHECK: error: {{.*}}unsupported.mlir: unsupported ops: stablehlo.cholesky (1), stablehlo.custom_call @topk (1), stablehlo.triangular_solve (1){{$}}

module @m attributes {mhlo.num_partitions = 1 : i32} {
  func.func public @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %0 = "stablehlo.cholesky"(%x) <{lower = true}> : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = call @f(%0) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = stablehlo.custom_call @topk(%1) {backend_config = ""} : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %3 = stablehlo.add %1, %2 : tensor<4x4xf32>
    return %3 : tensor<4x4xf32>
  }
  func.func private @f(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    // In a region too.
    %0:2 = stablehlo.while(%v = %x, %i = %c) : tensor<4x4xf32>, tensor<i32>
     cond {
      %n = stablehlo.constant dense<3> : tensor<i32>
      %go = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %go : tensor<i1>
    } do {
      %s = "stablehlo.triangular_solve"(%v, %v) <{left_side = true, lower = true, transpose_a = #stablehlo<transpose NO_TRANSPOSE>, unit_diagonal = false}> : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
      stablehlo.return %s, %i : tensor<4x4xf32>, tensor<i32>
    }
    return %0#0 : tensor<4x4xf32>
  }
}
