// RUN: heed-opt %s --heed-recognize-rope --split-input-file --remarks-filter='heed-.*' --verify-diagnostics | FileCheck %s
// CHECK-NOT: attn.rope

// The exchanged halves alone.
func.func @no_rope_because_nothing_is_added(%x: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %negf3 = linalg.negf ins(%s2 : tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  // expected-remark @below {{expected x*cos + exchanged*sin, got another use of the exchanged halves of x}}
  %c5 = tensor.concat dim(1) %negf3, %s1 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %e7 = tensor.empty() : tensor<3x8xf32>
  %mul6 = linalg.mul ins(%c5, %s : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %mul6 : tensor<3x8xf32>
}

// -----

func.func @no_rope_because_exchanged_halves_escape(%x: tensor<3x8xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> (tensor<3x8xf32>, tensor<3x8xf32>) {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %negf3 = linalg.negf ins(%s2 : tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  // expected-remark @below {{expected the exchanged halves of x for the embedding alone, got another use of them}}
  %c5 = tensor.concat dim(1) %negf3, %s1 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %e7 = tensor.empty() : tensor<3x8xf32>
  %mul6 = linalg.mul ins(%x, %c : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %mul8 = linalg.mul ins(%c5, %s : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %add9 = linalg.add ins(%mul6, %mul8 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %add9, %c5 : tensor<3x8xf32>, tensor<3x8xf32>
}

// -----

func.func @no_rope_because_another_tensor_is_scaled(%x: tensor<3x8xf32>, %o: tensor<3x8xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %negf3 = linalg.negf ins(%s2 : tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  // expected-remark @below {{expected the cosine's factor to be the tensor whose halves are exchanged, got another one}}
  %c5 = tensor.concat dim(1) %negf3, %s1 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %e7 = tensor.empty() : tensor<3x8xf32>
  %mul6 = linalg.mul ins(%o, %c : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %mul8 = linalg.mul ins(%c5, %s : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %add9 = linalg.add ins(%mul6, %mul8 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %add9 : tensor<3x8xf32>
}

// -----

// x·cos − exchanged·sin: turned the other way.
func.func @no_rope_because_of_a_negative_angle(%x: tensor<3x8xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %negf3 = linalg.negf ins(%s2 : tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  // expected-remark @below {{expected pairs turned as x1*cos - x2*sin and x2*cos + x1*sin, got other signs}}
  %c5 = tensor.concat dim(1) %negf3, %s1 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %e7 = tensor.empty() : tensor<3x8xf32>
  %mul6 = linalg.mul ins(%x, %c : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %mul8 = linalg.mul ins(%c5, %s : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %sub9 = linalg.sub ins(%mul6, %mul8 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e7 : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %sub9 : tensor<3x8xf32>
}

// -----

func.func @no_rope_because_of_two_differences(%x: tensor<3x8xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %mul3 = linalg.mul ins(%s1, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul5 = linalg.mul ins(%s2, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %sub6 = linalg.sub ins(%mul3, %mul5 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul7 = linalg.mul ins(%s2, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul8 = linalg.mul ins(%s1, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %sub9 = linalg.sub ins(%mul7, %mul8 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  // expected-remark @below {{expected pairs turned as x1*cos - x2*sin and x2*cos + x1*sin, got other signs}}
  %c10 = tensor.concat dim(1) %sub6, %sub9 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  return %c10 : tensor<3x8xf32>
}

// -----

func.func @no_rope_because_of_two_cosines(%x: tensor<3x8xf32>, %c: tensor<3x4xf32>, %d: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s2 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e4 = tensor.empty() : tensor<3x4xf32>
  %mul3 = linalg.mul ins(%s1, %c : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul5 = linalg.mul ins(%s2, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %sub6 = linalg.sub ins(%mul3, %mul5 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul7 = linalg.mul ins(%s2, %d : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %mul8 = linalg.mul ins(%s1, %s : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %add9 = linalg.add ins(%mul7, %mul8 : tensor<3x4xf32>, tensor<3x4xf32>) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  // expected-remark @below {{expected one cosine and one sine table for both elements of a pair, got different ones}}
  %c10 = tensor.concat dim(1) %sub6, %add9 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  return %c10 : tensor<3x8xf32>
}

// -----

func.func @no_rope_because_others_pass_through(%x: tensor<3x8xf32>, %o: tensor<3x2xf32>, %c: tensor<3x2xf32>, %s: tensor<3x2xf32>) -> tensor<3x6xf32> {
  %s1 = tensor.extract_slice %x[0, 0] [3, 2] [1, 1] : tensor<3x8xf32> to tensor<3x2xf32>
  %s2 = tensor.extract_slice %x[0, 2] [3, 2] [1, 1] : tensor<3x8xf32> to tensor<3x2xf32>
  %e4 = tensor.empty() : tensor<3x2xf32>
  %mul3 = linalg.mul ins(%s1, %c : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul5 = linalg.mul ins(%s2, %s : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %sub6 = linalg.sub ins(%mul3, %mul5 : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul7 = linalg.mul ins(%s2, %c : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %mul8 = linalg.mul ins(%s1, %s : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %add9 = linalg.add ins(%mul7, %mul8 : tensor<3x2xf32>, tensor<3x2xf32>) outs(%e4 : tensor<3x2xf32>) -> tensor<3x2xf32>
  // expected-remark @below {{expected elements of x beside its rotated ones, got others}}
  %c10 = tensor.concat dim(1) %sub6, %add9, %o : (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x6xf32>
  return %c10 : tensor<3x6xf32>
}

// -----

func.func @no_rope_because_one_angle_for_all_pairs(%x: tensor<3x8xf32>, %c: tensor<3xf32>, %s: tensor<3xf32>) -> tensor<3x8xf32> {
  %e2 = tensor.empty() : tensor<3x8xf32>
  %b1 = linalg.broadcast ins(%c : tensor<3xf32>) outs(%e2 : tensor<3x8xf32>) dimensions = [1]
  %b3 = linalg.broadcast ins(%s : tensor<3xf32>) outs(%e2 : tensor<3x8xf32>) dimensions = [1]
  %s4 = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %s5 = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %e7 = tensor.empty() : tensor<3x4xf32>
  %negf6 = linalg.negf ins(%s5 : tensor<3x4xf32>) outs(%e7 : tensor<3x4xf32>) -> tensor<3x4xf32>
  // expected-remark @below {{expected tables over dimensions of x, the pairs among them, got a part of one or none}}
  %c8 = tensor.concat dim(1) %negf6, %s4 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %mul9 = linalg.mul ins(%x, %b1 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e2 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %mul10 = linalg.mul ins(%c8, %b3 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e2 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %add11 = linalg.add ins(%mul9, %mul10 : tensor<3x8xf32>, tensor<3x8xf32>) outs(%e2 : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %add11 : tensor<3x8xf32>
}
