// RUN: heed-opt %s --heed-lower-norm=mcpu=haswell --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-norm=mcpu=znver4 --canonicalize | FileCheck %s --check-prefix=AVX512
// RUN: not heed-opt %s --heed-lower-norm=mcpu=nope 2>&1 | FileCheck %s --check-prefix=MCPU
// MCPU: error: mcpu: expected a CPU that llc knows, got nope

// A row: its sum and its squared distances, four vectors in flight each, then
// the result, in place.
// CHECK-LABEL: func @tokens
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<2x64x768xf32>, %[[W:[a-z0-9]+]]: memref<768xf32>, %[[B:[a-z0-9]+]]: memref<768xf32>
// CHECK: %[[V:.*]] = memref.collapse_shape %[[X]] {{\[}}[0, 1], [2]]
// CHECK: scf.parallel (%[[ROW:.*]]) = (%c0) to (%c128)
// CHECK:   scf.for %{{.*}} = %c0 to %c768 step %c32 iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
// CHECK-COUNT-4: arith.addf %{{.*}} : vector<8xf32>
// CHECK:   %[[SUM:.*]] = vector.reduction <add>
// CHECK:   %[[MEAN:.*]] = arith.divf %[[SUM]]
// CHECK:   %[[M:.*]] = vector.broadcast %[[MEAN]]
// CHECK:   scf.for
// CHECK:     %[[D:.*]] = arith.subf %{{.*}}, %[[M]]
// CHECK:     vector.fma %[[D]], %[[D]]
// CHECK:   vector.reduction <add>
// CHECK:   math.sqrt
// CHECK:   scf.for %[[AT:.*]] = %c0 to %c768 step %c32 {
// CHECK:     %[[L:.*]] = vector.load %[[V]][%[[ROW]], %[[AT]]]
// CHECK:     vector.load %[[W]][%[[AT]]]
// CHECK:     vector.load %[[B]][%[[AT]]]
// CHECK:     arith.subf %[[L]]
// CHECK:     vector.store %{{.*}}, %[[V]][%[[ROW]], %[[AT]]]
// CHECK-NOT: vector.maskedload
// AVX512-LABEL: func @tokens
// AVX512: vector<16xf32>
func.func @tokens(%x: memref<2x64x768xf32>, %w: memref<768xf32>, %b: memref<768xf32>) {
  attn.norm layer ins(%x : memref<2x64x768xf32>) weight(%w : memref<768xf32>) over [2] bias(%b : memref<768xf32>) over [2]
      outs(%x : memref<2x64x768xf32>) dimensions = [2] epsilon = 1.0e-5
  return
}

// Channels of an image: vectors along the pixels, one weight a channel; 3136
// pixels are 98 chunks of four vectors.
// CHECK-LABEL: func @channels
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<1x96x56x56xf32>, %[[W:[a-z0-9]+]]: memref<96xf32>, %[[Y:[a-z0-9]+]]: memref<1x96x56x56xf32>
// CHECK: memref.collapse_shape %[[X]] {{\[}}[0], [1], [2, 3]]
// CHECK: memref.collapse_shape %[[Y]] {{\[}}[0], [1], [2, 3]]
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%c98)
// CHECK:   scf.for %{{.*}} = %c0 to %c96 step %c1 iter_args
// CHECK-COUNT-4: vector.load
// CHECK:   scf.for %[[C:.*]] = %c0 to %c96 step %c1 {
// CHECK:     memref.load %[[W]][%[[C]]]
// CHECK:     vector.store
// CHECK-NOT: vector.reduction
func.func @channels(%x: memref<1x96x56x56xf32>, %w: memref<96xf32>, %y: memref<1x96x56x56xf32>) {
  attn.norm layer ins(%x : memref<1x96x56x56xf32>) weight(%w : memref<96xf32>) over [1]
      outs(%y : memref<1x96x56x56xf32>) dimensions = [1] epsilon = 1.0e-5
  return
}

// RMS: no mean. A rest is masked; half precision is summed in f32.
// CHECK-LABEL: func @rms_in_half
// CHECK: scf.parallel
// CHECK-NOT: arith.subf
// CHECK:   vector.maskedload {{.*}} into vector<8xf16>
// CHECK:   arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK:   vector.reduction <add>
// CHECK:   arith.truncf {{.*}} : vector<8xf32> to vector<8xf16>
// CHECK:   vector.maskedstore
func.func @rms_in_half(%x: memref<4x37xf16>) {
  attn.norm rms ins(%x : memref<4x37xf16>) outs(%x : memref<4x37xf16>) dimensions = [1] epsilon = 1.0e-5
  return
}

// Groups with weights of channels: the channels of a group are an outer loop.
// CHECK-LABEL: func @groups
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<2x4x8x?xf32>, %[[W:[a-z0-9]+]]: memref<4x8xf32>
// CHECK: scf.parallel (%[[N:.*]], %[[G:.*]]) = (%c0, %c0) to (%c2, %c4)
// CHECK:   scf.for %[[C:.*]] = %c0 to %c8 step %c1 {
// CHECK:     memref.load %[[W]][%[[G]], %[[C]]]
func.func @groups(%x: memref<2x4x8x?xf32>, %w: memref<4x8xf32>) {
  attn.norm layer ins(%x : memref<2x4x8x?xf32>) weight(%w : memref<4x8xf32>) over [1, 2]
      outs(%x : memref<2x4x8x?xf32>) dimensions = [2, 3] epsilon = 1.0e-5
  return
}

// Not contiguous: scalars.
// CHECK-LABEL: func @strided
// CHECK: scf.parallel
// CHECK-NOT: vector
// CHECK: memref.store
func.func @strided(%x: memref<4x8xf32, strided<[1, 4]>>) {
  attn.norm rms ins(%x : memref<4x8xf32, strided<[1, 4]>>) outs(%x : memref<4x8xf32, strided<[1, 4]>>) dimensions = [1] epsilon = 1.0e-5
  return
}
