// RUN: heed-opt %s --heed-lower-gpu-sdpa=chip=sm_90a --canonicalize | FileCheck %s
// RUN: heed-opt %s --heed-lower-gpu-sdpa=chip=sm_90 --canonicalize | FileCheck %s --check-prefix=WARPS

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Tensor maps are made by the host and taken by value.
// CHECK-LABEL: func @main
// CHECK-DAG: %[[Q:.*]] = hopper.tensor_map %{{.*}} box = [1, 1, 128, 64] : memref<1x8x512x64xbf16>
// CHECK-DAG: %[[K:.*]] = hopper.tensor_map %{{.*}} box = [1, 1, 128, 64] : memref<1x4x512x64xbf16>
// CHECK: gpu.launch_func @heed_kernels::@sdpa_0 blocks in (%c4, %c8, %c1) threads in (%c384, %c1, %c1) dynamic_shared_memory_size %c81992_i32
// CHECK-SAME: %[[Q]] : !llvm.array<128 x i8>, %[[K]] : !llvm.array<128 x i8>

// CHECK: llvm.func @sdpa_0
// CHECK-SAME: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}
// CHECK: nvvm.fence.mbarrier.init
// CHECK: nvvm.barrier0

// One warpgroup copies, by one thread: Q, then K and V as their stages empty.
// CHECK: scf.if
// CHECK: nvvm.setmaxregister decrease 40
// CHECK: scf.if
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK: scf.for
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK: nvvm.mbarrier.arrive.expect_tx
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global

// Two own queries. In the loop s of a block and o of the one before are begun
// before either is awaited, and the other owner has its turn.
// CHECK: else
// CHECK: nvvm.setmaxregister increase 232
// CHECK: hopper.wgmma bf16 a
// CHECK: hopper.wait 0
// CHECK: nvvm.barrier.arrive
// CHECK: scf.for
// CHECK: nvvm.barrier id = %[[ME:.*]] number_of_threads = %c256
// CHECK: hopper.wgmma bf16 a
// CHECK-NOT: hopper.wait
// CHECK: hopper.wgmma bf16 columns
// CHECK: nvvm.barrier.arrive id = %[[OTHER:.*]] number_of_threads = %c256
// CHECK: hopper.wait 1
// CHECK: nvvm.mbarrier.arrive
// CHECK: hopper.wait 0
// CHECK: nvvm.mbarrier.arrive
// CHECK: hopper.wgmma bf16 columns
// CHECK: hopper.wait 0

// WARPS-NOT: hopper.
// WARPS: nvvm.mma.sync
func.func @main(%q: memref<1x8x512x64xbf16>, %k: memref<1x4x512x64xbf16>, %v: memref<1x4x512x64xbf16>, %o: memref<1x8x512x64xbf16>) {
  attn.sdpa ins(%q, %k, %v : memref<1x8x512x64xbf16>, memref<1x4x512x64xbf16>, memref<1x4x512x64xbf16>)
      outs(%o : memref<1x8x512x64xbf16>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
  return
}
