// RUN: heed-opt %s --heed-recognize-gate --remarks-filter='heed-.*' --verify-diagnostics -o - | FileCheck %s

// One function a reason; none becomes an attn.gate.
// CHECK-NOT: attn.gate

#id2 = affine_map<(d0, d1) -> (d0, d1)>
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#nc = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#nch = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#nhw = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#full = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, 0)>
!x = tensor<2x8x4x4xf32>
!p = tensor<2x8xf32>

func.func @no_gate_because_another_tensor_is_pooled(%x: !x, %w: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%w : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  // expected-remark @below {{expected the pooled tensor to be the scaled tensor, got a pool of another one (linalg.reduce)}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_a_function_of_it_is_pooled(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %f = linalg.exp ins(%x : !x) outs(%big : !x) -> !x loc("/act/Exp")
  %s = linalg.reduce { arith.addf } ins(%f : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  // expected-remark @below {{expected the pooled tensor to be the scaled tensor, got a pool of linalg.exp '/act/Exp' of it}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_windows_do_not_cover(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %e1 = tensor.empty() : tensor<2x8x1x1xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %window = tensor.empty() : tensor<3x4xf32>
  %s = linalg.pooling_nchw_sum {strides = dense<4> : vector<2xi64>} ins(%x, %window : !x, tensor<3x4xf32>) outs(%z1 : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  // expected-remark @below {{expected pools over whole dimensions, got windows that cover a part (linalg.pooling_nchw_sum)}}
  %y = linalg.generic {indexing_maps = [#id, #full, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %s : !x, tensor<2x8x1x1xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_a_power_is_pooled(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %q = linalg.square ins(%x : !x) outs(%big : !x) -> !x
  %s = linalg.reduce { arith.addf } ins(%q : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.abs ins(%s : !p) outs(%e : !p) -> !p
  // expected-remark @below {{expected a pool of the scaled tensor, got a pool of a power of it: a normalisation}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_the_factor_is_a_reciprocal(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.map ins(%s : !p) outs(%e : !p) (%i: f32, %o: f32) {
    %one = arith.constant 1.0 : f32
    %d = arith.divf %one, %i : f32
    linalg.yield %d : f32
  }
  // expected-remark @below {{expected a gate, got a normalisation: the factor is a reciprocal of a reduction}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_the_pool_is_weighted(%x: !x, %w: tensor<2x4x4xf32>) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %e1 = tensor.empty() : tensor<2x4x4xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %flat = tensor.collapse_shape %w [[0], [1, 2]] : tensor<2x4x4xf32> into tensor<2x16xf32>
  %e2 = tensor.empty() : tensor<2x16xf32>
  %soft = linalg.softmax dimension(1) ins(%flat : tensor<2x16xf32>) outs(%e2 : tensor<2x16xf32>) -> tensor<2x16xf32>
  %k = tensor.expand_shape %soft [[0], [1, 2]] output_shape [2, 4, 4] : tensor<2x16xf32> into tensor<2x4x4xf32>
  %s = linalg.generic {indexing_maps = [#id, #nhw, #nc], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%x, %k : !x, tensor<2x4x4xf32>) outs(%z : !p) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    %a = arith.addf %m, %o : f32
    linalg.yield %a : f32
  } -> !p
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  // expected-remark @below {{expected a mean, maximum or sum as the pool, got a softmax-weighted sum}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_x_is_read_directly(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %v = tensor.extract_slice %x[0, 0, 0, 0] [2, 8, 1, 1] [1, 1, 1, 1] : !x to !p
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.add ins(%s, %v : !p, !p) outs(%e : !p) -> !p
  // expected-remark @below {{expected a gate that depends on the scaled tensor through its pools only, got a direct use by tensor.extract_slice}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_the_sum_starts_at_one(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %one = arith.constant 1.0 : f32
  %z1 = linalg.fill ins(%one : f32) outs(%e : !p) -> !p
  %g = linalg.reduce { arith.addf } ins(%x : !x) outs(%z1 : !p) dimensions = [2, 3]
  // expected-remark @below {{expected a gate that depends on the scaled tensor through its pools only, got a direct use by linalg.reduce}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func private @log(!p) -> !p
func.func @no_gate_because_of_side_effects(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = func.call @log(%s) : (!p) -> !p
  // expected-remark @below {{expected an excitation without side effects, got func.call}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_pools_differ(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %e1 = tensor.empty() : tensor<2x8x4xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %a = linalg.reduce { arith.addf } ins(%x : !x) outs(%z1 : tensor<2x8x4xf32>) dimensions = [2]
  %b = linalg.reduce { arith.addf } ins(%x : !x) outs(%z1 : tensor<2x8x4xf32>) dimensions = [3]
  %g = linalg.add ins(%a, %b : tensor<2x8x4xf32>, tensor<2x8x4xf32>) outs(%e1 : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  // expected-remark @below {{expected pools over the same dimensions, got [2] and [3]}}
  %y = linalg.generic {indexing_maps = [#id, #nch, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, tensor<2x8x4xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_a_part_of_a_dimension_is_pooled(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %v = tensor.expand_shape %x [[0], [1, 2], [3], [4]] output_shape [2, 2, 4, 4, 4] : !x into tensor<2x2x4x4x4xf32>
  %e1 = tensor.empty() : tensor<2x4xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %s = linalg.reduce { arith.addf } ins(%v : tensor<2x2x4x4x4xf32>) outs(%z1 : tensor<2x4xf32>) dimensions = [1, 3, 4]
  %e2 = tensor.empty() : tensor<2x2x4xf32>
  %k = linalg.broadcast ins(%s : tensor<2x4xf32>) outs(%e2 : tensor<2x2x4xf32>) dimensions = [1]
  %g = tensor.collapse_shape %k [[0], [1, 2]] : tensor<2x2x4xf32> into !p
  // expected-remark @below {{expected pools over whole dimensions of the scaled tensor, got a part of [1, 2, 3]}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_it_varies_along_a_pooled_dimension(%x: !x, %w: tensor<4xf32>) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %e1 = tensor.empty() : tensor<2x8x4xf32>
  %k = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %w : !p, tensor<4xf32>) outs(%e1 : tensor<2x8x4xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.addf %i, %j : f32
    linalg.yield %m : f32
  } -> tensor<2x8x4xf32>
  // expected-remark @below {{expected a gate that is constant along the pooled dimensions [2, 3], got one broadcast over [3]}}
  %y = linalg.generic {indexing_maps = [#id, #nch, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %k : !x, tensor<2x8x4xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_its_values_repeat(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %half = tensor.extract_slice %s[0, 0] [2, 4] [1, 1] : !p to tensor<2x4xf32>
  %e1 = tensor.empty() : tensor<2x4x2x4x4xf32>
  %k = linalg.broadcast ins(%half : tensor<2x4xf32>) outs(%e1 : tensor<2x4x2x4x4xf32>) dimensions = [2, 3, 4]
  %g = tensor.collapse_shape %k [[0], [1, 2], [3], [4]] : tensor<2x4x2x4x4xf32> into !x
  // expected-remark @below {{expected a gate with the dimensions of the pooled tensor, got repeated or reordered parts of one}}
  %y = linalg.mul ins(%x, %g : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

func.func @no_gate_because_of_its_type(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %e1 = tensor.empty() : tensor<2x8xf16>
  %g = linalg.map { arith.truncf } ins(%s : !p) outs(%e1 : tensor<2x8xf16>)
  // expected-remark @below {{expected a gate of the scaled tensor's element type, got another}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, tensor<2x8xf16>) outs(%big : !x) {
  ^bb0(%i: f32, %h: f16, %o: f32):
    %j = arith.extf %h : f16 to f32
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_of_a_broadcast_operand(%x: !x, %w: !p) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  // expected-remark @below {{expected further operands of the shape of the scaled tensor, got a broadcast one}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g, %w : !x, !p, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %b: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    %a = arith.addf %m, %b : f32
    linalg.yield %a : f32
  } -> !x
  return %y : !x
}

func.func @no_gate_because_of_an_inner_product(%x: !x) -> tensor<2x4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %e1 = tensor.empty() : tensor<2x4x4xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %w = linalg.broadcast ins(%s : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{expected a scaled tensor, got an inner product of the tensor with its own pool}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  %t = linalg.reduce { arith.addf } ins(%y : !x) outs(%z1 : tensor<2x4x4xf32>) dimensions = [1]
  return %t : tensor<2x4x4xf32>
}

// No anchors: a factor without a reduction, a softmax, an added gate.
func.func @no_anchors(%x: !x, %w: !p) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %c = linalg.tanh ins(%w : !p) outs(%e : !p) -> !p
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %c : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  %f = linalg.exp ins(%y : !x) outs(%big : !x) -> !x
  %s = linalg.reduce { arith.addf } ins(%f : !x) outs(%z : !p) dimensions = [2, 3]
  %r = linalg.reciprocal ins(%s : !p) outs(%e : !p) -> !p
  %k = linalg.broadcast ins(%r : !p) outs(%big : !x) dimensions = [2, 3]
  %soft = linalg.mul ins(%f, %k : !x, !x) outs(%big : !x) -> !x
  %t = linalg.reduce { arith.addf } ins(%soft : !x) outs(%z : !p) dimensions = [2, 3]
  %kt = linalg.broadcast ins(%t : !p) outs(%big : !x) dimensions = [2, 3]
  %added = linalg.add ins(%soft, %kt : !x, !x) outs(%big : !x) -> !x
  return %added : !x
}
