// Which schedule a gate gets, and what is left of its excitation.
// RUN: heed-opt %s --heed-lower-gate=mcpu=haswell --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,AVX2 -DL=8
// RUN: heed-opt %s --heed-lower-gate=mcpu=znver4 --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,AVX512 -DL=16

// Images one after another where they divide among the threads: pools, both
// layers and the last pass within one loop; else all images at once.
// CHECK-LABEL: func @se
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<8x64x14x14xf32>
// CHECK: %[[P:.*]] = memref.alloc() : memref<8x64xf32>
// CHECK: %[[T:.*]] = llvm.call @heed_num_threads
// CHECK: arith.remui
// CHECK: arith.cmpi ule
// CHECK: scf.if
// CHECK:   scf.parallel (%[[N:.*]]) = (%c0) to (%c8)
// CHECK:     memref.subview %[[X]][%[[N]], 0, 0, 0] [1, 64, 14, 14]
// CHECK:     vector.reduction <add>
// CHECK-NOT: linalg
// Eight neurons of the first layer at a time: eight sums, then their lanes.
// CHECK:     scf.for %{{.*}} = %c0 to %c64 step %c{{8|16}} iter_args
// AVX2:        vector<8xf32>
// AVX512:      vector<16xf32>
// CHECK-COUNT-8: vector.reduction <add>
// CHECK-COUNT-8: vector.reduction <add>
// CHECK:     math.exp %{{.*}} : vector<[[L]]xf32>
// CHECK:     arith.mulf
// CHECK:     vector.store
// CHECK:   } else {
// CHECK:     scf.parallel {{.*}} to (%c512)
// CHECK:       vector.reduction
// CHECK-NOT: linalg
// CHECK:     scf.parallel {{.*}} to (%c512)
// CHECK:       vector.store
// CHECK: return
func.func @se(%context: !llvm.ptr, %x: memref<8x64x14x14xf32>, %w1: memref<8x64x1x1xf32>, %w2: memref<64x8x1x1xf32>, %y: memref<8x64x14x14xf32>) {
  %zero = arith.constant 0.0 : f32
  attn.gate ins(%x : memref<8x64x14x14xf32>) outs(%y : memref<8x64x14x14xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<8x64xf32>):
      %p4 = memref.expand_shape %p [[0], [1, 2, 3]] output_shape [8, 64, 1, 1] : memref<8x64xf32> into memref<8x64x1x1xf32>
      %h = memref.alloc() : memref<8x8x1x1xf32>
      linalg.fill ins(%zero : f32) outs(%h : memref<8x8x1x1xf32>)
      linalg.conv_2d_nchw_fchw ins(%p4, %w1 : memref<8x64x1x1xf32>, memref<8x64x1x1xf32>) outs(%h : memref<8x8x1x1xf32>)
      %g4 = memref.alloc() : memref<8x64x1x1xf32>
      linalg.fill ins(%zero : f32) outs(%g4 : memref<8x64x1x1xf32>)
      linalg.conv_2d_nchw_fchw ins(%h, %w2 : memref<8x8x1x1xf32>, memref<64x8x1x1xf32>) outs(%g4 : memref<8x64x1x1xf32>)
      %g = memref.collapse_shape %g4 [[0], [1, 2, 3]] : memref<8x64x1x1xf32> into memref<8x64xf32>
      linalg.exp ins(%g : memref<8x64xf32>) outs(%g : memref<8x64xf32>)
      attn.yield %g : memref<8x64xf32>
    }
  return
}

// One image: all at once; conv1d along the channels, in place.
// CHECK-LABEL: func @eca
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<1x256x7x7xf32>
// CHECK-NOT: scf.if
// CHECK-NOT: memref.copy
// CHECK: scf.parallel {{.*}} to (%c256)
// CHECK: %[[SUM:.*]]:8 = scf.for %{{.*}} = %c0 to %c5 step %c1 iter_args
// CHECK: vector.store %[[SUM]]#0
// CHECK-NOT: linalg
// CHECK: scf.parallel {{.*}} to (%c256)
// CHECK: return
func.func @eca(%context: !llvm.ptr, %x: memref<1x256x7x7xf32>, %padded: memref<1x1x260xf32>, %w: memref<1x1x5xf32>, %g3: memref<1x1x256xf32>) {
  attn.gate ins(%x : memref<1x256x7x7xf32>) outs(%x : memref<1x256x7x7xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<1x256xf32>):
      %p3 = memref.expand_shape %p [[0], [1, 2]] output_shape [1, 1, 256] : memref<1x256xf32> into memref<1x1x256xf32>
      %middle = memref.subview %padded[0, 0, 2] [1, 1, 256] [1, 1, 1] : memref<1x1x260xf32> to memref<1x1x256xf32, strided<[260, 260, 1], offset: 2>>
      memref.copy %p3, %middle : memref<1x1x256xf32> to memref<1x1x256xf32, strided<[260, 260, 1], offset: 2>>
      linalg.conv_1d_ncw_fcw ins(%padded, %w : memref<1x1x260xf32>, memref<1x1x5xf32>) outs(%g3 : memref<1x1x256xf32>)
      %g = memref.collapse_shape %g3 [[0], [1, 2]] : memref<1x1x256xf32> into memref<1x256xf32>
      attn.yield %g : memref<1x256xf32>
    }
  return
}

