// Layouts whose last dim is kept: blocks of channels, and channels last.
// RUN: heed-opt %s --heed-lower-gate=mcpu=haswell --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: heed-opt %s --heed-lower-gate=mcpu=znver4 --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,AVX512

// nChw16c: eight sums in flight, of four places or of eight; the gate of a block
// is in registers in the last pass.
// CHECK-LABEL: func @blocks_of_sixteen
// CHECK: scf.parallel {{.*}} to (%c8)
// AVX2: %[[S:.*]]:8 = scf.for %{{.*}} = %c0 to %c196 step %c4 iter_args
// AVX2-COUNT-8: arith.addf %{{.*}} : vector<8xf32>
// AVX512: %[[S:.*]]:8 = scf.for %{{.*}} = %c0 to %c192 step %c8 iter_args
// AVX512-COUNT-8: arith.addf %{{.*}} : vector<16xf32>
// AVX512: scf.for %{{.*}} = %c192 to %c196 step %c1 iter_args
// CHECK-NOT: masked
// CHECK-NOT: memref.load
// CHECK: scf.parallel {{.*}} to (%c8)
// AVX2-COUNT-2: vector.load %{{.*}} : memref<8x16xf32>, vector<8xf32>
// AVX2: scf.for %{{.*}} = %c0 to %c196 step %c2
// AVX512: vector.load %{{.*}} : memref<8x16xf32>, vector<16xf32>
// AVX512: scf.for %{{.*}} = %c0 to %c196 step %c4
// CHECK-NOT: vector.load %{{.*}} : memref<8x16xf32>
// CHECK: return
func.func @blocks_of_sixteen(%x: memref<1x8x14x14x16xf32>) {
  attn.gate ins(%x : memref<1x8x14x14x16xf32>) outs(%x : memref<1x8x14x14x16xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<1x8x16xf32>):
      attn.yield %p : memref<1x8x16xf32>
    }
  return
}

// nChw8c: vectors of eight on either CPU; two pools share the registers.
// CHECK-LABEL: func @blocks_of_eight
// CHECK: scf.for %{{.*}} = %c0 to %c196 step %c4 iter_args
// CHECK-COUNT-4: arith.maximumf %{{.*}} : vector<8xf32>
// CHECK-NOT: masked
// CHECK: scf.for %{{.*}} = %c0 to %c196 step %c4
// CHECK-COUNT-4: vector.store %{{.*}} vector<8xf32>
// CHECK: return
func.func @blocks_of_eight(%x: memref<1x8x14x14x8xf32>, %y: memref<1x8x14x14x8xf32>) {
  attn.gate ins(%x : memref<1x8x14x14x8xf32>) outs(%y : memref<1x8x14x14x8xf32>) dimensions = [2, 3] pools = [avg, max] excite {
    ^bb0(%p: memref<1x8x8xf32>, %m: memref<1x8x8xf32>):
      attn.yield %p : memref<1x8x8xf32>
    }
  return
}

// One image, channels last: sixteen parts of its places, each with sums on the
// stack, eight places at a time; then the parts are added.
// CHECK-LABEL: func @parts
// CHECK: %[[P:.*]] = memref.alloc() : memref<4096xf32>
// CHECK: scf.parallel (%[[K:.*]]) = (%c0) to (%c16)
// CHECK:   %[[S:.*]] = memref.alloca() {alignment = 64 : i64} : memref<1x256xf32>
// CHECK:   scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c8
// CHECK:     arith.minui
// CHECK:     scf.for %{{.*}} = %c0 to %c256 step
// CHECK:       vector.load %[[S]]
// CHECK:       scf.for {{.*}} step %c1 iter_args
// CHECK-COUNT-4: arith.addf
// CHECK:       vector.store %{{.*}}, %[[S]]
// CHECK:   vector.store %{{.*}}, %[[P]]
// CHECK: scf.for %{{.*}} = %c0 to %c256 step
// CHECK:   scf.for %{{.*}} = %c0 to %c16 step %c1 iter_args
// CHECK:     vector.load %[[P]]
// CHECK:   arith.divf
// Sixteen places of 256 channels are a task of the last pass.
// CHECK: scf.parallel {{.*}} to (%c196)
// CHECK: return
func.func @parts(%x: memref<1x56x56x256xf32>) {
  attn.gate ins(%x : memref<1x56x56x256xf32>) outs(%x : memref<1x56x56x256xf32>) dimensions = [1, 2] pools = [avg] excite {
    ^bb0(%p: memref<1x256xf32>):
      attn.yield %p : memref<1x256xf32>
    }
  return
}

// Little work is one thread's, and has no parts.
// CHECK-LABEL: func @few
// CHECK-NOT: memref.alloc() : memref<{{[0-9]+}}xf32>
// CHECK: return
func.func @few(%x: memref<1x14x14x64xf32>) {
  attn.gate ins(%x : memref<1x14x14x64xf32>) outs(%x : memref<1x14x14x64xf32>) dimensions = [1, 2] pools = [avg] excite {
    ^bb0(%p: memref<1x64xf32>):
      attn.yield %p : memref<1x64xf32>
    }
  return
}

// Chunks of a long row, the last one shorter; the other kept dim is a task's too.
// CHECK-LABEL: func @chunks
// CHECK: scf.parallel (%{{.*}}, %{{.*}}) = (%c0, %c0) to (%c64, %c3)
// CHECK:   memref.alloca() {alignment = 64 : i64} : memref<1x1008xf32>
// CHECK:   arith.minui
// CHECK: vector.maskedload
// CHECK: return
func.func @chunks(%x: memref<1x64x32x3001xf32>) {
  attn.gate ins(%x : memref<1x64x32x3001xf32>) outs(%x : memref<1x64x32x3001xf32>) dimensions = [2] pools = [max] excite {
    ^bb0(%p: memref<1x64x3001xf32>):
      attn.yield %p : memref<1x64x3001xf32>
    }
  return
}

// Within an image: its loop makes the sums, once for all images.
// CHECK-LABEL: func @images
// CHECK: scf.parallel {{.*}} to (%c64)
// CHECK-NEXT: memref.alloca() {alignment = 64 : i64} : memref<1x1008xf32>
// CHECK:   scf.parallel {{.*}} to (%c3)
// CHECK: return
func.func @images(%x: memref<64x32x3001xf32>) {
  attn.gate ins(%x : memref<64x32x3001xf32>) outs(%x : memref<64x32x3001xf32>) dimensions = [1] pools = [max] excite {
    ^bb0(%p: memref<64x3001xf32>):
      attn.yield %p : memref<64x3001xf32>
    }
  return
}
