// RUN: heed-opt %s --heed-recognize-norm --split-input-file --remarks-filter='heed-.*' --verify-diagnostics | FileCheck %s
// CHECK-NOT: attn.norm

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// x / (sqrt(v) + epsilon).
func.func @no_norm_because_epsilon_outside(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
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
  // expected-remark @below {{expected x times 1/sqrt(variance + epsilon), got another function of them}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %root = math.sqrt %v : f32
      %re = arith.addf %root, %epsilon : f32
      %z = arith.divf %a, %re : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// The variance is about the mean; what is scaled is x itself.
func.func @no_norm_because_not_centred(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %e4 = tensor.empty() : tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %m = linalg.map ins(%sum : tensor<4xf32>) outs(%e4 : tensor<4xf32>) (%a: f32, %o: f32) {
    %q = arith.divf %a, %n : f32
    linalg.yield %q : f32
  }
  %s = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x, %m : tensor<4x8xf32>, tensor<4xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %b: f32, %t: f32):
      %d = arith.subf %a, %b : f32
      %p = arith.mulf %d, %d : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected x less the mean that the variance uses to be scaled, got another shift}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %v = arith.divf %t, %n : f32
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

// Each head gets the norm times its own weight.
func.func @no_norm_because_broadcast(%x: tensor<4x8xf32>, %heads: tensor<3x8xf32>) -> tensor<3x4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %e = tensor.empty() : tensor<3x4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  // expected-remark @below {{expected the result to have the shape of the normalised tensor, got a broadcast one}}
  %y = linalg.generic {indexing_maps = [affine_map<(h, i, j) -> (i, j)>, affine_map<(h, i, j) -> (i)>, affine_map<(h, i, j) -> (h, j)>, affine_map<(h, i, j) -> (h, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %s, %heads : tensor<4x8xf32>, tensor<4xf32>, tensor<3x8xf32>) outs(%e : tensor<3x4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %w: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %r = math.rsqrt %v : f32
      %c = arith.mulf %a, %r : f32
      %z = arith.mulf %c, %w : f32
      linalg.yield %z : f32
    } -> tensor<3x4x8xf32>
  return %y : tensor<3x4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// A residual is no bias.
func.func @no_norm_because_residual_in_one_op(%x: tensor<4x8xf32>, %res: tensor<4x8xf32>) -> tensor<4x8xf32> {
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
  // expected-remark @below {{expected a weight and a bias of the norm, got a number or a tensor of the size of x}}
  %y = linalg.generic {indexing_maps = [#id, #row, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %res : tensor<4x8xf32>, tensor<4xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %b: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %r = math.rsqrt %v : f32
      %c = arith.mulf %a, %r : f32
      %z = arith.addf %c, %b : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// The weight is the diagonal of a matrix.
func.func @no_norm_because_diagonal_weight(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
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
  // expected-remark @below {{expected x, weight and bias to have dimensions of the result, got a diagonal or a part of one}}
  %y = linalg.generic {indexing_maps = [#id, #row, affine_map<(i, j) -> (j, j)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %w : tensor<4x8xf32>, tensor<4xf32>, tensor<8x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %wi: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %r = math.rsqrt %v : f32
      %c = arith.mulf %a, %r : f32
      %z = arith.mulf %c, %wi : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// A function of the deviation gates x: no anchor, no remark.
func.func @no_anchor_because_gate_of_a_deviation(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
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
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %out: f32):
      %v = arith.divf %t, %n : f32
      %root = math.sqrt %v : f32
      %g = math.tanh %root : f32
      %z = arith.mulf %a, %g : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// A batch norm with its statistics as inputs: no anchor, no remark.
func.func @no_anchor_because_no_reduction(%x: tensor<4x8xf32>, %w: tensor<8xf32>) -> tensor<4x8xf32> {
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
  %y = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %w_: f32, %out: f32):
      %r = math.rsqrt %w_ : f32
      %z = arith.mulf %a, %r : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// Deviations as features: nothing is scaled, no remark.
func.func @no_anchor_because_nothing_is_scaled(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 0.125 : f32
  %e = tensor.empty() : tensor<4xf32>
  %q0 = tensor.empty() : tensor<4x8xf32>
  %q = linalg.square ins(%x : tensor<4x8xf32>) outs(%q0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = linalg.reduce { arith.addf } ins(%q : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.map ins(%s : tensor<4xf32>) outs(%e : tensor<4xf32>) (%a: f32, %o: f32) {
    %v = arith.mulf %a, %n : f32
    %r = math.sqrt %v : f32
    linalg.yield %r : f32
  }
  return %y : tensor<4xf32>
}
