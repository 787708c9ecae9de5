// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-softmax=mcpu=haswell --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-softmax=mcpu=znver4 --canonicalize --cse | FileCheck %s --check-prefix=AVX512
// RUN: not heed-opt %s --split-input-file --heed-lower-softmax=mcpu=nope 2>&1 | FileCheck %s --check-prefix=MCPU
// MCPU: error: mcpu: expected a CPU that llc knows, got nope

// Rows: 6625 are 207 times four vectors of 8, and one element under a mask,
// where the other lanes are −∞. The exponentials are stored and scaled.
// CHECK-LABEL: func @rows
// CHECK-SAME: %[[X:.*]]: memref<40x6625xf32>, %[[Y:.*]]: memref<40x6625xf32>
// CHECK-DAG: %[[LOWEST:.*]] = arith.constant dense<0xFF800000> : vector<8xf32>
// CHECK: scf.parallel (%[[ROW:.*]]) = (%c0) to (%c40)
// CHECK:   scf.for %[[J:.*]] = %c0 to %c6624 step %c32 iter_args(%{{.*}} = %[[LOWEST]], %{{.*}} = %[[LOWEST]], %{{.*}} = %[[LOWEST]], %{{.*}} = %[[LOWEST]])
// CHECK:     %[[V:.*]] = vector.load %[[X]][%[[ROW]], %[[J]]]
// CHECK:     arith.cmpf ogt
// CHECK-COUNT-3: vector.load %[[X]]
// CHECK:   vector.maskedload %[[X]][%[[ROW]], %c6624], %[[MASK:.*]], %[[LOWEST]]
// CHECK-COUNT-3: vector.shuffle
// CHECK:   %[[MAX:.*]] = vector.broadcast %{{.*}} : f32 to vector<8xf32>
// CHECK:   scf.for %{{.*}} = %c0 to %c6624 step %c32
// CHECK:     %[[V:.*]] = vector.load %[[X]]
// CHECK:     %[[D:.*]] = arith.subf %[[V]], %[[MAX]]
// CHECK:     %[[T:.*]] = arith.mulf %[[D]]
// CHECK-COUNT-5: math.fma
// CHECK:     vector.store %{{.*}}, %[[Y]]
// CHECK:   vector.maskedstore %[[Y]][%[[ROW]], %c6624], %[[MASK]]
// CHECK:   %[[SUM:.*]] = vector.reduction <add>
// CHECK:   %[[S:.*]] = vector.broadcast %[[SUM]]
// CHECK:   %[[INVERSE:.*]] = arith.divf %{{.*}}, %[[S]]
// CHECK:   scf.for %{{.*}} = %c0 to %c6624 step %c32
// CHECK:     %[[E:.*]] = vector.load %[[Y]]
// CHECK:     arith.mulf %[[E]], %[[INVERSE]]
// CHECK:     vector.store
// CHECK-NOT: linalg.softmax
// AVX512-LABEL: func @rows
// AVX512: scf.for %{{.*}} = %c0 to %c6592 step %c64
// AVX512: vector.load {{.*}} vector<16xf32>
func.func @rows(%x: memref<40x6625xf32>, %y: memref<40x6625xf32>) {
  linalg.softmax dimension(1) ins(%x : memref<40x6625xf32>) outs(%y : memref<40x6625xf32>)
  return
}

// Pixels of channels: 64 x 64 pixels are 128 times four vectors, each with a
// maximum and a sum of its own.
// CHECK-LABEL: func @channels
// CHECK: %[[X:.*]] = memref.collapse_shape %{{.*}} {{\[}}[0], [1], [2, 3]] : memref<2x?x64x64xf32>
// CHECK: %[[N:.*]] = memref.dim %{{.*}}, %c1
// CHECK: scf.parallel (%[[IMAGE:.*]], %[[CHUNK:.*]]) = (%c0, %c0) to (%c2, %c128)
// CHECK:   %[[P:.*]] = arith.muli %[[CHUNK]], %c32
// CHECK:   %[[MAX:.*]]:4 = scf.for %[[J:.*]] = %c0 to %[[N]] step %c1
// CHECK:     vector.load %[[X]][%[[IMAGE]], %[[J]], %[[P]]]
// CHECK-COUNT-3: vector.load %[[X]]
// CHECK:   scf.for
// CHECK:     arith.subf %{{.*}}, %[[MAX]]#0
// CHECK:     vector.store
// CHECK:     arith.subf %{{.*}}, %[[MAX]]#1
// CHECK-COUNT-4: arith.divf
// CHECK-NOT: vector.reduction
func.func @channels(%x: memref<2x?x64x64xf32>, %y: memref<2x?x64x64xf32>) {
  linalg.softmax dimension(1) ins(%x : memref<2x?x64x64xf32>) outs(%y : memref<2x?x64x64xf32>)
  return
}

// Dims of size 1 behind the softmax's leave rows. One row: nothing in parallel.
// CHECK-LABEL: func @pooled
// CHECK: memref.collapse_shape %{{.*}} {{\[}}[0, 1, 2]] : memref<16x1x1xf32> into memref<16xf32>
// CHECK-NOT: scf.parallel
// CHECK: vector.reduction <add>
func.func @pooled(%x: memref<16x1x1xf32>, %y: memref<16x1x1xf32>) {
  linalg.softmax dimension(0) ins(%x : memref<16x1x1xf32>) outs(%y : memref<16x1x1xf32>)
  return
}

// Half precision is computed in f32; the exponentials are taken twice.
// CHECK-LABEL: func @half
// CHECK: arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK: vector.reduction <add>
// CHECK-NOT: vector.load %arg1
// CHECK: arith.bitcast
// CHECK: arith.truncf {{.*}} : vector<8xf32> to vector<8xf16>
// CHECK: vector.store
// CHECK-NOT: vector.load %arg1
func.func @half(%x: memref<4x64xf16>, %y: memref<4x64xf16>) {
  linalg.softmax dimension(1) ins(%x : memref<4x64xf16>) outs(%y : memref<4x64xf16>)
  return
}

// What is not contiguous, and f64, in scalars; the exponential of f64 is libm's.
// CHECK-LABEL: func @strided
// CHECK-NOT: vector
// CHECK: memref.load %arg0
// CHECK: math.fma {{.*}} : f32
// CHECK-LABEL: func @double
// CHECK-NOT: vector
// CHECK: math.exp {{.*}} : f64
func.func @strided(%x: memref<4x64xf32, strided<[1, 4]>>, %y: memref<4x64xf32>) {
  linalg.softmax dimension(1) ins(%x : memref<4x64xf32, strided<[1, 4]>>) outs(%y : memref<4x64xf32>)
  return
}
func.func @double(%x: memref<4x64xf64>, %y: memref<4x64xf64>) {
  linalg.softmax dimension(1) ins(%x : memref<4x64xf64>) outs(%y : memref<4x64xf64>)
  return
}

// -----

func.func @tensors(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @below {{expected memref operands; bufferise first}}
  %0 = linalg.softmax dimension(1) ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
