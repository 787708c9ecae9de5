// RUN: heed-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @unread_pool_dropped
// CHECK: pools = [max] excite {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<1x8xf32>):
func.func @unread_pool_dropped(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg, max] excite {
    ^bb0(%a: tensor<1x8xf32>, %m: tensor<1x8xf32>):
      attn.yield %m : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return %y : tensor<1x8x4x4xf32>
}

// CHECK-LABEL: func @equal_pools_merged
// CHECK: pools = [avg] excite {
// CHECK: ^bb0(%[[P:.*]]: tensor<1x8xf32>):
// CHECK: linalg.add ins(%[[P]], %[[P]]
func.func @equal_pools_merged(%x: tensor<1x8x4x4xf32>, %e: tensor<1x8xf32>) -> tensor<1x8x4x4xf32> {
  %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg, avg] excite {
    ^bb0(%a: tensor<1x8xf32>, %b: tensor<1x8xf32>):
      %g = linalg.add ins(%a, %b : tensor<1x8xf32>, tensor<1x8xf32>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
      attn.yield %g : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return %y : tensor<1x8x4x4xf32>
}

// CHECK-LABEL: func @default_epilogue_dropped
// CHECK: attn.gate
// CHECK-NOT: epilogue
// CHECK: return
func.func @default_epilogue_dropped(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%a: tensor<1x8xf32>):
      attn.yield %a : tensor<1x8xf32>
    } epilogue {
    ^bb0(%a: f32, %g: f32):
      %0 = arith.mulf %g, %a : f32
      attn.yield %0 : f32
    } -> tensor<1x8x4x4xf32>
  return %y : tensor<1x8x4x4xf32>
}

// CHECK-LABEL: func @square_is_no_default_epilogue
// CHECK: epilogue
func.func @square_is_no_default_epilogue(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%a: tensor<1x8xf32>):
      attn.yield %a : tensor<1x8xf32>
    } epilogue {
    ^bb0(%a: f32, %g: f32):
      %0 = arith.mulf %g, %g : f32
      attn.yield %0 : f32
    } -> tensor<1x8x4x4xf32>
  return %y : tensor<1x8x4x4xf32>
}

// A cast that forgets a size: the gate, its pool and its result have it.
// CHECK-LABEL: func @cast_folded
// CHECK-SAME: %[[X:.*]]: tensor<1x8x4x4xf32>, %[[E:.*]]: tensor<?x8x4x4xf32>
// CHECK: %[[INIT:.*]] = tensor.empty() : tensor<1x8x4x4xf32>
// CHECK: %[[Y:.*]] = attn.gate ins(%[[X]] : tensor<1x8x4x4xf32>) outs(%[[INIT]] : tensor<1x8x4x4xf32>)
// CHECK: ^bb0(%[[P:.*]]: tensor<1x8xf32>):
// CHECK: linalg.exp ins(%[[P]] : tensor<1x8xf32>)
// CHECK: %[[Z:.*]] = tensor.cast %[[Y]] : tensor<1x8x4x4xf32> to tensor<?x8x4x4xf32>
// CHECK: return %[[Z]]
func.func @cast_folded(%x: tensor<1x8x4x4xf32>, %e: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  %c1 = arith.constant 1 : index
  %c = tensor.cast %x : tensor<1x8x4x4xf32> to tensor<?x8x4x4xf32>
  %init = tensor.empty(%c1) : tensor<?x8x4x4xf32>
  %y = attn.gate ins(%c : tensor<?x8x4x4xf32>) outs(%init : tensor<?x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<?x8xf32>):
      %o = tensor.empty(%c1) : tensor<?x8xf32>
      %g = linalg.exp ins(%p : tensor<?x8xf32>) outs(%o : tensor<?x8xf32>) -> tensor<?x8xf32>
      attn.yield %g : tensor<?x8xf32>
    } -> tensor<?x8x4x4xf32>
  return %y : tensor<?x8x4x4xf32>
}
