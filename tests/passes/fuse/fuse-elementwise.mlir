// RUN: heed-opt %s --heed-fuse-elementwise | FileCheck %s

#id = affine_map<(n) -> (n)>

// CHECK-LABEL: func @chain
// CHECK-COUNT-1: linalg.generic
// CHECK: arith.addf
// CHECK: arith.maximumf
// CHECK-NOT: linalg.generic
func.func @chain(%x: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%x, %b : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%0 : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.maximumf %a, %zero : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// A row product stays what it is, between its reshapes.
// CHECK-LABEL: func @row
// CHECK: linalg.generic
// CHECK: tensor.collapse_shape
// CHECK: linalg.vecmat
// CHECK: tensor.expand_shape
#heads = affine_map<(h, d) -> (h, d)>
func.func @row(%x: tensor<2x4xf32>, %w: tensor<8x6xf32>, %y: tensor<6xf32>) -> tensor<1x6xf32> {
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = linalg.generic {indexing_maps = [#heads, #heads], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  %1 = tensor.collapse_shape %0 [[0, 1]] : tensor<2x4xf32> into tensor<8xf32>
  %2 = linalg.vecmat ins(%1, %w : tensor<8xf32>, tensor<8x6xf32>) outs(%y : tensor<6xf32>) -> tensor<6xf32>
  %3 = tensor.expand_shape %2 [[0, 1]] output_shape [1, 6] : tensor<6xf32> into tensor<1x6xf32>
  return %3 : tensor<1x6xf32>
}
