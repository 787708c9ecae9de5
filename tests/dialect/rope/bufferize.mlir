// RUN: heed-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

// x dies: written over it, without a copy.
// CHECK-LABEL: func @dead_x
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[C:.*]]: memref<4x4xf32>
// CHECK-NOT: memref.copy
// CHECK: attn.rope ins(%[[X]] : memref<4x8xf32>) cos(%[[C]] : memref<4x4xf32>) over [0, 1] sin(%[[C]] : memref<4x4xf32>) over [0, 1] outs(%[[X]] : memref<4x8xf32>) dimension = 1 rotated = 8 interleaved
// CHECK: return %[[X]]
func.func @dead_x(%x: tensor<4x8xf32> {bufferization.writable = true}, %c: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%c : tensor<4x4xf32>) over [0, 1]
      outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 interleaved -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// x is read afterwards: into a buffer of its own, which is not filled first.
// CHECK-LABEL: func @live_x
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>
// CHECK: %[[Y:.*]] = memref.alloc()
// CHECK-NOT: memref.copy
// CHECK: attn.rope ins(%[[X]] : memref<4x8xf32>) {{.*}} outs(%[[Y]] : memref<4x8xf32>)
// CHECK: return %[[Y]], %[[X]]
func.func @live_x(%x: tensor<4x8xf32> {bufferization.writable = true}, %c: tensor<4x4xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%c : tensor<4x4xf32>) over [0, 1]
      outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return %y, %x : tensor<4x8xf32>, tensor<4x8xf32>
}

// x is its own table, which other pairs would read again: not in place.
// CHECK-LABEL: func @table_is_x
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>
// CHECK: %[[Y:.*]] = memref.alloc()
// CHECK: attn.rope ins(%[[X]] : memref<4x8xf32>) cos(%[[X]] : memref<4x8xf32>) over [0, 1] {{.*}} outs(%[[Y]] : memref<4x8xf32>)
func.func @table_is_x(%x: tensor<4x8xf32> {bufferization.writable = true}, %s: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%x : tensor<4x8xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1]
      outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
