// RUN: heed-opt %s --split-input-file --heed-lower-calls | FileCheck %s

// The caller allocates the result, as large as the layer would make it.
// CHECK-LABEL: func private @doubled
// CHECK-SAME: (%[[X:.*]]: memref<?x4xf32>, %[[Y:.*]]: memref<?x8xf32>) {
// CHECK-NOT: memref.alloc
// CHECK: linalg.fill ins(%{{.*}}) outs(%[[Y]] : memref<?x8xf32>)
// CHECK: return{{$}}
func.func private @doubled(%x: memref<?x4xf32>) -> memref<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %f = arith.constant 1.0 : f32
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %m = arith.muli %n, %c2 : index
  %y = memref.alloc(%m) : memref<?x8xf32>
  linalg.fill ins(%f : f32) outs(%y : memref<?x8xf32>)
  return %y : memref<?x8xf32>
}
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[A:.*]]: memref<?x4xf32>)
// CHECK: %[[N:.*]] = memref.dim %[[A]], %{{.*}} : memref<?x4xf32>
// CHECK: %[[M:.*]] = arith.muli %[[N]], %{{.*}} : index
// CHECK: %[[B:.*]] = memref.alloc(%[[M]]) : memref<?x8xf32>
// CHECK: call @doubled(%[[A]], %[[B]]) : (memref<?x4xf32>, memref<?x8xf32>) -> ()
// CHECK: return %[[B]]
func.func @main(%a: memref<?x4xf32>) -> memref<?x8xf32> {
  %b = call @doubled(%a) : (memref<?x4xf32>) -> memref<?x8xf32>
  return %b : memref<?x8xf32>
}

// -----

// An argument that is given back is the caller's operand; a buffer that is
// given twice is copied.
// CHECK-LABEL: func private @returned
// CHECK-SAME: (%[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>, %[[Z:.*]]: memref<4xf32>) {
// CHECK: %[[B:.*]] = memref.alloc() : memref<4xf32>
// CHECK: memref.copy %[[B]], %[[Y]]
// CHECK: memref.copy %[[B]], %[[Z]]
// CHECK: return{{$}}
func.func private @returned(%x: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>) {
  %b = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%b : memref<4xf32>)
  return %b, %x, %b : memref<4xf32>, memref<4xf32>, memref<4xf32>
}
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[A:.*]]: memref<4xf32>)
// CHECK: %[[P:.*]] = memref.alloc() : memref<4xf32>
// CHECK: %[[Q:.*]] = memref.alloc() : memref<4xf32>
// CHECK: call @returned(%[[A]], %[[P]], %[[Q]])
// CHECK: return %[[P]], %[[A]], %[[Q]]
func.func @main(%a: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>) {
  %0:3 = call @returned(%a) : (memref<4xf32>) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>)
  return %0#0, %0#1, %0#2 : memref<4xf32>, memref<4xf32>, memref<4xf32>
}

// -----

// The size is an element: the layer is written out where it is called.
// CHECK-NOT: @by_data
// CHECK-LABEL: func @main
// CHECK: %[[N:.*]] = memref.load
// CHECK: %[[Y:.*]] = memref.alloc(%[[N]]) : memref<?xf32>
// CHECK-NOT: call
// CHECK: return %[[Y]]
func.func private @by_data(%x: memref<1xindex>) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.load %x[%c0] : memref<1xindex>
  %y = memref.alloc(%n) : memref<?xf32>
  return %y : memref<?xf32>
}
func.func @main(%x: memref<1xindex>) -> memref<?xf32> {
  %y = call @by_data(%x) : (memref<1xindex>) -> memref<?xf32>
  return %y : memref<?xf32>
}

// -----

// A result that is no buffer.
// CHECK-NOT: @scalar
// CHECK-LABEL: func @main
// CHECK: %[[N:.*]] = memref.dim
// CHECK: return %[[N]]
func.func private @scalar(%x: memref<?xf32>) -> index {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  return %n : index
}
func.func @main(%x: memref<?xf32>) -> index {
  %n = call @scalar(%x) : (memref<?xf32>) -> index
  return %n : index
}

// -----

// What others call as well stays as it is.
// CHECK-LABEL: func @public
// CHECK: memref.alloc
func.func @public() -> memref<4xf32> {
  %y = memref.alloc() : memref<4xf32>
  return %y : memref<4xf32>
}
func.func @main() -> memref<4xf32> {
  %y = call @public() : () -> memref<4xf32>
  return %y : memref<4xf32>
}
