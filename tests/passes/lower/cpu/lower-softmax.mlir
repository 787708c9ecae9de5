// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-softmax | FileCheck %s

// Rows in parallel; the maximum and the sum are carried, not stored.
// CHECK-LABEL: func @middle_axis
// CHECK-SAME: %[[X:.*]]: memref<2x?x8xf32>, %[[Y:.*]]: memref<2x?x8xf32>
// CHECK: %[[N:.*]] = memref.dim %[[X]]
// CHECK: scf.parallel (%[[ROW:.*]]) =
// CHECK-DAG: %[[K:.*]] = arith.remui %[[ROW]], %c8
// CHECK: %[[LOWEST:.*]] = arith.constant 0xFF800000
// CHECK: %[[MAX:.*]] = scf.for %[[J:.*]] = %{{.*}} to %[[N]] step %{{.*}} iter_args(%{{.*}} = %[[LOWEST]])
// CHECK:   memref.load %[[X]][%[[I:.*]], %[[J]], %[[K]]]
// CHECK:   arith.maximumf
// CHECK: scf.for %[[J:.*]] = %{{.*}} to %[[N]]
// CHECK:   %[[V:.*]] = memref.load %[[X]][%[[I]], %[[J]], %[[K]]]
// CHECK:   %[[S:.*]] = arith.subf %[[V]], %[[MAX]]
// CHECK:   %[[E:.*]] = math.exp %[[S]]
// CHECK:   memref.store %[[E]], %[[Y]][%[[I]], %[[J]], %[[K]]]
// CHECK: %[[SUM:.*]] = scf.for
// CHECK:   memref.load %[[Y]]
// CHECK:   arith.addf
// CHECK: %[[INVERSE:.*]] = arith.divf %{{.*}}, %[[SUM]]
// CHECK: scf.for
// CHECK:   arith.mulf %{{.*}}, %[[INVERSE]]
// CHECK:   memref.store %{{.*}}, %[[Y]]
// CHECK-NOT: linalg.softmax
func.func @middle_axis(%x: memref<2x?x8xf32>, %y: memref<2x?x8xf32>) {
  linalg.softmax dimension(1) ins(%x : memref<2x?x8xf32>) outs(%y : memref<2x?x8xf32>)
  return
}

// One row: the parallel loop has one iteration.
// CHECK-LABEL: func @vector
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%c1) step (%c1)
// CHECK: memref.load %{{.*}}[%{{.*}}] : memref<16xf32>
func.func @vector(%x: memref<16xf32>, %y: memref<16xf32>) {
  linalg.softmax dimension(0) ins(%x : memref<16xf32>) outs(%y : memref<16xf32>)
  return
}

// -----

func.func @tensors(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @below {{expected memref operands; bufferise first}}
  %0 = linalg.softmax dimension(1) ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
