// RUN: heed-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @transposed_table
// CHECK-SAME: (%[[X:.*]]: tensor<2x4x8xf32>, %[[C:.*]]: tensor<4x2x3xf32>, %[[S:.*]]: tensor<3xf32>)
// CHECK: attn.rope ins(%[[X]] {{.*}}) cos(%[[C]] : tensor<4x2x3xf32>) over [1, 0, 2] sin(%[[S]] : tensor<3xf32>) over [2]
func.func @transposed_table(%x: tensor<2x4x8xf32>, %c: tensor<4x2x3xf32>, %s: tensor<3xf32>) -> tensor<2x4x8xf32> {
  %e = tensor.empty() : tensor<3x4x2xf32>
  %t = linalg.transpose ins(%c : tensor<4x2x3xf32>) outs(%e : tensor<3x4x2xf32>) permutation = [2, 0, 1]
  %y = attn.rope ins(%x : tensor<2x4x8xf32>) cos(%t : tensor<3x4x2xf32>) over [2, 1, 0] sin(%s : tensor<3xf32>) over [2]
      outs(%x : tensor<2x4x8xf32>) dimension = 2 rotated = 6 -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// CHECK-LABEL: func @repeated_table
// CHECK-SAME: (%[[X:.*]]: tensor<2x4x8xf32>, %[[C:.*]]: tensor<4x3xf32>)
// CHECK: cos(%[[C]] : tensor<4x3xf32>) over [1, 2] sin(%[[C]] : tensor<4x3xf32>) over [1, 2]
func.func @repeated_table(%x: tensor<2x4x8xf32>, %c: tensor<4x3xf32>) -> tensor<2x4x8xf32> {
  %e = tensor.empty() : tensor<2x4x3xf32>
  %t = linalg.broadcast ins(%c : tensor<4x3xf32>) outs(%e : tensor<2x4x3xf32>) dimensions = [0]
  %y = attn.rope ins(%x : tensor<2x4x8xf32>) cos(%t : tensor<2x4x3xf32>) over [0, 1, 2] sin(%c : tensor<4x3xf32>) over [1, 2]
      outs(%x : tensor<2x4x8xf32>) dimension = 2 rotated = 6 -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// Repeated along the pairs: the op cannot say that.
// CHECK-LABEL: func @same_for_all_pairs
// CHECK: linalg.broadcast
// CHECK: over [0, 1]
func.func @same_for_all_pairs(%x: tensor<4x8xf32>, %c: tensor<4xf32>, %s: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %t = linalg.broadcast ins(%c : tensor<4xf32>) outs(%e : tensor<4x4xf32>) dimensions = [1]
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%t : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1]
      outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: func @equal_halves
// CHECK-SAME: (%{{.*}}: tensor<4x8xf32>, %[[C:.*]]: tensor<4x4xf32>, %[[S:.*]]: tensor<4x4xf32>)
// CHECK: cos(%[[C]] : tensor<4x4xf32>) over [0, 1] sin(%[[S]] : tensor<4x4xf32>) over [0, 1]
func.func @equal_halves(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %cc = tensor.concat dim(1) %c, %c : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  %ss = tensor.concat dim(1) %s, %s : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%cc : tensor<4x8xf32>) over [0, 1] sin(%ss : tensor<4x8xf32>) over [0, 1]
      outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// Equal halves are no equal neighbours.
// CHECK-LABEL: func @equal_halves_interleaved
// CHECK: tensor.concat
// CHECK: cos(%{{.*}} : tensor<4x8xf32>)
func.func @equal_halves_interleaved(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %cc = tensor.concat dim(1) %c, %c : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%cc : tensor<4x8xf32>) over [0, 1] sin(%cc : tensor<4x8xf32>) over [0, 1]
      outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 interleaved -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
