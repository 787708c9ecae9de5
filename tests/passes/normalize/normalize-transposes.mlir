// RUN: heed-opt %s --heed-normalize-transposes | FileCheck %s

// The heads of one token.
// CHECK-LABEL: func @heads
// CHECK: %[[C:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0, 1, 2], [3]] : tensor<1x1x8x64xf32> into tensor<8x64xf32>
// CHECK: %[[E:.*]] = tensor.expand_shape %[[C]] {{\[}}[0, 1, 2], [3]] output_shape [1, 8, 1, 64] : tensor<8x64xf32> into tensor<1x8x1x64xf32>
// CHECK: return %[[E]]
func.func @heads(%x: tensor<1x1x8x64xf32>) -> tensor<1x8x1x64xf32> {
  %0 = tensor.empty() : tensor<1x8x1x64xf32>
  %t = linalg.transpose ins(%x : tensor<1x1x8x64xf32>) outs(%0 : tensor<1x8x1x64xf32>) permutation = [0, 2, 1, 3]
  return %t : tensor<1x8x1x64xf32>
}

// Of any number of rows; of ones only; without ones.
// CHECK-LABEL: func @rows
// CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0, 1], [2]] : tensor<?x1x4xf32> into tensor<?x4xf32>
// CHECK: tensor.expand_shape %{{.*}} {{\[}}[0, 1], [2]] output_shape [1, %{{.*}}, 4] : tensor<?x4xf32> into tensor<1x?x4xf32>
// CHECK: tensor.collapse_shape %{{.*}} [] : tensor<1x1xf32> into tensor<f32>
// CHECK: tensor.expand_shape %{{.*}} [] output_shape [1, 1]
// CHECK-NOT: linalg.transpose
func.func @rows(%x: tensor<?x1x4xf32>, %n: index, %one: tensor<1x1xf32>, %same: tensor<2x3xf32>) -> (tensor<1x?x4xf32>, tensor<1x1xf32>, tensor<2x3xf32>) {
  %0 = tensor.empty(%n) : tensor<1x?x4xf32>
  %t = linalg.transpose ins(%x : tensor<?x1x4xf32>) outs(%0 : tensor<1x?x4xf32>) permutation = [1, 0, 2]
  %1 = tensor.empty() : tensor<1x1xf32>
  %u = linalg.transpose ins(%one : tensor<1x1xf32>) outs(%1 : tensor<1x1xf32>) permutation = [1, 0]
  %2 = tensor.empty() : tensor<2x3xf32>
  %v = linalg.transpose ins(%same : tensor<2x3xf32>) outs(%2 : tensor<2x3xf32>) permutation = [0, 1]
  return %t, %u, %v : tensor<1x?x4xf32>, tensor<1x1xf32>, tensor<2x3xf32>
}

// Dims that change their order; a size that is 1 only at times.
// CHECK-LABEL: func @others
// CHECK-COUNT-2: linalg.transpose
func.func @others(%x: tensor<1x2x3xf32>, %y: tensor<?x4xf32>, %n: index) -> (tensor<1x3x2xf32>, tensor<4x?xf32>) {
  %0 = tensor.empty() : tensor<1x3x2xf32>
  %t = linalg.transpose ins(%x : tensor<1x2x3xf32>) outs(%0 : tensor<1x3x2xf32>) permutation = [0, 2, 1]
  %1 = tensor.empty(%n) : tensor<4x?xf32>
  %u = linalg.transpose ins(%y : tensor<?x4xf32>) outs(%1 : tensor<4x?xf32>) permutation = [1, 0]
  return %t, %u : tensor<1x3x2xf32>, tensor<4x?xf32>
}
