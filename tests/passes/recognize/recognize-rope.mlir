// RUN: heed-opt %s --heed-recognize-rope --cse --canonicalize | FileCheck %s

// x·cos + concat(−x[4:], x[:4])·sin, one table for all of dimension 0.
// CHECK-LABEL: func @half_split
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x8xf32>, %[[C:.*]]: tensor<3x8xf32>, %[[S:.*]]: tensor<3x8xf32>)
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<2x3x8xf32>) cos(%[[C]] : tensor<3x8xf32>) over [1, 2] sin(%[[S]] : tensor<3x8xf32>) over [1, 2]
// CHECK-SAME: outs(%[[X]] : tensor<2x3x8xf32>) dimension = 2 rotated = 8 ->
// CHECK-NEXT: return %[[Y]]
func.func @half_split(%x: tensor<2x3x8xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<2x3x8xf32> {
  %e2 = tensor.empty() : tensor<2x3x8xf32>
  %b1 = linalg.broadcast ins(%c : tensor<3x8xf32>) outs(%e2 : tensor<2x3x8xf32>) dimensions = [0]
  %b3 = linalg.broadcast ins(%s : tensor<3x8xf32>) outs(%e2 : tensor<2x3x8xf32>) dimensions = [0]
  %s4 = tensor.extract_slice %x[0, 0, 0] [2, 3, 4] [1, 1, 1] : tensor<2x3x8xf32> to tensor<2x3x4xf32>
  %s5 = tensor.extract_slice %x[0, 0, 4] [2, 3, 4] [1, 1, 1] : tensor<2x3x8xf32> to tensor<2x3x4xf32>
  %e7 = tensor.empty() : tensor<2x3x4xf32>
  %negf6 = linalg.negf ins(%s5 : tensor<2x3x4xf32>) outs(%e7 : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %c8 = tensor.concat dim(2) %negf6, %s4 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x8xf32>
  %mul9 = linalg.mul ins(%x, %b1 : tensor<2x3x8xf32>, tensor<2x3x8xf32>) outs(%e2 : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %mul10 = linalg.mul ins(%c8, %b3 : tensor<2x3x8xf32>, tensor<2x3x8xf32>) outs(%e2 : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %add11 = linalg.add ins(%mul9, %mul10 : tensor<2x3x8xf32>, tensor<2x3x8xf32>) outs(%e2 : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %add11 : tensor<2x3x8xf32>
}

// Both halves computed apart, a number a pair.
// CHECK-LABEL: func @halves_together
// CHECK-SAME: (%[[X:.*]]: tensor<3x8xf32>, %[[C:.*]]: tensor<3x4xf32>, %[[S:.*]]: tensor<3x4xf32>)
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<3x8xf32>) cos(%[[C]] : tensor<3x4xf32>) over [0, 1] sin(%[[S]] : tensor<3x4xf32>) over [0, 1]
// CHECK-SAME: dimension = 1 rotated = 8 ->
// CHECK-NEXT: return %[[Y]]
func.func @halves_together(%x: tensor<3x8xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %mul3 = linalg.mul ins(%s1, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul5 = linalg.mul ins(%s2, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %sub6 = linalg.sub ins(%mul3, %mul5 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul7 = linalg.mul ins(%s2, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul8 = linalg.mul ins(%s1, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %add9 = linalg.add ins(%mul7, %mul8 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %c10 = tensor.concat dim(1) %sub6, %add9 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  return %c10 : tensor<3x8xf32>
}

// Pairs of neighbours, by every second element; operands in the other order.
// CHECK-LABEL: func @even_and_odd
// CHECK-SAME: (%[[X:.*]]: tensor<3x8xf32>, %[[C:.*]]: tensor<3x8xf32>, %[[S:.*]]: tensor<3x8xf32>)
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<3x8xf32>) cos(%[[C]] : tensor<3x8xf32>) over [0, 1] sin(%[[S]] : tensor<3x8xf32>) over [0, 1]
// CHECK-SAME: dimension = 1 rotated = 8 interleaved ->
// CHECK-NEXT: return %[[Y]]
func.func @even_and_odd(%x: tensor<3x8xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 2] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 1] [3, 4] [1, 2] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %negf3 = linalg.negf ins(%s2 : tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %x5 = tensor.expand_shape %negf3 [[0], [1, 2]] output_shape [3, 4, 1] : tensor<3x4xf32> into tensor<3x4x1xf32>
  %x6 = tensor.expand_shape %s1 [[0], [1, 2]] output_shape [3, 4, 1] : tensor<3x4xf32> into tensor<3x4x1xf32>
  %c7 = tensor.concat dim(2) %x5, %x6 : (tensor<3x4x1xf32>, tensor<3x4x1xf32>) -> tensor<3x4x2xf32>
  %k8 = tensor.collapse_shape %c7 [[0], [1, 2]] : tensor<3x4x2xf32> into tensor<3x8xf32>
  %e10 = tensor.empty() : tensor<3x8xf32>
  %mul9 = linalg.mul ins(%s, %k8 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e10 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %mul11 = linalg.mul ins(%x, %c : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e10 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %add12 = linalg.add ins(%mul9, %mul11 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e10 : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %add12 : tensor<3x8xf32>
}

// The product of complex numbers, real and imaginary parts last.
// CHECK-LABEL: func @complex_numbers
// CHECK-SAME: (%[[X:.*]]: tensor<3x8xf32>, %[[C:.*]]: tensor<3x4xf32>, %[[S:.*]]: tensor<3x4xf32>)
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<3x8xf32>) cos(%[[C]] : tensor<3x4xf32>) over [0, 1] sin(%[[S]] : tensor<3x4xf32>) over [0, 1]
// CHECK-SAME: dimension = 1 rotated = 8 interleaved ->
// CHECK-NEXT: return %[[Y]]
func.func @complex_numbers(%x: tensor<3x8xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %x1 = tensor.expand_shape %x [[0], [1, 2]] output_shape [3, 4, 2] : tensor<3x8xf32> into tensor<3x4x2xf32>
  %s2 = tensor.extract_slice %x1[0, 0, 0] [3, 4, 1] [1, 1, 1] : tensor<3x4x2xf32> to tensor<3x4x1xf32>
  %k3 = tensor.collapse_shape %s2 [[0], [1, 2]] : tensor<3x4x1xf32> into tensor<3x4xf32>
  %s4 = tensor.extract_slice %x1[0, 0, 1] [3, 4, 1] [1, 1, 1] : tensor<3x4x2xf32> to tensor<3x4x1xf32>
  %k5 = tensor.collapse_shape %s4 [[0], [1, 2]] : tensor<3x4x1xf32> into tensor<3x4xf32>
  %e7 = tensor.empty() : tensor<3x4xf32>
  %mul6 = linalg.mul ins(%k3, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e7 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul8 = linalg.mul ins(%k5, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e7 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %sub9 = linalg.sub ins(%mul6, %mul8 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e7 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul10 = linalg.mul ins(%k5, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e7 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul11 = linalg.mul ins(%k3, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e7 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %add12 = linalg.add ins(%mul10, %mul11 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e7 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %x13 = tensor.expand_shape %sub9 [[0], [1, 2]] output_shape [3, 4, 1] : tensor<3x4xf32> into tensor<3x4x1xf32>
  %x14 = tensor.expand_shape %add12 [[0], [1, 2]] output_shape [3, 4, 1] : tensor<3x4xf32> into tensor<3x4x1xf32>
  %c15 = tensor.concat dim(2) %x13, %x14 : (tensor<3x4x1xf32>, tensor<3x4x1xf32>) -> tensor<3x4x2xf32>
  %k16 = tensor.collapse_shape %c15 [[0], [1, 2]] : tensor<3x4x2xf32> into tensor<3x8xf32>
  return %k16 : tensor<3x8xf32>
}

// The first 4 of 16 elements turn.
// CHECK-LABEL: func @a_quarter
// CHECK-SAME: (%[[X:.*]]: tensor<3x16xf32>, %[[C:.*]]: tensor<3x4xf32>, %[[S:.*]]: tensor<3x4xf32>)
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<3x16xf32>) cos(%[[C]] : tensor<3x4xf32>) over [0, 1] sin(%[[S]] : tensor<3x4xf32>) over [0, 1]
// CHECK-SAME: outs(%[[X]] : tensor<3x16xf32>) dimension = 1 rotated = 4 ->
// CHECK-NEXT: return %[[Y]]
func.func @a_quarter(%x: tensor<3x16xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x16xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x16xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 12] [1, 1] : tensor<3x16xf32> to tensor<3x12xf32>
  %s3 = tensor.extract_slice %s1[0, 0] [3, 2] [1, 1] : tensor<3x4xf32> to tensor<3x2xf32>
  %s4 = tensor.extract_slice %s1[0, 2] [3, 2] [1, 1] : tensor<3x4xf32> to tensor<3x2xf32>
  %e6 = tensor.empty() : tensor<3x2xf32>
  %negf5 = linalg.negf ins(%s4 : tensor<3x2xf32>) outs(%e6 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %c7 = tensor.concat dim(1) %negf5, %s3 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x4xf32>
  %e9 = tensor.empty() : tensor<3x4xf32>
  %mul8 = linalg.mul ins(%s1, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e9 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul10 = linalg.mul ins(%c7, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e9 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %add11 = linalg.add ins(%mul8, %mul10 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e9 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %c12 = tensor.concat dim(1) %add11, %s2 : (tensor<3x4xf32>, tensor<3x12xf32>) -> tensor<3x16xf32>
  return %c12 : tensor<3x16xf32>
}

// The rotated part does not divide the dimension.
// CHECK-LABEL: func @six_of_ten
// CHECK-SAME: (%[[X:.*]]: tensor<3x10xf32>, %[[C:.*]]: tensor<3x6xf32>, %[[S:.*]]: tensor<3x6xf32>)
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<3x10xf32>) cos(%[[C]] : tensor<3x6xf32>) over [0, 1] sin(%[[S]] : tensor<3x6xf32>) over [0, 1]
// CHECK-SAME: outs(%[[X]] : tensor<3x10xf32>) dimension = 1 rotated = 6 ->
// CHECK-NEXT: return %[[Y]]
func.func @six_of_ten(%x: tensor<3x10xf32>, %c: tensor<3x6xf32>, %s: tensor<3x6xf32>) -> tensor<3x10xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 6] [1, 1] : tensor<3x10xf32> to tensor<3x6xf32>
  %s2 = tensor.extract_slice %x[0, 6] [3, 4] [1, 1] : tensor<3x10xf32> to tensor<3x4xf32>
  %s3 = tensor.extract_slice %s1[0, 0] [3, 3] [1, 1] : tensor<3x6xf32> to tensor<3x3xf32>
  %s4 = tensor.extract_slice %s1[0, 3] [3, 3] [1, 1] : tensor<3x6xf32> to tensor<3x3xf32>
  %e6 = tensor.empty() : tensor<3x3xf32>
  %negf5 = linalg.negf ins(%s4 : tensor<3x3xf32>) outs(%e6 : tensor<3x3xf32>) -> tensor<3x3xf32>
  %c7 = tensor.concat dim(1) %negf5, %s3 : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x6xf32>
  %e9 = tensor.empty() : tensor<3x6xf32>
  %mul8 = linalg.mul ins(%s1, %c : tensor<3x6xf32>, tensor<3x6xf32>) outs(%e9 : tensor<3x6xf32>) -> tensor<3x6xf32>
  %mul10 = linalg.mul ins(%c7, %s : tensor<3x6xf32>, tensor<3x6xf32>) outs(%e9 : tensor<3x6xf32>) -> tensor<3x6xf32>
  %add11 = linalg.add ins(%mul8, %mul10 : tensor<3x6xf32>, tensor<3x6xf32>) outs(%e9 : tensor<3x6xf32>) -> tensor<3x6xf32>
  %c12 = tensor.concat dim(1) %add11, %s2 : (tensor<3x6xf32>, tensor<3x4xf32>) -> tensor<3x10xf32>
  return %c12 : tensor<3x10xf32>
}

// Both halves and the rest in one concatenation.
// CHECK-LABEL: func @three_parts
// CHECK-SAME: (%[[X:.*]]: tensor<3x10xf32>,
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<3x10xf32>) {{.*}} dimension = 1 rotated = 4 ->
// CHECK-NEXT: return %[[Y]]
func.func @three_parts(%x: tensor<3x10xf32>, %c: tensor<3x2xf32>, %s: tensor<3x2xf32>) -> tensor<3x10xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 2] [1, 1] : tensor<3x10xf32> to tensor<3x2xf32>
  %s2 = tensor.extract_slice %x[0, 2] [3, 2] [1, 1] : tensor<3x10xf32> to tensor<3x2xf32>
  %e4 = tensor.empty() : tensor<3x2xf32>
  %mul3 = linalg.mul ins(%s1, %c : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul5 = linalg.mul ins(%s2, %s : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %sub6 = linalg.sub ins(%mul3, %mul5 : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul7 = linalg.mul ins(%s2, %c : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul8 = linalg.mul ins(%s1, %s : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %add9 = linalg.add ins(%mul7, %mul8 : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %s10 = tensor.extract_slice %x[0, 4] [3, 6] [1, 1] : tensor<3x10xf32> to tensor<3x6xf32>
  %c11 = tensor.concat dim(1) %sub6, %add9, %s10 : (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x6xf32>) -> tensor<3x10xf32>
  return %c11 : tensor<3x10xf32>
}

// CHECK-LABEL: func @interleaved_partial
// CHECK-SAME: (%[[X:.*]]: tensor<3x12xf32>,
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<3x12xf32>) {{.*}} dimension = 1 rotated = 4 interleaved ->
// CHECK-NEXT: return %[[Y]]
func.func @interleaved_partial(%x: tensor<3x12xf32>, %c: tensor<3x2xf32>, %s: tensor<3x2xf32>) -> tensor<3x12xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x12xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %s1[0, 0] [3, 2] [1, 2] : tensor<3x4xf32> to tensor<3x2xf32>
  %s3 = tensor.extract_slice %s1[0, 1] [3, 2] [1, 2] : tensor<3x4xf32> to tensor<3x2xf32>
  %e5 = tensor.empty() : tensor<3x2xf32>
  %mul4 = linalg.mul ins(%s2, %c : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e5 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul6 = linalg.mul ins(%s3, %s : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e5 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %sub7 = linalg.sub ins(%mul4, %mul6 : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e5 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul8 = linalg.mul ins(%s3, %c : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e5 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul9 = linalg.mul ins(%s2, %s : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e5 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %add10 = linalg.add ins(%mul8, %mul9 : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e5 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %x11 = tensor.expand_shape %sub7 [[0], [1, 2]] output_shape [3, 2, 1] : tensor<3x2xf32> into tensor<3x2x1xf32>
  %x12 = tensor.expand_shape %add10 [[0], [1, 2]] output_shape [3, 2, 1] : tensor<3x2xf32> into tensor<3x2x1xf32>
  %c13 = tensor.concat dim(2) %x11, %x12 : (tensor<3x2x1xf32>, tensor<3x2x1xf32>) -> tensor<3x2x2xf32>
  %k14 = tensor.collapse_shape %c13 [[0], [1, 2]] : tensor<3x2x2xf32> into tensor<3x4xf32>
  %s15 = tensor.extract_slice %x[0, 4] [3, 8] [1, 1] : tensor<3x12xf32> to tensor<3x8xf32>
  %c16 = tensor.concat dim(1) %k14, %s15 : (tensor<3x4xf32>, tensor<3x8xf32>) -> tensor<3x12xf32>
  return %c16 : tensor<3x12xf32>
}

// What is beside the rotated elements is not the rest of x: it stays apart.
// CHECK-LABEL: func @beside_another_tensor
// CHECK: %[[R:.*]] = attn.rope ins(%{{.*}} : tensor<3x4xf32>) {{.*}} dimension = 1 rotated = 4 ->
// CHECK: tensor.concat dim(1) %[[R]], %{{.*}}
func.func @beside_another_tensor(%x: tensor<3x8xf32>, %o: tensor<3x4xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %s1[0, 0] [3, 2] [1, 1] : tensor<3x4xf32> to tensor<3x2xf32>
  %s3 = tensor.extract_slice %s1[0, 2] [3, 2] [1, 1] : tensor<3x4xf32> to tensor<3x2xf32>
  %e5 = tensor.empty() : tensor<3x2xf32>
  %negf4 = linalg.negf ins(%s3 : tensor<3x2xf32>) outs(%e5 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %c6 = tensor.concat dim(1) %negf4, %s2 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x4xf32>
  %e8 = tensor.empty() : tensor<3x4xf32>
  %mul7 = linalg.mul ins(%s1, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e8 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul9 = linalg.mul ins(%c6, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e8 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %add10 = linalg.add ins(%mul7, %mul9 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e8 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %c11 = tensor.concat dim(1) %add10, %o : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  return %c11 : tensor<3x8xf32>
}

// In the layout of the projection: heads are transposed afterwards.
// CHECK-LABEL: func @heads_of_a_projection
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x16xf32>, %[[C:.*]]: tensor<3x8xf32>, %[[S:.*]]: tensor<3x8xf32>)
// CHECK: %[[Q:.*]] = tensor.expand_shape %[[X]] {{\[}}[0], [1], [2, 3]] output_shape [2, 3, 2, 8]
// CHECK: %[[R:.*]] = attn.rope ins(%[[Q]] : tensor<2x3x2x8xf32>) cos(%[[C]] : tensor<3x8xf32>) over [1, 3] sin(%[[S]] : tensor<3x8xf32>) over [1, 3]
// CHECK-SAME: dimension = 3 rotated = 8
// CHECK: %[[Y:.*]] = linalg.transpose ins(%[[R]] : tensor<2x3x2x8xf32>) {{.*}} permutation = [0, 2, 1, 3]
// CHECK: return %[[Y]]
func.func @heads_of_a_projection(%x: tensor<2x3x16xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<2x2x3x8xf32> {
  %x1 = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [2, 3, 2, 8] : tensor<2x3x16xf32> into tensor<2x3x2x8xf32>
  %e3 = tensor.empty() : tensor<2x2x3x8xf32>
  %t2 = linalg.transpose ins(%x1 : tensor<2x3x2x8xf32>) outs(%e3 : tensor<2x2x3x8xf32>) permutation = [0, 2, 1, 3]
  %s4 = tensor.extract_slice %x1[0, 0, 0, 0] [2, 3, 2, 4] [1, 1, 1, 1] : tensor<2x3x2x8xf32> to tensor<2x3x2x4xf32>
  %e6 = tensor.empty() : tensor<2x2x3x4xf32>
  %t5 = linalg.transpose ins(%s4 : tensor<2x3x2x4xf32>) outs(%e6 : tensor<2x2x3x4xf32>) permutation = [0, 2, 1, 3]
  %s7 = tensor.extract_slice %x1[0, 0, 0, 4] [2, 3, 2, 4] [1, 1, 1, 1] : tensor<2x3x2x8xf32> to tensor<2x3x2x4xf32>
  %t8 = linalg.transpose ins(%s7 : tensor<2x3x2x4xf32>) outs(%e6 : tensor<2x2x3x4xf32>) permutation = [0, 2, 1, 3]
  %negf9 = linalg.negf ins(%t8 : tensor<2x2x3x4xf32>) outs(%e6 : tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32>
  %c10 = tensor.concat dim(3) %negf9, %t5 : (tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32>) -> tensor<2x2x3x8xf32>
  %b11 = linalg.broadcast ins(%c : tensor<3x8xf32>) outs(%e3 : tensor<2x2x3x8xf32>) dimensions = [0, 1]
  %mul12 = linalg.mul ins(%t2, %b11 : tensor<2x2x3x8xf32>, tensor<2x2x3x8xf32>) outs(%e3 : tensor<2x2x3x8xf32>) -> tensor<2x2x3x8xf32>
  %b13 = linalg.broadcast ins(%s : tensor<3x8xf32>) outs(%e3 : tensor<2x2x3x8xf32>) dimensions = [0, 1]
  %mul14 = linalg.mul ins(%c10, %b13 : tensor<2x2x3x8xf32>, tensor<2x2x3x8xf32>) outs(%e3 : tensor<2x2x3x8xf32>) -> tensor<2x2x3x8xf32>
  %add15 = linalg.add ins(%mul12, %mul14 : tensor<2x2x3x8xf32>, tensor<2x2x3x8xf32>) outs(%e3 : tensor<2x2x3x8xf32>) -> tensor<2x2x3x8xf32>
  return %add15 : tensor<2x2x3x8xf32>
}

// Sizes that only the program knows are those of operands, not of the result.
// CHECK-LABEL: func @heads_of_any_positions
// CHECK: %[[R:.*]] = attn.rope ins(%{{.*}} : tensor<?x2x8xf32>) cos(%{{.*}} : tensor<?x4xf32>) over [0, 2] sin(%{{.*}} : tensor<?x4xf32>) over [0, 2]
// CHECK: linalg.transpose ins(%[[R]] : tensor<?x2x8xf32>)
func.func @heads_of_any_positions(%x: tensor<?x16xf32>, %c: tensor<?x4xf32>, %s: tensor<?x4xf32>) -> tensor<2x?x8xf32> {
  %i = arith.constant 0 : index
  %n = tensor.dim %x, %i : tensor<?x16xf32>
  %x1 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 8] : tensor<?x16xf32> into tensor<?x2x8xf32>
  %s2 = tensor.extract_slice %x1[0, 0, 0] [%n, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
  %e4 = tensor.empty(%n) : tensor<2x?x4xf32>
  %t3 = linalg.transpose ins(%s2 : tensor<?x2x4xf32>) outs(%e4 : tensor<2x?x4xf32>) permutation = [1, 0, 2]
  %s5 = tensor.extract_slice %x1[0, 0, 4] [%n, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
  %t6 = linalg.transpose ins(%s5 : tensor<?x2x4xf32>) outs(%e4 : tensor<2x?x4xf32>) permutation = [1, 0, 2]
  %b7 = linalg.broadcast ins(%c : tensor<?x4xf32>) outs(%e4 : tensor<2x?x4xf32>) dimensions = [0]
  %b8 = linalg.broadcast ins(%s : tensor<?x4xf32>) outs(%e4 : tensor<2x?x4xf32>) dimensions = [0]
  %mul9 = linalg.mul ins(%t3, %b7 : tensor<2x?x4xf32>, tensor<2x?x4xf32>) outs(%e4 : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %mul10 = linalg.mul ins(%t6, %b8 : tensor<2x?x4xf32>, tensor<2x?x4xf32>) outs(%e4 : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %sub11 = linalg.sub ins(%mul9, %mul10 : tensor<2x?x4xf32>, tensor<2x?x4xf32>) outs(%e4 : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %mul12 = linalg.mul ins(%t6, %b7 : tensor<2x?x4xf32>, tensor<2x?x4xf32>) outs(%e4 : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %mul13 = linalg.mul ins(%t3, %b8 : tensor<2x?x4xf32>, tensor<2x?x4xf32>) outs(%e4 : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %add14 = linalg.add ins(%mul12, %mul13 : tensor<2x?x4xf32>, tensor<2x?x4xf32>) outs(%e4 : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %c15 = tensor.concat dim(2) %sub11, %add14 : (tensor<2x?x4xf32>, tensor<2x?x4xf32>) -> tensor<2x?x8xf32>
  return %c15 : tensor<2x?x8xf32>
}

// CHECK-LABEL: func @inserted_slices_of_merged_rows
// CHECK: %[[X:.*]] = tensor.expand_shape %{{.*}} {{\[}}[0, 1], [2]] output_shape [2, 3, 8]
// CHECK: %[[Y:.*]] = attn.rope ins(%[[X]] : tensor<2x3x8xf32>) {{.*}} over [1, 2] {{.*}} over [1, 2] {{.*}} dimension = 2 rotated = 8 ->
// CHECK: return %[[Y]]
func.func @inserted_slices_of_merged_rows(%x: tensor<6x8xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<2x3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [6, 4] [1, 1] : tensor<6x8xf32> to tensor<6x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [6, 4] [1, 1] : tensor<6x8xf32> to tensor<6x4xf32>
  %e4 = tensor.empty() : tensor<6x4xf32>
  %negf3 = linalg.negf ins(%s2 : tensor<6x4xf32>) outs(%e4 : tensor<6x4xf32>) -> tensor<6x4xf32>
  %e5 = tensor.empty() : tensor<6x8xf32>
  %i6 = tensor.insert_slice %negf3 into %e5[0, 0] [6, 4] [1, 1] : tensor<6x4xf32> into tensor<6x8xf32>
  %i7 = tensor.insert_slice %s1 into %i6[0, 4] [6, 4] [1, 1] : tensor<6x4xf32> into tensor<6x8xf32>
  %x8 = tensor.expand_shape %x [[0, 1], [2]] output_shape [2, 3, 8] : tensor<6x8xf32> into tensor<2x3x8xf32>
  %x9 = tensor.expand_shape %i7 [[0, 1], [2]] output_shape [2, 3, 8] : tensor<6x8xf32> into tensor<2x3x8xf32>
  %e11 = tensor.empty() : tensor<2x3x8xf32>
  %b10 = linalg.broadcast ins(%c : tensor<3x8xf32>) outs(%e11 : tensor<2x3x8xf32>) dimensions = [0]
  %mul12 = linalg.mul ins(%x8, %b10 : tensor<2x3x8xf32>, tensor<2x3x8xf32>) outs(%e11 : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %b13 = linalg.broadcast ins(%s : tensor<3x8xf32>) outs(%e11 : tensor<2x3x8xf32>) dimensions = [0]
  %mul14 = linalg.mul ins(%x9, %b13 : tensor<2x3x8xf32>, tensor<2x3x8xf32>) outs(%e11 : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %add15 = linalg.add ins(%mul12, %mul14 : tensor<2x3x8xf32>, tensor<2x3x8xf32>) outs(%e11 : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %add15 : tensor<2x3x8xf32>
}

// The second third of a packed projection.
// CHECK-LABEL: func @packed_keys
// CHECK: %[[K:.*]] = tensor.extract_slice %{{.*}}[0, 8] [3, 8] [1, 1]
// CHECK: attn.rope ins(%[[K]] : tensor<3x8xf32>) {{.*}} dimension = 1 rotated = 8 ->
func.func @packed_keys(%x: tensor<3x24xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 8] [3, 8] [1, 1] : tensor<3x24xf32> to tensor<3x8xf32>
  %s2 = tensor.extract_slice %s1[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s3 = tensor.extract_slice %s1[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e5 = tensor.empty() : tensor<3x4xf32>
  %negf4 = linalg.negf ins(%s3 : tensor<3x4xf32>) outs(%e5 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %c6 = tensor.concat dim(1) %negf4, %s2 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %e8 = tensor.empty() : tensor<3x8xf32>
  %mul7 = linalg.mul ins(%s1, %c : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e8 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %mul9 = linalg.mul ins(%c6, %s : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e8 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %add10 = linalg.add ins(%mul7, %mul9 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e8 : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %add10 : tensor<3x8xf32>
}

// CHECK-LABEL: func @packed_keys_partial
// CHECK: %[[K:.*]] = tensor.extract_slice %{{.*}}[0, 8] [3, 8] [1, 1]
// CHECK-NEXT: %[[Y:.*]] = attn.rope ins(%[[K]] : tensor<3x8xf32>) {{.*}} dimension = 1 rotated = 4 ->
// CHECK-NEXT: return %[[Y]]
func.func @packed_keys_partial(%x: tensor<3x24xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 8] [3, 8] [1, 1] : tensor<3x24xf32> to tensor<3x8xf32>
  %s2 = tensor.extract_slice %s1[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s3 = tensor.extract_slice %s2[0, 0] [3, 2] [1, 1] : tensor<3x4xf32> to tensor<3x2xf32>
  %s4 = tensor.extract_slice %s2[0, 2] [3, 2] [1, 1] : tensor<3x4xf32> to tensor<3x2xf32>
  %e6 = tensor.empty() : tensor<3x2xf32>
  %negf5 = linalg.negf ins(%s4 : tensor<3x2xf32>) outs(%e6 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %c7 = tensor.concat dim(1) %negf5, %s3 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x4xf32>
  %e9 = tensor.empty() : tensor<3x4xf32>
  %mul8 = linalg.mul ins(%s2, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e9 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul10 = linalg.mul ins(%c7, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e9 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %add11 = linalg.add ins(%mul8, %mul10 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e9 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %s12 = tensor.extract_slice %s1[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %c13 = tensor.concat dim(1) %add11, %s12 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  return %c13 : tensor<3x8xf32>
}

// x·cos − concat(x[4:], −x[:4])·sin
// CHECK-LABEL: func @other_signs
// CHECK: attn.rope
func.func @other_signs(%x: tensor<3x8xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %negf3 = linalg.negf ins(%s1 : tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %c5 = tensor.concat dim(1) %s2, %negf3 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %e7 = tensor.empty() : tensor<3x8xf32>
  %mul6 = linalg.mul ins(%x, %c : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %mul8 = linalg.mul ins(%c5, %s : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %sub9 = linalg.sub ins(%mul6, %mul8 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %sub9 : tensor<3x8xf32>
}

// Both tables in one tensor; a size that only the program knows.
// CHECK-LABEL: func @tables_in_one
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[T:.*]]: tensor<?x8xf32>)
// CHECK-DAG: %[[C:.*]] = tensor.extract_slice %[[T]][0, 0] [%{{.*}}, 4] [1, 1]
// CHECK-DAG: %[[S:.*]] = tensor.extract_slice %[[T]][0, 4] [%{{.*}}, 4] [1, 1]
// CHECK: attn.rope ins(%[[X]] : tensor<?x8xf32>) cos(%[[C]] : tensor<?x4xf32>) over [0, 1] sin(%[[S]] : tensor<?x4xf32>) over [0, 1]
func.func @tables_in_one(%x: tensor<?x8xf32>, %t: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %i = arith.constant 0 : index
  %n = tensor.dim %x, %i : tensor<?x8xf32>
  %s1 = tensor.extract_slice %t[0, 0] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %s2 = tensor.extract_slice %t[0, 4] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %s3 = tensor.extract_slice %x[0, 0] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %s4 = tensor.extract_slice %x[0, 4] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %e6 = tensor.empty(%n) : tensor<?x4xf32>
  %mul5 = linalg.mul ins(%s3, %s1 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e6 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %mul7 = linalg.mul ins(%s4, %s2 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e6 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %sub8 = linalg.sub ins(%mul5, %mul7 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e6 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %mul9 = linalg.mul ins(%s4, %s1 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e6 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %mul10 = linalg.mul ins(%s3, %s2 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e6 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %add11 = linalg.add ins(%mul9, %mul10 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e6 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %c12 = tensor.concat dim(1) %sub8, %add11 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  return %c12 : tensor<?x8xf32>
}

// Rolled elements and a table of equal halves.
// CHECK-LABEL: func @no_anchors
// CHECK-NOT: attn.rope
func.func @no_anchors(%x: tensor<3x8xf32>, %c: tensor<3x4xf32>) -> (tensor<3x8xf32>, tensor<3x8xf32>) {
  %s1 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %c3 = tensor.concat dim(1) %s1, %s2 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %c4 = tensor.concat dim(1) %c, %c : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  return %c3, %c4 : tensor<3x8xf32>, tensor<3x8xf32>
}
