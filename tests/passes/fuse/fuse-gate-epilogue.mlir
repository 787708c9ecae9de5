// RUN: heed-opt %s --heed-fuse-gate-epilogue | FileCheck %s
// RUN: heed-opt %s --heed-fuse-gate-epilogue --remarks-filter='heed-.*' --verify-diagnostics -o /dev/null

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
!x = tensor<1x8x4x4xf32>

// The residual is computed after the gate; ReLU follows: two steps, one gate
// that stands where the last of them was.
// CHECK-LABEL: func @residual_and_relu(
// CHECK-SAME: %[[X:.*]]: tensor<1x8x4x4xf32>, %[[S:.*]]: tensor<1x8x4x4xf32>
func.func @residual_and_relu(%x: !x, %s: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !x
  %y = attn.gate ins(%x : !x) outs(%e : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    attn.yield %p : tensor<1x8xf32>
  } -> !x
  // CHECK: %[[R:.*]] = linalg.exp
  %r = linalg.exp ins(%s : !x) outs(%e : !x) -> !x
  // expected-remark @below {{operations=1}}
  %z = linalg.add ins(%r, %y : !x, !x) outs(%e : !x) -> !x
  // CHECK: %[[Y:.*]] = attn.gate ins(%[[X]], %[[R]] : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>)
  // CHECK: epilogue {
  // CHECK: ^bb0(%[[XI:.*]]: f32, %[[GI:.*]]: f32, %[[RI:.*]]: f32):
  // CHECK: %[[M:.*]] = arith.mulf %[[XI]], %[[GI]]
  // CHECK: %[[A:.*]] = arith.addf %[[RI]], %[[M]]
  // CHECK: %[[C:.*]] = arith.cmpf ugt, %[[A]]
  // CHECK: %[[Z:.*]] = arith.select %[[C]], %[[A]]
  // CHECK: attn.yield %[[Z]] : f32
  // expected-remark @below {{operations=1}}
  %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%z : !x) outs(%e : !x) {
  ^bb0(%i: f32, %o: f32):
    %c = arith.cmpf ugt, %i, %zero : f32
    %m = arith.select %c, %i, %zero : f32
    linalg.yield %m : f32
  } -> !x
  // CHECK-NOT: linalg
  // CHECK: return %[[Y]]
  return %w : !x
}

// y · tanh(y) + x, then a scale: all uses meet; x needs no operand of its own,
// a constant tensor none either.
// CHECK-LABEL: func @uses_that_meet
func.func @uses_that_meet(%x: !x) -> !x {
  %half = arith.constant dense<0.5> : !x
  %e = tensor.empty() : !x
  // CHECK: attn.gate ins(%{{[^,]*}} : tensor<1x8x4x4xf32>)
  // CHECK: epilogue {
  // CHECK: ^bb0(%[[XI:.*]]: f32, %[[GI:.*]]: f32):
  // CHECK: %[[Y:.*]] = arith.mulf %[[XI]], %[[GI]]
  // CHECK: %[[T:.*]] = math.tanh %[[Y]]
  // CHECK: %[[U:.*]] = arith.mulf %[[Y]], %[[T]]
  // CHECK: %[[A:.*]] = arith.addf %[[U]], %[[XI]]
  // CHECK: %[[H:.*]] = arith.constant 5.000000e-01 : f32
  // CHECK: %[[S:.*]] = arith.mulf %[[A]], %[[H]]
  // CHECK: attn.yield %[[S]] : f32
  %y = attn.gate ins(%x : !x) outs(%e : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    attn.yield %p : tensor<1x8xf32>
  } -> !x
  %t = linalg.tanh ins(%y : !x) outs(%e : !x) -> !x
  // expected-remark @below {{operations=2}}
  %u = linalg.mul ins(%y, %t : !x, !x) outs(%e : !x) -> !x
  // expected-remark @below {{operations=1}}
  %a = linalg.add ins(%u, %x : !x, !x) outs(%e : !x) -> !x
  // expected-remark @below {{operations=1}}
  %s = linalg.mul ins(%a, %half : !x, !x) outs(%e : !x) -> !x
  // CHECK-NOT: linalg
  // CHECK: return
  return %s : !x
}

// An epilogue and an extra operand that were there stay.
// CHECK-LABEL: func @second_epilogue
func.func @second_epilogue(%x: !x, %r: !x, %q: !x) -> !x {
  %e = tensor.empty() : !x
  // CHECK: attn.gate ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>)
  // CHECK: ^bb0(%[[XI:.*]]: f32, %[[GI:.*]]: f32, %[[RI:.*]]: f32, %[[QI:.*]]: f32):
  // CHECK: %[[F:.*]] = math.fma %[[XI]], %[[GI]], %[[RI]]
  // CHECK: %[[S:.*]] = arith.subf %[[F]], %[[QI]]
  // CHECK: attn.yield %[[S]] : f32
  %y = attn.gate ins(%x, %r : !x, !x) outs(%e : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    attn.yield %p : tensor<1x8xf32>
  } epilogue {
  ^bb0(%i: f32, %g: f32, %j: f32):
    %f = math.fma %i, %g, %j : f32
    attn.yield %f : f32
  } -> !x
  // expected-remark @below {{operations=1}}
  %z = linalg.sub ins(%y, %q : !x, !x) outs(%e : !x) -> !x
  return %z : !x
}
