// RUN: heed-opt %s --heed-lower-row-product=mcpu=haswell --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-row-product=mcpu=znver4 --canonicalize | FileCheck %s --check-prefix=AVX512
// RUN: not heed-opt %s --heed-lower-row-product=mcpu=nope 2>&1 | FileCheck %s --check-prefix=MCPU
// MCPU: error: mcpu: expected a CPU that llc knows, got nope

// Four tasks of 128 rows, each as four streams of 32 rows; then their sums.
// CHECK-LABEL: func @row
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<1x512xf32>, %[[W:[a-z0-9]+]]: memref<512x1024xf32>, %[[Y:[a-z0-9]+]]: memref<1x1024xf32>
// CHECK: %[[SUMS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x1024xf32>
// CHECK: scf.parallel (%[[PART:.*]]) = (%c0) to (%c4)
// CHECK:   scf.for %{{.*}} = %c0 to %c1024 step %c8
// CHECK:     vector.store %{{.*}}, %[[SUMS]][%[[PART]]
// CHECK:   %[[FIRST:.*]] = arith.muli %[[PART]], %c128
// CHECK:   scf.for %[[R:.*]] = %c0 to %c32 step %c1
// CHECK:     %[[K0:.*]] = arith.addi %[[FIRST]], %[[R]]
// CHECK:     memref.load %[[X]][%c0, %[[K0]]]
// CHECK:     %[[K1:.*]] = arith.addi %[[K0]], %c32
// CHECK:     memref.load %[[X]][%c0, %[[K1]]]
// CHECK:     %[[K2:.*]] = arith.addi %[[K0]], %c64
// CHECK:     %[[K3:.*]] = arith.addi %[[K0]], %c96
// CHECK:     scf.for %[[N:.*]] = %c0 to %c1024 step %c32
// CHECK:       %[[S:.*]] = vector.load %[[SUMS]][%[[PART]], %[[N]]]
// CHECK:       vector.load %[[W]][%[[K0]], %[[N]]]
// CHECK:       vector.fma
// CHECK:       vector.load %[[W]][%[[K1]], %[[N]]]
// CHECK:       vector.load %[[W]][%[[K2]], %[[N]]]
// CHECK:       vector.load %[[W]][%[[K3]], %[[N]]]
// CHECK:       %[[NEXT:.*]] = vector.fma
// CHECK:       vector.store %[[NEXT]], %[[SUMS]][%[[PART]], %[[N]]]
// CHECK:   attn.cost
// CHECK: scf.parallel
// CHECK:   vector.load %[[Y]]
// CHECK:   scf.for %{{.*}} = %c0 to %c4
// CHECK:     arith.addf
// CHECK:   vector.store %{{.*}}, %[[Y]]
// AVX512-LABEL: func @row
// AVX512: vector<16xf32>
func.func @row(%x: memref<1x512xf32>, %w: memref<512x1024xf32>, %y: memref<1x1024xf32>) {
  linalg.matmul ins(%x, %w : memref<1x512xf32>, memref<512x1024xf32>) outs(%y : memref<1x1024xf32>)
  return
}

// A small one is one task; rows that do not make four streams, and columns that
// do not fill a vector, are done at the end and under a mask. The matrix first.
// CHECK-LABEL: func @small
// CHECK-SAME: %[[W:[a-z0-9]+]]: memref<1x6x5xf32>, %[[X:[a-z0-9]+]]: memref<6x1xf32>
// CHECK-NOT: scf.parallel
// CHECK: memref.alloc() {alignment = 64 : i64} : memref<1x5xf32>
// CHECK: vector.maskedload %[[W]][%c0, %c3, %c0]
// CHECK: scf.for %[[K:.*]] = %c4 to %c6
// CHECK:   vector.maskedload %[[W]][%c0, %[[K]], %c0]
// CHECK:   memref.load %[[X]][%[[K]], %c0]
#w = affine_map<(b, n, k) -> (b, k, n)>
#x = affine_map<(b, n, k) -> (k, b)>
#y = affine_map<(b, n, k) -> (b, n)>
func.func @small(%w: memref<1x6x5xf32>, %x: memref<6x1xf32>, %y: memref<1x5xf32>) {
  linalg.generic {indexing_maps = [#w, #x, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %x : memref<1x6x5xf32>, memref<6x1xf32>) outs(%y : memref<1x5xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %out, %m : f32
    linalg.yield %s : f32
  }
  return
}

// Two rows; rows of the result along the reduction; another type; any size.
// CHECK-LABEL: func @others
// CHECK-COUNT-4: linalg.
// CHECK-NOT: vector
func.func @others(%x2: memref<2x8xf32>, %w: memref<8x16xf32>, %y2: memref<2x16xf32>, %v: memref<8xf32>, %y: memref<16xf32>,
    %wt: memref<16x8xf32>, %xd: memref<8xf64>, %wd: memref<8x16xf64>, %yd: memref<16xf64>, %wn: memref<8x?xf32>, %yn: memref<?xf32>) {
  linalg.matmul ins(%x2, %w : memref<2x8xf32>, memref<8x16xf32>) outs(%y2 : memref<2x16xf32>)
  linalg.matvec ins(%wt, %v : memref<16x8xf32>, memref<8xf32>) outs(%y : memref<16xf32>)
  linalg.vecmat ins(%xd, %wd : memref<8xf64>, memref<8x16xf64>) outs(%yd : memref<16xf64>)
  linalg.vecmat ins(%v, %wn : memref<8xf32>, memref<8x?xf32>) outs(%yn : memref<?xf32>)
  return
}
