// RUN: heed-opt %s --heed-lower-expand-shape --split-input-file | FileCheck %s
// RUN: heed-opt %s --heed-lower-expand-shape --expand-strided-metadata --split-input-file | FileCheck %s --check-prefix=AFTER

// CHECK-LABEL: @two_dynamic_sizes
// CHECK-SAME: %[[A:.*]]: memref<?x4xf32>, %[[I:.*]]: index, %[[J:.*]]: index
// CHECK: %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %{{.*}}:2 = memref.extract_strided_metadata %[[A]]
// CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[I]], %[[J]], 4], strides: [%{{.*}}, 4, 1]
// AFTER-LABEL: @two_dynamic_sizes
// AFTER-NOT: expand_shape
func.func @two_dynamic_sizes(%a: memref<?x4xf32>, %i: index, %j: index) -> memref<?x?x4xf32> {
  %0 = memref.expand_shape %a [[0, 1], [2]] output_shape [%i, %j, 4] : memref<?x4xf32> into memref<?x?x4xf32>
  return %0 : memref<?x?x4xf32>
}

// -----

// The strides of a source that is itself a view are kept.
// CHECK-LABEL: @of_a_strided_view
// CHECK: memref.extract_strided_metadata
// CHECK: memref.reinterpret_cast {{.*}} sizes: [%{{.*}}, %{{.*}}, 4], strides: [%{{.*}}, %{{.*}}, 1]
func.func @of_a_strided_view(%a: memref<?x4xf32, strided<[?, 1], offset: ?>>, %i: index, %j: index) -> memref<?x?x4xf32, strided<[?, ?, 1], offset: ?>> {
  %0 = memref.expand_shape %a [[0, 1], [2]] output_shape [%i, %j, 4] : memref<?x4xf32, strided<[?, 1], offset: ?>> into memref<?x?x4xf32, strided<[?, ?, 1], offset: ?>>
  return %0 : memref<?x?x4xf32, strided<[?, ?, 1], offset: ?>>
}

// -----

// Upstream handles these.
// CHECK-LABEL: @one_dynamic_size
// CHECK: memref.expand_shape
func.func @one_dynamic_size(%a: memref<?x4xf32>, %i: index) -> memref<?x2x4xf32> {
  %0 = memref.expand_shape %a [[0, 1], [2]] output_shape [%i, 2, 4] : memref<?x4xf32> into memref<?x2x4xf32>
  return %0 : memref<?x2x4xf32>
}
