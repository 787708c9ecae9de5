// RUN: heed-opt %s --heed-recognize-gate | FileCheck %s
// RUN: heed-opt %s --heed-recognize-gate --remarks-filter='heed-.*' --verify-diagnostics -o /dev/null

// Constant factors between the tensor and its pool, or its scaling: they belong
// to the excitation.

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#c = affine_map<(d0, d1, d2, d3) -> (0, d1, 0, 0)>
#h = affine_map<(d0, d1, d2, d3) -> (0, 0, d2, 0)>
#nc = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
!x = tensor<2x4x3x5xf32>
!p = tensor<2x4xf32>

// The mean of 3x gates x.
// CHECK-LABEL: func @pool_of_multiple
// CHECK-SAME: %[[X:.*]]: tensor<2x4x3x5xf32>
func.func @pool_of_multiple(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %three = arith.constant 3.0 : f32
  %over = arith.constant 0.06666666666 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  // CHECK: attn.gate ins(%[[X]] : {{.*}} pools = [avg]
  // CHECK: %[[THREE:.*]] = arith.constant 3.0{{[0-9e+]*}} : f32
  // CHECK: arith.mulf %{{.*}}, %[[THREE]]
  // CHECK: linalg.tanh
  %m = linalg.map ins(%x : !x) outs(%big : !x) (%i: f32, %o: f32) {
    %t = arith.mulf %i, %three : f32
    linalg.yield %t : f32
  }
  %s = linalg.reduce { arith.addf } ins(%m : !x) outs(%z : !p) dimensions = [2, 3]
  %a = linalg.map ins(%s : !p) outs(%e : !p) (%i: f32, %o: f32) {
    %t = arith.mulf %i, %over : f32
    linalg.yield %t : f32
  }
  %g = linalg.tanh ins(%a : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=avg}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// The divisor of a mean is one number without dimensions, repeated.
// CHECK-LABEL: func @mean_by_a_repeated_number
// CHECK: attn.gate {{.*}} pools = [avg]
func.func @mean_by_a_repeated_number(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant dense<15.0> : tensor<1xf32>
  %n = tensor.collapse_shape %one [] : tensor<1xf32> into tensor<f32>
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %b = linalg.broadcast ins(%n : tensor<f32>) outs(%big : !x) dimensions = [0, 1, 2, 3]
  %m = linalg.div ins(%x, %b : !x, !x) outs(%big : !x) -> !x
  %s = linalg.reduce { arith.addf } ins(%m : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=avg}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// A sum of 3x is three times a sum, whatever the size.
// CHECK-LABEL: func @sum_of_multiple
func.func @sum_of_multiple(%x: tensor<2x4x?x5xf32>) -> tensor<2x4x?x5xf32> {
  %zero = arith.constant 0.0 : f32
  %three = arith.constant 3.0 : f32
  %two = arith.constant 2 : index
  %d = tensor.dim %x, %two : tensor<2x4x?x5xf32>
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty(%d) : tensor<2x4x?x5xf32>
  // CHECK: attn.gate {{.*}} pools = [sum]
  // CHECK: arith.constant 3.0{{[0-9e+]*}} : f32
  // CHECK: arith.mulf
  // CHECK: linalg.tanh
  %m = linalg.map ins(%x : tensor<2x4x?x5xf32>) outs(%big : tensor<2x4x?x5xf32>) (%i: f32, %o: f32) {
    %t = arith.mulf %i, %three : f32
    linalg.yield %t : f32
  }
  %s = linalg.reduce { arith.addf } ins(%m : tensor<2x4x?x5xf32>) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : tensor<2x4x?x5xf32>) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y = linalg.mul ins(%x, %w : tensor<2x4x?x5xf32>, tensor<2x4x?x5xf32>) outs(%big : tensor<2x4x?x5xf32>) -> tensor<2x4x?x5xf32>
  return %y : tensor<2x4x?x5xf32>
}

// max 3x = 3 max x, but max −3x is a minimum.
// CHECK-LABEL: func @maximum_of_multiple
// CHECK: attn.gate {{.*}} pools = [max]
// CHECK: arith.constant 3.0{{[0-9e+]*}} : f32
// CHECK: arith.mulf
func.func @maximum_of_multiple(%x: !x) -> !x {
  %low = arith.constant 0xFF800000 : f32
  %three = arith.constant 3.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%low : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %m = linalg.map ins(%x : !x) outs(%big : !x) (%i: f32, %o: f32) {
    %t = arith.mulf %i, %three : f32
    linalg.yield %t : f32
  }
  %s = linalg.reduce { arith.maximumf } ins(%m : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{kind=channel_gate, pools=max}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @maximum_of_negative_multiple
// CHECK-NOT: pools = [max]
// CHECK: return
func.func @maximum_of_negative_multiple(%x: !x) -> !x {
  %low = arith.constant 0xFF800000 : f32
  %three = arith.constant -3.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%low : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %m = linalg.map ins(%x : !x) outs(%big : !x) (%i: f32, %o: f32) {
    %t = arith.mulf %i, %three : f32
    linalg.yield %t : f32
  }
  %s = linalg.reduce { arith.maximumf } ins(%m : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{kind=channel_gate}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// (k·x)·g with a factor for each channel: x·(k·g), the pool is of x.
// CHECK-LABEL: func @scaled_multiple
// CHECK-SAME: %[[X:.*]]: tensor<2x4x3x5xf32>
func.func @scaled_multiple(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant dense<[[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]]> : tensor<1x4x1x1xf32>
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  // CHECK: %[[K:.*]] = arith.constant dense<{{.*}}1.0
  // CHECK: attn.gate ins(%[[X]] : {{.*}} pools = [sum]
  // CHECK: %[[G:.*]] = linalg.tanh
  // CHECK: %[[F:.*]] = tensor.collapse_shape %[[K]]
  // CHECK: %[[B:.*]] = linalg.broadcast ins(%[[F]] :
  // CHECK: %[[P:.*]] = linalg.generic {{.*}} ins(%[[G]], %[[B]] :
  // CHECK: attn.yield %[[P]]
  %m = linalg.generic {indexing_maps = [#c, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%k, %x : tensor<1x4x1x1xf32>, !x) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %t = arith.mulf %i, %j : f32
    linalg.yield %t : f32
  } -> !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y = linalg.mul ins(%m, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// The same with one number.
// CHECK-LABEL: func @scaled_double
// CHECK-SAME: %[[X:.*]]: tensor<2x4x3x5xf32>
func.func @scaled_double(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  // CHECK: attn.gate ins(%[[X]] : {{.*}} pools = [sum]
  // CHECK: linalg.tanh
  // CHECK: %[[TWO:.*]] = arith.constant 2.0{{[0-9e+]*}} : f32
  // CHECK: arith.mulf %{{.*}}, %[[TWO]]
  // CHECK: attn.yield
  %m = linalg.map ins(%x : !x) outs(%big : !x) (%i: f32, %o: f32) {
    %t = arith.mulf %i, %two : f32
    linalg.yield %t : f32
  }
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y = linalg.mul ins(%m, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// A factor that varies where x is pooled cannot be one of the gate.
// CHECK-LABEL: func @factor_along_the_pooled
// CHECK-NOT: attn.gate
func.func @factor_along_the_pooled(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant dense<[[[[1.0], [2.0], [3.0]]]]> : tensor<1x1x3x1xf32>
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %m = linalg.generic {indexing_maps = [#h, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%k, %x : tensor<1x1x3x1xf32>, !x) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %t = arith.mulf %i, %j : f32
    linalg.yield %t : f32
  } -> !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %w = linalg.broadcast ins(%g : !p) outs(%big : !x) dimensions = [2, 3]
  // expected-remark @below {{expected the pooled tensor to be the scaled tensor, got a pool of another one}}
  %y = linalg.mul ins(%m, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// 2x·g + 2x: the multiple is used beside the product.
// CHECK-LABEL: func @multiple_used_twice
// CHECK-NOT: attn.gate
func.func @multiple_used_twice(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  %m = linalg.map ins(%x : !x) outs(%big : !x) (%i: f32, %o: f32) {
    %t = arith.mulf %i, %two : f32
    linalg.yield %t : f32
  }
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  // expected-remark @below {{expected the pooled tensor to be the scaled tensor, got a pool of another one}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%m, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %t = arith.mulf %i, %j : f32
    %u = arith.addf %t, %i : f32
    linalg.yield %u : f32
  } -> !x
  return %y : !x
}
