// RUN: heed-opt %s --heed-lower-gate=mcpu=haswell --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-gate=mcpu=znver4 --canonicalize | FileCheck %s --check-prefix=AVX512
// RUN: heed-opt %s --heed-lower-gate=mcpu=x86-64-v4 --canonicalize | FileCheck %s --check-prefix=AVX512
// RUN: heed-opt %s --heed-lower-gate=mcpu=x86-64-v3 --canonicalize --cse | FileCheck %s
// RUN: not heed-opt %s --heed-lower-gate=mcpu=nope 2>&1 | FileCheck %s --check-prefix=MCPU
// MCPU: error: mcpu: expected a CPU that llc knows, got nope

// Rows are pooled and contiguous: four vectors in flight; in place.
// CHECK-LABEL: func @nchw_in_place
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<1x64x56x56xf32>
// CHECK: %[[P:.*]] = memref.alloc() : memref<1x64xf32>
// CHECK: %[[XV:.*]] = memref.collapse_shape %[[X]] {{\[}}[0, 1], [2, 3]]
// CHECK: scf.parallel (%[[C:.*]]) = (%c0) to (%c64)
// CHECK:   scf.for %{{.*}} = %c0 to %c3136 step %c32 iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
// CHECK-COUNT-4: arith.addf %{{.*}} : vector<8xf32>
// CHECK:   vector.reduction <add>
// CHECK:   arith.divf
// CHECK:   memref.store
// CHECK: scf.for %{{.*}} = %c0 to %c64 step %c1 iter_args
// CHECK:   arith.mulf %{{.*}} fastmath<contract> : vector<8xf32>
// CHECK-NOT: linalg.matmul
// CHECK: scf.parallel (%[[C:.*]]) = (%c0) to (%c64)
// CHECK:   %[[G:.*]] = vector.broadcast
// CHECK:   scf.for %{{.*}} = %c0 to %c3136 step %c32
// CHECK:     %[[V:.*]] = vector.load %[[XV]]
// CHECK:     %[[Y:.*]] = arith.mulf %[[V]], %[[G]]
// CHECK:     vector.store %[[Y]], %[[XV]]
// AVX512-LABEL: func @nchw_in_place
// AVX512: vector<16xf32>
func.func @nchw_in_place(%x: memref<1x64x56x56xf32>, %w: memref<64x64xf32>, %g: memref<1x64xf32>) {
  attn.gate ins(%x : memref<1x64x56x56xf32>) outs(%x : memref<1x64x56x56xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<1x64xf32>):
      linalg.matmul ins(%p, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%g : memref<1x64xf32>)
      attn.yield %g : memref<1x64xf32>
    }
  return
}

// Channels last: vectors along channels, two pools in one pass; 43 channels are
// a chunk of 4 vectors, one, and a rest. An image at a time.
// CHECK-LABEL: func @nhwc_two_pools
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x?x43xf32>
// CHECK: scf.parallel (%[[N:.*]]) =
// CHECK:   %[[S:.*]] = memref.alloca() {{.*}} memref<2x48xf32>
// CHECK:   %[[I:.*]] = memref.subview %[[X]][%[[N]], 0, 0, 0]
// CHECK:   scf.for {{.*}} step %c8
// CHECK:     scf.for {{.*}} step %c1 iter_args
// CHECK-COUNT-4: arith.maximumf
// CHECK:     scf.for {{.*}} step %c1 iter_args
// CHECK:       vector.load
// CHECK:     scf.for {{.*}} step %c1 iter_args
// CHECK:       vector.maskedload
// CHECK:   vector.maskedstore
// CHECK:   scf.parallel
// CHECK:     arith.mulf
// CHECK:     vector.store
func.func @nhwc_two_pools(%x: memref<?x?x?x43xf32>, %y: memref<?x?x?x43xf32>) {
  attn.gate ins(%x : memref<?x?x?x43xf32>) outs(%y : memref<?x?x?x43xf32>) dimensions = [1, 2] pools = [avg, max] excite {
    ^bb0(%p: memref<?x43xf32>, %m: memref<?x43xf32>):
      linalg.add ins(%p, %m : memref<?x43xf32>, memref<?x43xf32>) outs(%p : memref<?x43xf32>)
      attn.yield %p : memref<?x43xf32>
    }
  return
}

// 7x7 rows of 49: six vectors and a masked rest; the epilogue is vectorised.
// CHECK-LABEL: func @rest_and_epilogue
// CHECK: vector.constant_mask [1] : vector<8xi1>
// CHECK: vector.maskedload
// CHECK: scf.parallel
// CHECK: vector.maskedload
// CHECK: arith.addf %{{.*}} : vector<8xf32>
// CHECK: vector.maskedstore
func.func @rest_and_epilogue(%x: memref<2x8x7x7xf32>, %r: memref<2x8x7x7xf32>, %y: memref<2x8x7x7xf32>) {
  attn.gate ins(%x, %r : memref<2x8x7x7xf32>, memref<2x8x7x7xf32>) outs(%y : memref<2x8x7x7xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf32>):
      attn.yield %p : memref<2x8xf32>
    } epilogue {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %0 = arith.mulf %a, %b : f32
      %1 = arith.addf %0, %c : f32
      attn.yield %1 : f32
    }
  return
}

// No dim of stride 1 at the end: scalars.
// CHECK-LABEL: func @strided
// CHECK-NOT: vector
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%c4)
// CHECK:   scf.parallel (%{{.*}}) = (%c0) to (%c8)
// CHECK: memref.load
// CHECK-NOT: vector
// CHECK: return
func.func @strided(%x: memref<4x8x16xf32, strided<[128, 1, 8]>>) {
  attn.gate ins(%x : memref<4x8x16xf32, strided<[128, 1, 8]>>) outs(%x : memref<4x8x16xf32, strided<[128, 1, 8]>>) dimensions = [2] pools = [sum] excite {
    ^bb0(%p: memref<4x8xf32>):
      attn.yield %p : memref<4x8xf32>
    }
  return
}
