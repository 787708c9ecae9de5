// RUN: heed-opt %s | heed-opt | FileCheck %s

// CHECK-LABEL: func @squeeze_excite
func.func @squeeze_excite(%x: tensor<1x64x56x56xf32>, %w1: tensor<64x8xf32>, %w2: tensor<8x64xf32>,
                          %z1: tensor<1x8xf32>, %z2: tensor<1x64xf32>) -> tensor<1x64x56x56xf32> {
  // CHECK: attn.gate ins(%{{.*}} : tensor<1x64x56x56xf32>) outs(%{{.*}} : tensor<1x64x56x56xf32>)
  // CHECK-SAME: dimensions = [2, 3] pools = [avg] excite {
  // CHECK: ^bb0(%[[P:.*]]: tensor<1x64xf32>):
  // CHECK: linalg.matmul ins(%[[P]],
  // CHECK: attn.yield %{{.*}} : tensor<1x64xf32>
  %y = attn.gate ins(%x : tensor<1x64x56x56xf32>) outs(%x : tensor<1x64x56x56xf32>)
      dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x64xf32>):
      %h = linalg.matmul ins(%p, %w1 : tensor<1x64xf32>, tensor<64x8xf32>) outs(%z1 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %g = linalg.matmul ins(%h, %w2 : tensor<1x8xf32>, tensor<8x64xf32>) outs(%z2 : tensor<1x64xf32>) -> tensor<1x64xf32>
      attn.yield %g : tensor<1x64xf32>
    } -> tensor<1x64x56x56xf32>
  return %y : tensor<1x64x56x56xf32>
}

// CHECK-LABEL: func @two_pools_and_epilogue
func.func @two_pools_and_epilogue(%x: tensor<?x64x?x?xf32>, %r: tensor<?x64x?x?xf32>, %init: tensor<?x64x?x?xf32>) -> tensor<?x64x?x?xf32> {
  // CHECK: pools = [avg, max] excite {
  // CHECK: } epilogue {
  // CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32):
  %y = attn.gate ins(%x, %r : tensor<?x64x?x?xf32>, tensor<?x64x?x?xf32>) outs(%init : tensor<?x64x?x?xf32>)
      dimensions = [2, 3] pools = [avg, max] excite {
    ^bb0(%a: tensor<?x64xf32>, %m: tensor<?x64xf32>):
      attn.yield %a : tensor<?x64xf32>
    } epilogue {
    ^bb0(%xi: f32, %g: f32, %ri: f32):
      %0 = arith.mulf %xi, %g : f32
      %1 = arith.addf %0, %ri : f32
      attn.yield %1 : f32
    } -> tensor<?x64x?x?xf32>
  return %y : tensor<?x64x?x?xf32>
}
