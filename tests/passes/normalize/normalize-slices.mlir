// RUN: heed-opt %s --heed-normalize-slices --canonicalize --split-input-file | FileCheck %s

// Packed projections: the third of three, through reshape and transpose.
// CHECK-LABEL: func @unbind
// CHECK-SAME: (%[[X:.*]]: tensor<2x10x96xf32>)
// CHECK: %[[S:.*]] = tensor.extract_slice %[[X]][0, 0, 64] [2, 10, 32] [1, 1, 1] : tensor<2x10x96xf32> to tensor<2x10x32xf32>
// CHECK: %[[E:.*]] = tensor.expand_shape %[[S]] {{.*}} : tensor<2x10x32xf32> into tensor<2x10x4x8xf32>
// CHECK: linalg.transpose ins(%[[E]] : tensor<2x10x4x8xf32>) outs(%{{.*}} : tensor<2x4x10x8xf32>) permutation = [0, 2, 1, 3]
func.func @unbind(%x: tensor<2x10x96xf32>) -> tensor<2x4x10x8xf32> {
  %e = tensor.expand_shape %x [[0], [1], [2, 3, 4]] output_shape [2, 10, 3, 4, 8] : tensor<2x10x96xf32> into tensor<2x10x3x4x8xf32>
  %0 = tensor.empty() : tensor<3x2x4x10x8xf32>
  %t = linalg.transpose ins(%e : tensor<2x10x3x4x8xf32>) outs(%0 : tensor<3x2x4x10x8xf32>) permutation = [2, 0, 3, 1, 4]
  %s = tensor.extract_slice %t[2, 0, 0, 0, 0] [1, 2, 4, 10, 8] [1, 1, 1, 1, 1] : tensor<3x2x4x10x8xf32> to tensor<2x4x10x8xf32>
  return %s : tensor<2x4x10x8xf32>
}

// -----

// Each head holds its own three parts: the width is divided, then sliced.
// CHECK-LABEL: func @heads_first
// CHECK-SAME: (%[[X:.*]]: tensor<?x96xf32>)
// CHECK: %[[E:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] {{.*}} : tensor<?x96xf32> into tensor<?x4x24xf32>
// CHECK: tensor.extract_slice %[[E]][0, 0, 8] [%{{.*}}, 4, 8] [1, 1, 1] : tensor<?x4x24xf32> to tensor<?x4x8xf32>
func.func @heads_first(%x: tensor<?x96xf32>) -> tensor<4x?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x96xf32>
  %e = tensor.expand_shape %x [[0], [1, 2, 3]] output_shape [%n, 4, 3, 8] : tensor<?x96xf32> into tensor<?x4x3x8xf32>
  %0 = tensor.empty(%n) : tensor<3x4x?x8xf32>
  %t = linalg.transpose ins(%e : tensor<?x4x3x8xf32>) outs(%0 : tensor<3x4x?x8xf32>) permutation = [2, 1, 0, 3]
  %s = tensor.extract_slice %t[1, 0, 0, 0] [1, 4, %n, 8] [1, 1, 1, 1] : tensor<3x4x?x8xf32> to tensor<4x?x8xf32>
  return %s : tensor<4x?x8xf32>
}

// -----

// 6 = 2 x 3: rows 1 to 4 are no range of either.
// CHECK-LABEL: func @not_across_a_division
// CHECK: tensor.collapse_shape
// CHECK: tensor.extract_slice %{{.*}}[1, 0] [3, 8]
func.func @not_across_a_division(%x: tensor<2x3x8xf32>) -> tensor<3x8xf32> {
  %c = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x3x8xf32> into tensor<6x8xf32>
  %s = tensor.extract_slice %c[1, 0] [3, 8] [1, 1] : tensor<6x8xf32> to tensor<3x8xf32>
  return %s : tensor<3x8xf32>
}
