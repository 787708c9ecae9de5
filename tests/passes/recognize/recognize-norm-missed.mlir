// RUN: heed-opt %s --heed-recognize-norm --split-input-file --remarks-filter='heed-.*' --verify-diagnostics | FileCheck %s
// CHECK-NOT: attn.norm

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// Queries and keys scaled to length 1.
func.func @no_norm_because_sum_of_squares(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected a mean of squares, got a sum of squares: an L2 normalisation}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %r = math.rsqrt %t : f32
      %z = arith.mulf %a, %r : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// An unbiased variance.
func.func @no_norm_because_count_less_one(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %seven = arith.constant 7.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected the variance divided by the number of elements, got it divided by one less}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %v = arith.divf %t, %seven : f32
      %ve = arith.addf %v, %epsilon : f32
      %r = math.rsqrt %ve : f32
      %z = arith.mulf %a, %r : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// Divided by 9 of 8.
func.func @no_norm_because_other_count(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %nine = arith.constant 9.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected a mean of squares, got a sum of squares times another number than one over the count}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %v = arith.divf %t, %nine : f32
      %r = math.rsqrt %v : f32
      %z = arith.mulf %a, %r : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// max(v, epsilon).
func.func @no_norm_because_maximum_with_epsilon(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected epsilon added to the variance, got the maximum of both}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %ve = arith.maximumf %v, %epsilon : f32
      %r = math.rsqrt %ve : f32
      %z = arith.mulf %a, %r : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// The variance less a number.
func.func @no_norm_because_negative_epsilon(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %minus = arith.constant -1.0e-5 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected epsilon of 0 or more, got a negative number}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %ve = arith.addf %v, %minus : f32
      %r = math.rsqrt %ve : f32
      %z = arith.mulf %a, %r : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// The mean is an input: that of another tensor, as far as anybody knows.
func.func @no_norm_because_other_subtrahend(%x: tensor<4x8xf32>, %mean: tensor<4xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected the mean of squares less the squared mean of the same, got another subtrahend}}
  %y = linalg.generic {indexing_maps = [#id, #row, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %mean : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %m: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %mm = arith.mulf %m, %m : f32
      %d = arith.subf %v, %mm : f32
      %ve = arith.addf %d, %epsilon : f32
      %r = math.rsqrt %ve : f32
      %c = arith.subf %a, %m : f32
      %z = arith.mulf %c, %r : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// The norm of x scales another tensor.
func.func @no_norm_because_other_tensor(%x: tensor<4x8xf32>, %other: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected the tensor under the variance to be the one that is scaled, got another one}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%other, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %r = math.rsqrt %v : f32
      %z = arith.mulf %a, %r : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// x / max(length, epsilon), as F.normalize.
func.func @no_norm_because_bounded_length(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %epsilon = arith.constant 1.0e-12 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected a mean of squares, got a sum of squares: an L2 normalisation}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %r = math.sqrt %t : f32
      %m = arith.maximumf %r, %epsilon : f32
      %z = arith.divf %a, %m : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
