// RUN: heed-opt %s --heed-lower-gpu-gate=chip=sm_90 --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-gpu-gate=chip=sm_80 --canonicalize --cse | FileCheck %s --check-prefix=OLD

// OLD-NOT: gate_cluster

// 784 KB an image: eight blocks hold 98 KB each.
// CHECK-LABEL: func @channel_gate
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @heed_kernels::@gate_cluster_0 blocks in (%c8, %c16, %c1) threads in (%c256, %c1, %c1) dynamic_shared_memory_size %{{.*}} args(
// CHECK-NOT: gpu.launch_func
func.func @channel_gate(%x: memref<16x64x56x56xf32>) {
  attn.gate ins(%x : memref<16x64x56x56xf32>) outs(%x : memref<16x64x56x56xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<16x64xf32>):
      attn.yield %p : memref<16x64xf32>
    }
  return
}

// What does not fit into eight blocks is pooled and scaled by two launches.
// CHECK-LABEL: func @too_large
// CHECK: gpu.launch_func @heed_kernels::@gate_pools_1
// CHECK: gpu.launch_func @heed_kernels::@gate_scale_2
func.func @too_large(%x: memref<1x64x224x224xf32>) {
  attn.gate ins(%x : memref<1x64x224x224xf32>) outs(%x : memref<1x64x224x224xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<1x64xf32>):
      attn.yield %p : memref<1x64xf32>
    }
  return
}

// x is copied once; both pools of rows are joined through the cluster's memory.
// CHECK: llvm.func @gate_cluster_0
// CHECK-SAME: nvvm.cluster_dim = array<i32: 8, 1, 1>
// CHECK: nvvm.cp.async.shared.global
// CHECK: nvvm.shfl.sync
// CHECK: nvvm.cluster.arrive {aligned}
// CHECK-NEXT: nvvm.cluster.wait {aligned}
// CHECK: nvvm.mapa
// CHECK: llvm.load %{{.*}} : !llvm.ptr<7> -> f32
// CHECK: nvvm.cluster.arrive {aligned}
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
// CHECK: nvvm.cluster.wait {aligned}
