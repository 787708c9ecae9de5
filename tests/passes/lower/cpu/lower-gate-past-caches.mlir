// Results that are more than the caches hold are stored past them.
// RUN: heed-opt %s --heed-lower-gate=mcpu=haswell --canonicalize --cse | FileCheck %s -DB=32 -DM=31
// RUN: heed-opt %s --heed-lower-gate=mcpu=znver4 --canonicalize --cse | FileCheck %s -DB=64 -DM=63
// RUN: heed-opt %s --heed-lower-gate=mcpu=x86-64 --canonicalize --cse | FileCheck %s --check-prefix=SSE
// SSE-NOT: nontemporal

// Where the result is aligned. The fence behind the stores is the runtime's, at
// the end of each part of a loop.
// CHECK-LABEL: func @large
// CHECK: %[[A:.*]] = memref.extract_aligned_pointer_as_index %arg1
// CHECK: %[[L:.*]] = arith.andi %[[A]], %c[[M]]
// CHECK: %[[C:.*]] = arith.cmpi eq, %[[L]], %c0
// CHECK: scf.if %[[C]]
// CHECK-COUNT-4: vector.store {{.*}} {alignment = [[B]] : i64, nontemporal = true}
// CHECK-NOT: llvm.x86.sse.sfence
// CHECK: else
// CHECK-NOT: nontemporal
// CHECK: return
func.func @large(%x: memref<32x256x56x56xf32>, %y: memref<32x256x56x56xf32>) {
  attn.gate ins(%x : memref<32x256x56x56xf32>) outs(%y : memref<32x256x56x56xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<32x256xf32>):
      attn.yield %p : memref<32x256xf32>
    }
  return
}

// No loop of which the runtime would know.
// CHECK-LABEL: func @row
// CHECK: nontemporal = true
// CHECK: llvm.call_intrinsic "llvm.x86.sse.sfence"
// CHECK: else
// CHECK-NOT: llvm.x86.sse.sfence
// CHECK: return
func.func @row(%x: memref<8388608xf32>, %y: memref<8388608xf32>) {
  attn.gate ins(%x : memref<8388608xf32>) outs(%y : memref<8388608xf32>) dimensions = [0] pools = [avg] excite {
    ^bb0(%p: memref<f32>):
      attn.yield %p : memref<f32>
    }
  return
}

// A batch known at run time: the size decides there.
// CHECK-LABEL: func @dynamic
// CHECK: %[[T:.*]] = arith.cmpi ugt, %{{.*}}, %c16777216
// CHECK: %[[C:.*]] = arith.andi %[[T]], %{{.*}} : i1
// CHECK: scf.if %[[C]]
// CHECK: nontemporal = true
// CHECK: return
func.func @dynamic(%x: memref<?x256x56x56xf32>, %y: memref<?x256x56x56xf32>) {
  attn.gate ins(%x : memref<?x256x56x56xf32>) outs(%y : memref<?x256x56x56xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<?x256xf32>):
      attn.yield %p : memref<?x256xf32>
    }
  return
}

// In place, what is stored lies in the cache already.
// CHECK-LABEL: func @in_place
// CHECK-NOT: nontemporal
// CHECK: return
func.func @in_place(%x: memref<32x256x56x56xf32>) {
  attn.gate ins(%x : memref<32x256x56x56xf32>) outs(%x : memref<32x256x56x56xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<32x256xf32>):
      attn.yield %p : memref<32x256xf32>
    }
  return
}

// CHECK-LABEL: func @small
// CHECK-NOT: nontemporal
// CHECK: return
func.func @small(%x: memref<4x256x56x56xf32>, %y: memref<4x256x56x56xf32>) {
  attn.gate ins(%x : memref<4x256x56x56xf32>) outs(%y : memref<4x256x56x56xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<4x256xf32>):
      attn.yield %p : memref<4x256xf32>
    }
  return
}

// Rows of 13 x 13 begin anywhere.
// CHECK-LABEL: func @not_aligned
// CHECK-NOT: nontemporal
// CHECK: return
func.func @not_aligned(%x: memref<256x256x13x13xf32>, %y: memref<256x256x13x13xf32>) {
  attn.gate ins(%x : memref<256x256x13x13xf32>) outs(%y : memref<256x256x13x13xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<256x256xf32>):
      attn.yield %p : memref<256x256xf32>
    }
  return
}
