// RUN: heed-opt %s --heed-lower-buffers | FileCheck %s

// A gate may write over x, but not over the caller's input.
// CHECK-LABEL: func @arguments_are_not_written
// CHECK-SAME: %[[X:.*]]: memref<?x4xf32>) -> memref<?x4xf32>
// CHECK: %[[OUT:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x4xf32>
// CHECK: attn.gate ins(%[[X]] : memref<?x4xf32>) outs(%[[OUT]] : memref<?x4xf32>)
// CHECK: return %[[OUT]]
func.func @arguments_are_not_written(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = attn.gate ins(%x : tensor<?x4xf32>) outs(%x : tensor<?x4xf32>) dimensions = [1] pools = [avg] excite {
  ^bb0(%p: tensor<?xf32>):
    attn.yield %p : tensor<?xf32>
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// An intermediate value that dies is written in place.
// CHECK-LABEL: func @temporaries_are_written
// CHECK: %[[E:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
// CHECK: linalg.exp {{.*}} outs(%[[E]] : memref<4x8xf32>)
// CHECK-NOT: memref.alloc
// CHECK: attn.gate ins(%[[E]] : memref<4x8xf32>) outs(%[[E]] : memref<4x8xf32>)
func.func @temporaries_are_written(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %empty = tensor.empty() : tensor<4x8xf32>
  %e = linalg.exp ins(%x : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %0 = attn.gate ins(%e : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) dimensions = [1] pools = [avg] excite {
  ^bb0(%p: tensor<4xf32>):
    attn.yield %p : tensor<4xf32>
  } -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// A concatenation is one buffer and a copy into each of its slices.
// CHECK-LABEL: func @concatenation
// CHECK-SAME: %[[X:.*]]: memref<2x4xf32>, %[[Y:.*]]: memref<3x4xf32>
// CHECK: %[[OUT:.*]] = memref.alloc() {{.*}} : memref<5x4xf32>
// CHECK: %[[FIRST:.*]] = memref.subview %[[OUT]][0, 0] [2, 4]
// CHECK: memref.copy %[[X]], %[[FIRST]]
// CHECK: %[[SECOND:.*]] = memref.subview %[[OUT]][2, 0] [3, 4]
// CHECK: memref.copy %[[Y]], %[[SECOND]]
// CHECK: return %[[OUT]]
func.func @concatenation(%x: tensor<2x4xf32>, %y: tensor<3x4xf32>) -> tensor<5x4xf32> {
  %0 = tensor.concat dim(0) %x, %y : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// Buffers that cross a function are contiguous: a slice is copied.
// CHECK-LABEL: func @results_are_contiguous
// CHECK-SAME: -> memref<2x4xf32>
// CHECK: memref.copy
func.func @results_are_contiguous(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  %0 = tensor.extract_slice %x[0, 0] [2, 4] [1, 1] : tensor<2x8xf32> to tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @constants
// CHECK-NOT: bufferization.
// CHECK: memref.get_global @{{.*}} : memref<2xf32>
func.func @constants() -> tensor<2xf32> {
  %0 = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// The rows of a slice do not follow each other, whatever the types say: strides
// [6, 1] would cast to those of memref<2x?>, which are [?, 1].
// CHECK-LABEL: func @a_slice_of_columns
// CHECK-NOT: memref.cast
// CHECK: %[[SLICE:.*]] = memref.subview
// CHECK: %[[COPY:.*]] = memref.alloc(%{{.*}}) : memref<2x?xf32>
// CHECK: memref.copy %[[SLICE]], %[[COPY]]
// CHECK: return %[[COPY]]
func.func @a_slice_of_columns(%x: tensor<2x6xf32>, %n: index) -> tensor<2x?xf32> {
  %0 = tensor.extract_slice %x[0, 0] [2, %n] [1, 1] : tensor<2x6xf32> to tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// Those of a slice of rows do: no copy.
// CHECK-LABEL: func @a_slice_of_rows
// CHECK-NOT: memref.copy
// CHECK: return
func.func @a_slice_of_rows(%x: tensor<6x2xf32>, %n: index) -> tensor<?x2xf32> {
  %0 = tensor.extract_slice %x[0, 0] [%n, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}
