// RUN: heed-opt %s --heed-fuse-gate-epilogue --remarks-filter='heed-.*' --verify-diagnostics -o - | FileCheck %s

// CHECK-NOT: epilogue

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#c = affine_map<(d0, d1, d2, d3) -> (d1)>
!x = tensor<1x8x4x4xf32>

func.func @no_gate_because_uses_do_not_meet(%x: !x) -> (!x, !x) {
  %e = tensor.empty() : !x
  %y = attn.gate ins(%x : !x) outs(%e : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    attn.yield %p : tensor<1x8xf32>
  } -> !x
  // expected-remark @below {{expected all uses of the gate's result to meet in one elementwise operation, got uses that do not}}
  %t = linalg.tanh ins(%y : !x) outs(%e : !x) -> !x
  return %t, %y : !x, !x
}

func.func @no_gate_because_of_a_broadcast_operand(%x: !x, %s: tensor<8xf32>) -> !x {
  %e = tensor.empty() : !x
  %y = attn.gate ins(%x : !x) outs(%e : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    attn.yield %p : tensor<1x8xf32>
  } -> !x
  // expected-remark @below {{expected operands of the shape of the gate's result, got a broadcast one}}
  %t = linalg.generic {indexing_maps = [#id, #c, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y, %s : !x, tensor<8xf32>) outs(%e : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %t : !x
}

func.func @no_gate_because_of_the_element_type(%x: !x) -> tensor<1x8x4x4xf16> {
  %e = tensor.empty() : !x
  %h = tensor.empty() : tensor<1x8x4x4xf16>
  %y = attn.gate ins(%x : !x) outs(%e : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    attn.yield %p : tensor<1x8xf32>
  } -> !x
  // expected-remark @below {{expected the element type of the gate's result, got another}}
  %t = linalg.map { arith.truncf } ins(%y : !x) outs(%h : tensor<1x8x4x4xf16>)
  return %t : tensor<1x8x4x4xf16>
}

// No elementwise consumer: nothing to say.
func.func @no_anchor(%x: !x) -> !x {
  %e = tensor.empty() : !x
  %y = attn.gate ins(%x : !x) outs(%e : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    attn.yield %p : tensor<1x8xf32>
  } -> !x
  return %y : !x
}