// The gates of a CBAM: the second pool multiplies on the fly, the last pass
// multiplies by both, and nothing is stored between.
// CHECK-LABEL: func @cbam
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<1x64x16x16xf32>, %[[Y:[a-z0-9]+]]: memref<1x64x16x16xf32>
// CHECK: scf.parallel
// CHECK: scf.for {{.*}} step %c8
// CHECK:   arith.mulf %{{.*}} : vector<[[L]]xf32>
// CHECK:   arith.maximumf %{{.*}} : vector<[[L]]xf32>
// CHECK-NOT: vector.store %{{.*}}, %[[Y]]
// CHECK: scf.parallel
// CHECK:   %[[S:.*]] = arith.mulf %{{.*}} : vector<[[L]]xf32>
// CHECK:   arith.mulf %[[S]], %{{.*}} : vector<[[L]]xf32>
// CHECK:   vector.store
// CHECK-NOT: scf.parallel
// CHECK: return
func.func @cbam(%x: memref<1x64x16x16xf32>, %y: memref<1x64x16x16xf32>) {
  attn.gate ins(%x : memref<1x64x16x16xf32>) outs(%y : memref<1x64x16x16xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<1x64xf32>):
      attn.yield %p : memref<1x64xf32>
    }
  attn.gate ins(%y : memref<1x64x16x16xf32>) outs(%y : memref<1x64x16x16xf32>) dimensions = [1] pools = [max] excite {
    ^bb0(%p: memref<1x16x16xf32>):
      attn.yield %p : memref<1x16x16xf32>
    }
  return
}

// Another op reads what is between the gates: it is stored.
// CHECK-LABEL: func @stored
// The second pool is one task: with so few elements, parts would not pay.
// CHECK: vector.reduction
// CHECK: scf.parallel
// CHECK: vector.store %{{.*}} : memref<64x256xf32>
// CHECK-NOT: scf.parallel
// CHECK: arith.maximumf
// CHECK: scf.parallel
// CHECK: arith.mulf
// CHECK: vector.store
// CHECK-NOT: scf.parallel
// CHECK: return
func.func @stored(%x: memref<1x64x16x16xf32>, %y: memref<1x64x16x16xf32>, %z: memref<1x64x16x16xf32>) {
  attn.gate ins(%x : memref<1x64x16x16xf32>) outs(%y : memref<1x64x16x16xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<1x64xf32>):
      attn.yield %p : memref<1x64xf32>
    }
  attn.gate ins(%y : memref<1x64x16x16xf32>) outs(%z : memref<1x64x16x16xf32>) dimensions = [1] pools = [max] excite {
    ^bb0(%p: memref<1x16x16xf32>):
      attn.yield %p : memref<1x16x16xf32>
    }
  return
}

// An op that is no vector code stays, and the images are one.
// CHECK-LABEL: func @library
// CHECK-NOT: scf.if
// CHECK: linalg.softmax
// CHECK: return
func.func @library(%context: !llvm.ptr, %x: memref<8x64x14x14xf32>, %g: memref<8x64xf32>) {
  attn.gate ins(%x : memref<8x64x14x14xf32>) outs(%x : memref<8x64x14x14xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<8x64xf32>):
      linalg.softmax dimension(1) ins(%p : memref<8x64xf32>) outs(%g : memref<8x64xf32>)
      attn.yield %g : memref<8x64xf32>
    }
  return
}

// A batch that is known at run time: images one after another by a choice there.
// CHECK-LABEL: func @dynamic
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x40x9x7xf32>
// CHECK: scf.if
// CHECK:   scf.parallel (%[[N:.*]]) =
// CHECK:     memref.subview %[[X]][%[[N]], 0, 0, 0] [1, 40, 9, 7]
// CHECK-NOT: linalg
// CHECK:   } else {
// CHECK:     scf.parallel
// CHECK: return
func.func @dynamic(%context: !llvm.ptr, %x: memref<?x40x9x7xf32>, %w: memref<40x40xf32>) {
  attn.gate ins(%x : memref<?x40x9x7xf32>) outs(%x : memref<?x40x9x7xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<?x40xf32>):
      %zero = arith.constant 0.0 : f32
      %c0 = arith.constant 0 : index
      %n = memref.dim %p, %c0 : memref<?x40xf32>
      %g = memref.alloc(%n) : memref<?x40xf32>
      linalg.fill ins(%zero : f32) outs(%g : memref<?x40xf32>)
      linalg.matmul ins(%p, %w : memref<?x40xf32>, memref<40x40xf32>) outs(%g : memref<?x40xf32>)
      attn.yield %g : memref<?x40xf32>
    }
  return
}

// A buffer of another size than the batch is not cut into images.
// CHECK-LABEL: func @no_batch
// CHECK-NOT: scf.if
// CHECK: return
func.func @no_batch(%context: !llvm.ptr, %x: memref<?x40x9x7xf32>, %n: index) {
  attn.gate ins(%x : memref<?x40x9x7xf32>) outs(%x : memref<?x40x9x7xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<?x40xf32>):
      %g = memref.alloc(%n) : memref<?x40xf32>
      linalg.exp ins(%p : memref<?x40xf32>) outs(%g : memref<?x40xf32>)
      attn.yield %g : memref<?x40xf32>
    }
  return
}
