// RUN: heed-opt %s --heed-recognize-gate | FileCheck %s
// RUN: heed-opt %s --heed-recognize-gate --remarks-filter='heed-.*' --verify-diagnostics -o /dev/null

// Pools that attn.gate has no name for, pools of pools, and what they gate.

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#nc = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#chw = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
!x = tensor<2x8x4x4xf32>
!p = tensor<2x8xf32>

// Σ x² under tanh: a gate without a pool of the op; the excitation reads x.
// CHECK-LABEL: func @two_norm
// CHECK-SAME: %[[X:.*]]: tensor<2x8x4x4xf32>
func.func @two_norm(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  // CHECK: attn.gate ins(%[[X]] : {{.*}} dimensions = [2, 3] pools = [] excite {
  // CHECK: linalg.square ins(%[[X]]
  // CHECK: linalg.reduce { arith.addf }
  // CHECK: linalg.tanh
  %q = linalg.square ins(%x : !x) outs(%big : !x) -> !x
  %s = linalg.reduce { arith.addf } ins(%q : !x) outs(%z : !p) dimensions = [2, 3]
  %r = linalg.sqrt ins(%s : !p) outs(%e : !p) -> !p
  %g = linalg.tanh ins(%r : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// The same without anything learnt or bounded makes sizes uniform: a norm, whose
// recogniser has the remark.
// CHECK-LABEL: func @response_norm
// CHECK-NOT: attn.gate
func.func @response_norm(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %e1 = tensor.empty() : tensor<2xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2xf32>) -> tensor<2xf32>
  %big = tensor.empty() : !x
  %q = linalg.square ins(%x : !x) outs(%big : !x) -> !x
  %s = linalg.reduce { arith.addf } ins(%q : !x) outs(%z : !p) dimensions = [2, 3]
  %r = linalg.sqrt ins(%s : !p) outs(%e : !p) -> !p
  %m = linalg.reduce { arith.addf } ins(%r : !p) outs(%z1 : tensor<2xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<2xf32>) outs(%e : !p) dimensions = [1]
  %g = linalg.div ins(%r, %mb : !p, !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// max x − min x: the minimum stays in the excitation.
// CHECK-LABEL: func @range
func.func @range(%x: !x) -> !x {
  %low = arith.constant 0xFF800000 : f32
  %high = arith.constant 0x7F800000 : f32
  %e = tensor.empty() : !p
  %l = linalg.fill ins(%low : f32) outs(%e : !p) -> !p
  %h = linalg.fill ins(%high : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  // CHECK: attn.gate {{.*}} dimensions = [2, 3] pools = [max] excite {
  // CHECK: linalg.reduce { arith.minimumf }
  %a = linalg.reduce { arith.maximumf } ins(%x : !x) outs(%l : !p) dimensions = [2, 3]
  %b = linalg.reduce { arith.minimumf } ins(%x : !x) outs(%h : !p) dimensions = [2, 3]
  %g = linalg.sub ins(%a, %b : !p, !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=max}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// Σ w·x with constant weights for each channel (a DCT basis); not with weights
// that are the same for all channels, nor with data.
// CHECK-LABEL: func @weighted
// CHECK: attn.gate {{.*}} dimensions = [2, 3] pools = [] excite {
// CHECK-NOT: attn.gate
// CHECK: return
func.func @weighted(%x: !x, %v: tensor<8x4x4xf32>) -> (!x, !x, !x) {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense_resource<basis> : tensor<8x4x4xf32>
  %w1 = arith.constant dense<[[[[0.5]], [[1.0]], [[0.5]], [[1.0]], [[0.5]], [[1.0]], [[0.5]], [[2.0]]]]> : tensor<1x8x1x1xf32>
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %e1 = tensor.empty() : tensor<2x1x4x4xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1x4x4xf32>) -> tensor<2x1x4x4xf32>
  %k = linalg.generic {indexing_maps = [#id, #chw, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %w : !x, tensor<8x4x4xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  %s = linalg.reduce { arith.addf } ins(%k : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %b = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate}}
  %y = linalg.mul ins(%x, %b : !x, !x) outs(%big : !x) -> !x

  %k2 = linalg.generic {indexing_maps = [#id, #chw, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %v : !x, tensor<8x4x4xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  %s2 = linalg.reduce { arith.addf } ins(%k2 : !x) outs(%z : !p) dimensions = [2, 3]
  %g2 = linalg.tanh ins(%s2 : !p) outs(%e : !p) -> !p
  %b2 = linalg.broadcast ins(%g2 : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{expected the pooled tensor to be the scaled tensor, got a pool of linalg.generic of it}}
  %y2 = linalg.mul ins(%x, %b2 : !x, !x) outs(%big : !x) -> !x

  // A 1x1 convolution to one channel looks for a pattern.
  %c = linalg.conv_2d_nchw_fchw ins(%x, %w1 : !x, tensor<1x8x1x1xf32>) outs(%z1 : tensor<2x1x4x4xf32>) -> tensor<2x1x4x4xf32>
  %g3 = linalg.tanh ins(%c : tensor<2x1x4x4xf32>) outs(%e1 : tensor<2x1x4x4xf32>) -> tensor<2x1x4x4xf32>
  // expected-remark @below {{expected a gate that depends on the scaled tensor through its pools only, got a direct use by linalg.conv_2d_nchw_fchw}}
  %y3 = linalg.generic {indexing_maps = [#id, affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g3 : !x, tensor<2x1x4x4xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y, %y2, %y3 : !x, !x, !x
}

// A depthwise convolution whose window covers x.
// CHECK-LABEL: func @covering_convolution
func.func @covering_convolution(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense_resource<basis> : tensor<8x4x4xf32>
  %e = tensor.empty() : tensor<2x8x1x1xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %big = tensor.empty() : !x
  // CHECK: attn.gate {{.*}} dimensions = [2, 3] pools = [] excite {
  // CHECK: linalg.depthwise_conv_2d_nchw_chw
  %s = linalg.depthwise_conv_2d_nchw_chw ins(%x, %w : !x, tensor<8x4x4xf32>) outs(%z : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  // expected-remark @below {{dims="2, 3", kind=channel_gate}}
  %y = linalg.generic {indexing_maps = [#id, affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, 0)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %s : !x, tensor<2x8x1x1xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

// The mean of the pools over the channels is no pool over all of x: the
// excitation takes it.
// CHECK-LABEL: func @pool_of_pools
func.func @pool_of_pools(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %e1 = tensor.empty() : tensor<2xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2xf32>) -> tensor<2xf32>
  %big = tensor.empty() : !x
  // CHECK: attn.gate {{.*}} dimensions = [2, 3] pools = [sum] excite {
  // CHECK: ^bb0(%[[P:.*]]: tensor<2x8xf32>):
  // CHECK: linalg.reduce { arith.addf } ins(%[[P]]
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %m = linalg.reduce { arith.addf } ins(%s : !p) outs(%z1 : tensor<2xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<2xf32>) outs(%e : !p) dimensions = [1]
  %d = linalg.sub ins(%s, %mb : !p, !p) outs(%e : !p) -> !p
  %g = linalg.tanh ins(%d : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// x / (1 + e^−p): the sigmoid spelled as a division. x / p is a normalisation.
// CHECK-LABEL: func @division
// CHECK: attn.gate
// CHECK: epilogue {
// CHECK: arith.divf
// CHECK-NOT: attn.gate
// CHECK: return
func.func @division(%x: !x) -> (!x, !x) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.map ins(%s : !p) outs(%e : !p) (%i: f32, %o: f32) {
    %one = arith.constant 1.0 : f32
    %n = arith.negf %i : f32
    %t = math.exp %n : f32
    %d = arith.addf %t, %one : f32
    linalg.yield %d : f32
  }
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y = linalg.div ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  %v = linalg.broadcast ins(%s : !p) outs(%big : !x) dimensions = [2, 3]
  %y2 = linalg.div ins(%x, %v : !x, !x) outs(%big : !x) -> !x
  return %y, %y2 : !x, !x
}

// Half as many values as channels, each for two of them: the excitation repeats.
// CHECK-LABEL: func @repeated_values
func.func @repeated_values(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  // CHECK: attn.gate {{.*}} dimensions = [2, 3] pools = [sum] excite {
  // CHECK: linalg.broadcast {{.*}} outs(%{{.*}} : tensor<2x4x2xf32>) dimensions = [2]
  // CHECK: tensor.collapse_shape
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %half = tensor.extract_slice %s[0, 0] [2, 4] [1, 1] : !p to tensor<2x4xf32>
  %e1 = tensor.empty() : tensor<2x4x2xf32>
  %k = linalg.broadcast ins(%half : tensor<2x4xf32>) outs(%e1 : tensor<2x4x2xf32>) dimensions = [2]
  %g = tensor.collapse_shape %k [[0], [1, 2]] : tensor<2x4x2xf32> into !p
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

{-# dialect_resources: { builtin: { basis: "0x040000000000000000000000" } } #-}

// Windows of 2x2 that divide x: the mean of their means is the mean.
// CHECK-LABEL: func @mean_of_window_means
// CHECK: attn.gate ins({{.*}} dimensions = [2, 3] pools = [avg] excite {
func.func @mean_of_window_means(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %quarter = arith.constant 0.25 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %e4 = tensor.empty() : tensor<2x8x2x2xf32>
  %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<2x8x2x2xf32>) -> tensor<2x8x2x2xf32>
  %big = tensor.empty() : !x
  %window = tensor.empty() : tensor<2x2xf32>
  %s4 = linalg.pooling_nchw_sum {strides = dense<2> : vector<2xi64>} ins(%x, %window : !x, tensor<2x2xf32>) outs(%z4 : tensor<2x8x2x2xf32>) -> tensor<2x8x2x2xf32>
  %m4 = linalg.map ins(%s4 : tensor<2x8x2x2xf32>) outs(%e4 : tensor<2x8x2x2xf32>) (%i: f32, %o: f32) {
    %m = arith.mulf %i, %quarter : f32
    linalg.yield %m : f32
  }
  %s = linalg.reduce { arith.addf } ins(%m4 : tensor<2x8x2x2xf32>) outs(%z : !p) dimensions = [2, 3]
  %m = linalg.map ins(%s : !p) outs(%e : !p) (%i: f32, %o: f32) {
    %q = arith.mulf %i, %quarter : f32
    linalg.yield %q : f32
  }
  %g = linalg.tanh ins(%m : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// Windows of 2x2 a step apart count the inner elements more than once.
// CHECK-LABEL: func @sum_of_overlapping_windows
// CHECK-NOT: attn.gate
func.func @sum_of_overlapping_windows(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %e9 = tensor.empty() : tensor<2x8x3x3xf32>
  %z9 = linalg.fill ins(%zero : f32) outs(%e9 : tensor<2x8x3x3xf32>) -> tensor<2x8x3x3xf32>
  %big = tensor.empty() : !x
  %window = tensor.empty() : tensor<2x2xf32>
  %s9 = linalg.pooling_nchw_sum ins(%x, %window : !x, tensor<2x2xf32>) outs(%z9 : tensor<2x8x3x3xf32>) -> tensor<2x8x3x3xf32>
  %s = linalg.reduce { arith.addf } ins(%s9 : tensor<2x8x3x3xf32>) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{expected pools over whole dimensions, got windows that cover a part (linalg.pooling_nchw_sum)}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}
