// RUN: heed-opt %s --heed-lower-sizes --canonicalize | FileCheck %s

// CHECK-LABEL: func @collapse_of_alloc
// CHECK-SAME: %[[N:.*]]: index
func.func @collapse_of_alloc(%n: index) -> index {
  // CHECK: %[[C4:.*]] = arith.constant 4 : index
  // CHECK: %[[S:.*]] = arith.muli %[[N]], %[[C4]]
  // CHECK: return %[[S]]
  %c0 = arith.constant 0 : index
  %a = memref.alloc(%n) : memref<?x4xf32>
  %c = memref.collapse_shape %a [[0, 1]] : memref<?x4xf32> into memref<?xf32>
  %d = memref.dim %c, %c0 : memref<?xf32>
  return %d : index
}

// CHECK-LABEL: func @expand_and_slice
// CHECK-SAME: %[[X:.*]]: memref<?xf32>, %[[N:.*]]: index, %[[M:.*]]: index
func.func @expand_and_slice(%x: memref<?xf32>, %n: index, %m: index) -> (index, index) {
  // CHECK: return %[[N]], %[[M]]
  %c0 = arith.constant 0 : index
  %e = memref.expand_shape %x [[0, 1]] output_shape [%n, 2] : memref<?xf32> into memref<?x2xf32>
  %d0 = memref.dim %e, %c0 : memref<?x2xf32>
  %s = memref.subview %e[0, 0] [%m, 2] [1, 1] : memref<?x2xf32> to memref<?x2xf32, strided<[2, 1]>>
  %d1 = memref.dim %s, %c0 : memref<?x2xf32, strided<[2, 1]>>
  return %d0, %d1 : index, index
}

// A size that no producer tells stays.
// CHECK-LABEL: func @argument
func.func @argument(%x: memref<?xf32>) -> index {
  // CHECK: memref.dim
  %c0 = arith.constant 0 : index
  %d = memref.dim %x, %c0 : memref<?xf32>
  return %d : index
}
