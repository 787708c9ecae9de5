// RUN: heed-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

// x dies in the norm: written over it, without a copy.
// CHECK-LABEL: func @dead_x
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[W:.*]]: memref<8xf32>
// CHECK-NOT: memref.copy
// CHECK: attn.norm layer ins(%[[X]] : memref<4x8xf32>) weight(%[[W]] : memref<8xf32>) over [1] outs(%[[X]] : memref<4x8xf32>) dimensions = [1]
// CHECK: return %[[X]]
func.func @dead_x(%x: tensor<4x8xf32> {bufferization.writable = true}, %w: tensor<8xf32>) -> tensor<4x8xf32> {
  %y = attn.norm layer ins(%x : tensor<4x8xf32>) weight(%w : tensor<8xf32>) over [1] outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 0.0 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// x is read afterwards: into a buffer of its own, which is not filled first.
// CHECK-LABEL: func @live_x
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>
// CHECK: %[[Y:.*]] = memref.alloc()
// CHECK-NOT: memref.copy
// CHECK: attn.norm rms ins(%[[X]] : memref<4x8xf32>) outs(%[[Y]] : memref<4x8xf32>)
// CHECK: return %[[Y]], %[[X]]
func.func @live_x(%x: tensor<4x8xf32> {bufferization.writable = true}) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %y = attn.norm rms ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 0.0 -> tensor<4x8xf32>
  return %y, %x : tensor<4x8xf32>, tensor<4x8xf32>
}

// x is its own weight, which every row would read again: not in place.
// CHECK-LABEL: func @weight_is_x
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>
// CHECK: %[[Y:.*]] = memref.alloc()
// CHECK: attn.norm rms ins(%[[X]] : memref<4x8xf32>) weight(%[[X]] : memref<4x8xf32>) over [0, 1] outs(%[[Y]] : memref<4x8xf32>)
func.func @weight_is_x(%x: tensor<4x8xf32> {bufferization.writable = true}) -> tensor<4x8xf32> {
  %y = attn.norm rms ins(%x : tensor<4x8xf32>) weight(%x : tensor<4x8xf32>) over [0, 1] outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 0.0 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
