// Ops that the reader does not know are listed all at once, with their counts,
// whichever function they are in; nothing is written.

// RUN: rm -f %t.mlir && not heed-import %s -o %t.mlir 2>&1 | FileCheck %s
// RUN: not ls %t.mlir
// CHECK: error: {{.*}}unsupported.mlir: unsupported ops: stablehlo.cholesky (1), stablehlo.custom_call @topk (1), stablehlo.sort (2){{$}}

module @m attributes {mhlo.num_partitions = 1 : i32} {
  func.func public @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %0 = "stablehlo.cholesky"(%x) <{lower = true}> : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = call @f(%0) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = stablehlo.custom_call @topk(%1) {backend_config = ""} : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %3 = stablehlo.add %1, %2 : tensor<4x4xf32>
    return %3 : tensor<4x4xf32>
  }
  func.func private @f(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %0 = "stablehlo.sort"(%x) ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    }) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = "stablehlo.sort"(%0) ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = stablehlo.compare GT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    }) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    return %1 : tensor<4x4xf32>
  }
}
