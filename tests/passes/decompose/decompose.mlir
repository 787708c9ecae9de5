// RUN: heed-opt %s --heed-decompose | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Pool, the body of `excite`, and a multiplication.
// CHECK-LABEL: func @gate
// CHECK-NOT: attn.
// CHECK: linalg.generic {{.*}}"reduction"
// CHECK: arith.addf
// CHECK: linalg.tanh
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK-NOT: attn.
func.func @gate(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %0 = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    %g = linalg.tanh ins(%p : tensor<1x8xf32>) outs(%p : tensor<1x8xf32>) -> tensor<1x8xf32>
    attn.yield %g : tensor<1x8xf32>
  } -> tensor<1x8x4x4xf32>
  return %0 : tensor<1x8x4x4xf32>
}

// Sizes that are known at run time only.
// CHECK-LABEL: func @sdpa
// CHECK-NOT: attn.
// CHECK: linalg.generic {{.*}}"reduction"
// CHECK: math.exp
// CHECK: linalg.generic {{.*}}"reduction"
// CHECK-NOT: attn.
func.func @sdpa(%x: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %0 = attn.sdpa ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%x : tensor<?x8x?x64xf32>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64} -> tensor<?x8x?x64xf32>
  return %0 : tensor<?x8x?x64xf32>
}

// One gate in the body of another: both go.
// CHECK-LABEL: func @nested
// CHECK-NOT: attn.
// CHECK: return
func.func @nested(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = attn.gate ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) dimensions = [1] pools = [max] excite {
  ^bb0(%p: tensor<4xf32>):
    %g = attn.gate ins(%p : tensor<4xf32>) outs(%p : tensor<4xf32>) dimensions = [0] pools = [sum] excite {
    ^bb0(%s: tensor<f32>):
      attn.yield %s : tensor<f32>
    } -> tensor<4xf32>
    attn.yield %g : tensor<4xf32>
  } -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// What is not ours stays.
// CHECK-LABEL: func @linalg_stays
// CHECK: linalg.softmax
func.func @linalg_stays(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = linalg.softmax dimension(1) ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
