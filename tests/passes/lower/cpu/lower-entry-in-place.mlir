// RUN: heed-opt %s --split-input-file --heed-lower-entry | FileCheck %s

// A cache and its update: copied unless both are the same memory.
// CHECK: module attributes {attn.in_place = array<i64: 0, 0>}
// CHECK-LABEL: func @main
// CHECK: %[[IN:.*]] = memref.view
// CHECK: %[[OUT:.*]] = memref.view
// CHECK: %[[A:.*]] = memref.extract_aligned_pointer_as_index %[[IN]]
// CHECK: %[[B:.*]] = memref.extract_aligned_pointer_as_index %[[OUT]]
// CHECK: %[[DIFFERS:.*]] = arith.cmpi ne, %[[A]], %[[B]]
// CHECK: scf.if %[[DIFFERS]] {
// CHECK-NEXT: memref.copy %[[IN]], %[[OUT]]
// CHECK-NEXT: }
// CHECK: memref.store
func.func @main(%past: memref<8x4xf32>) -> memref<8x4xf32> {
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %present = memref.alloc() : memref<8x4xf32>
  memref.copy %past, %present : memref<8x4xf32> to memref<8x4xf32>
  memref.store %zero, %present[%c3, %c3] : memref<8x4xf32>
  return %present : memref<8x4xf32>
}

// -----

// Its sizes may be asked for.
// CHECK: module attributes {attn.in_place = array<i64: 0, 0>}
// CHECK-LABEL: func @main
// CHECK: %[[IN:.*]] = memref.view
// CHECK: memref.dim %[[IN]]
// CHECK: scf.if
// CHECK-NEXT: memref.copy
func.func @main(%past: memref<?x4xf32>) -> memref<?x4xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %past, %c0 : memref<?x4xf32>
  %present = memref.alloc(%n) : memref<?x4xf32>
  memref.copy %past, %present : memref<?x4xf32> to memref<?x4xf32>
  memref.store %zero, %present[%c0, %c0] : memref<?x4xf32>
  return %present : memref<?x4xf32>
}

// -----

// The old cache is read after its update: they must not share memory.
// CHECK: module {
// CHECK-LABEL: func @main
// CHECK-NOT: scf.if
func.func @main(%past: memref<8x4xf32>) -> (memref<8x4xf32>, memref<8x4xf32>) {
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %present = memref.alloc() : memref<8x4xf32>
  %y = memref.alloc() : memref<8x4xf32>
  memref.copy %past, %present : memref<8x4xf32> to memref<8x4xf32>
  memref.store %zero, %present[%c3, %c3] : memref<8x4xf32>
  linalg.exp ins(%past : memref<8x4xf32>) outs(%y : memref<8x4xf32>)
  return %present, %y : memref<8x4xf32>, memref<8x4xf32>
}
