// RUN: heed-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

// x dies in the gate: written over it, without a copy.
// CHECK-LABEL: func @dead_x
// CHECK-SAME: %[[X:.*]]: memref<1x8x4x4xf32>
// CHECK-NOT: memref.copy
// CHECK: attn.gate ins(%[[X]] : memref<1x8x4x4xf32>) outs(%[[X]] : memref<1x8x4x4xf32>)
// CHECK: ^bb0(%{{.*}}: memref<1x8xf32>):
// CHECK-NOT: memref.copy
// CHECK: return %[[X]]
func.func @dead_x(%x: tensor<1x8x4x4xf32> {bufferization.writable = true}) -> tensor<1x8x4x4xf32> {
  %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return %y : tensor<1x8x4x4xf32>
}

// x is read afterwards: into a buffer of its own.
// CHECK-LABEL: func @live_x
// CHECK-SAME: %[[X:.*]]: memref<1x8x4x4xf32>
// CHECK: %[[Y:.*]] = memref.alloc()
// CHECK: attn.gate ins(%[[X]] : memref<1x8x4x4xf32>) outs(%[[Y]] : memref<1x8x4x4xf32>)
// CHECK: return %[[Y]], %[[X]]
func.func @live_x(%x: tensor<1x8x4x4xf32>) -> (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) {
  %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return %y, %x : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>
}

// The excitation reads x itself: not in place.
// CHECK-LABEL: func @captured_x
// CHECK-SAME: %[[X:.*]]: memref<1x8x4x4xf32>
// CHECK: %[[Y:.*]] = memref.alloc()
// CHECK: attn.gate ins(%[[X]] : memref<1x8x4x4xf32>) outs(%[[Y]] : memref<1x8x4x4xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[X]]
func.func @captured_x(%x: tensor<1x8x4x4xf32> {bufferization.writable = true}) -> tensor<1x8x4x4xf32> {
  %y = attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      %g = linalg.generic {indexing_maps = [affine_map<(n, c, h, w) -> (n, c, h, w)>, affine_map<(n, c, h, w) -> (n, c)>],
                           iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
          ins(%x : tensor<1x8x4x4xf32>) outs(%p : tensor<1x8xf32>) {
        ^bb0(%a: f32, %b: f32):
          %m = arith.maximumf %a, %b : f32
          linalg.yield %m : f32
      } -> tensor<1x8xf32>
      attn.yield %g : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return %y : tensor<1x8x4x4xf32>
}
