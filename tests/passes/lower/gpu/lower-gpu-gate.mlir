// RUN: heed-opt %s --heed-lower-gpu-gate --canonicalize --cse | FileCheck %s
// RUN: not heed-opt %s --heed-lower-gpu-gate=chip=sm_75 2>&1 | FileCheck %s --check-prefix=OLD

// OLD: chip: expected sm_80, {{.*}}, got sm_75

// A warp a row pools; each block that scales computes the excitation again.
// CHECK-LABEL: func @nchw_in_place
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<8x64x56x56xf32>
// CHECK: memref.alloc() : memref<8x64xf32>
// CHECK: gpu.launch_func @heed_kernels::@gate_pools_0 blocks in (%c8, %c8, %c1) threads in (%c256, %c1, %c1)
// CHECK-SAME: args(%{{[0-9]+}} : !llvm.ptr, %{{[0-9]+}} : !llvm.ptr)
// CHECK: gpu.launch_func @heed_kernels::@gate_scale_1 blocks in (%c13, %c8, %c1) threads in (%c256, %c1, %c1)
// CHECK-NOT: gpu.launch_func
func.func @nchw_in_place(%x: memref<8x64x56x56xf32>, %w: memref<64x64xf32>) {
  attn.gate ins(%x : memref<8x64x56x56xf32>) outs(%x : memref<8x64x56x56xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<8x64xf32>):
      %zero = arith.constant 0.0 : f32
      %g = memref.alloc() : memref<8x64xf32>
      linalg.fill ins(%zero : f32) outs(%g : memref<8x64xf32>)
      linalg.matmul ins(%p, %w : memref<8x64xf32>, memref<64x64xf32>) outs(%g : memref<8x64xf32>)
      attn.yield %g : memref<8x64xf32>
    }
  return
}

// The same gate of the next layer is the same kernels.
// CHECK-LABEL: func @next_layer
// CHECK: gpu.launch_func @heed_kernels::@gate_pools_0
// CHECK: gpu.launch_func @heed_kernels::@gate_scale_1
func.func @next_layer(%x: memref<8x64x56x56xf32>, %w: memref<64x64xf32>) {
  attn.gate ins(%x : memref<8x64x56x56xf32>) outs(%x : memref<8x64x56x56xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<8x64xf32>):
      %zero = arith.constant 0.0 : f32
      %g = memref.alloc() : memref<8x64xf32>
      linalg.fill ins(%zero : f32) outs(%g : memref<8x64xf32>)
      linalg.matmul ins(%p, %w : memref<8x64xf32>, memref<64x64xf32>) outs(%g : memref<8x64xf32>)
      attn.yield %g : memref<8x64xf32>
    }
  return
}

// Many weights: one block an image computes the excitation, in a launch of its
// own; sizes of images are parameters.
// CHECK-LABEL: func @wide
// CHECK: %[[N:.*]] = memref.dim %{{.*}}, %c0 : memref<?x512x?x?xf16>
// CHECK: gpu.launch_func @heed_kernels::@gate_pools_2 blocks in (%c64, %[[N]], %c1)
// CHECK: gpu.launch_func @heed_kernels::@gate_excite_3 blocks in (%[[N]], %c1, %c1) threads in (%c256, %c1, %c1)
// CHECK: gpu.launch_func @heed_kernels::@gate_scale_4 blocks in (%{{.*}}, %[[N]], %c1)
func.func @wide(%x: memref<?x512x?x?xf16>, %w: memref<512x512xf16>, %y: memref<?x512x?x?xf16>) {
  attn.gate ins(%x : memref<?x512x?x?xf16>) outs(%y : memref<?x512x?x?xf16>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<?x512xf16>):
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f16
      %n = memref.dim %p, %c0 : memref<?x512xf16>
      %g = memref.alloc(%n) : memref<?x512xf16>
      linalg.fill ins(%zero : f16) outs(%g : memref<?x512xf16>)
      linalg.matmul ins(%p, %w : memref<?x512xf16>, memref<512x512xf16>) outs(%g : memref<?x512xf16>)
      attn.yield %g : memref<?x512xf16>
    }
  return
}

// Both gates of a CBAM: what is between them is never stored, and both scale at
// once.
// CHECK-LABEL: func @two_gates
// CHECK: gpu.launch_func @heed_kernels::@gate_pools_5 blocks in (%c4, %c2, %c1)
// CHECK: gpu.launch_func @heed_kernels::@gate_pools_6 blocks in (%c1, %c2, %c1)
// CHECK: gpu.launch_func @heed_kernels::@gate_scale_7 blocks in (%c1, %c2, %c1)
// CHECK-NOT: gpu.launch_func
func.func @two_gates(%x: memref<2x32x10x8xf32>) {
  attn.gate ins(%x : memref<2x32x10x8xf32>) outs(%x : memref<2x32x10x8xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: memref<2x32xf32>):
      attn.yield %p : memref<2x32xf32>
    }
  attn.gate ins(%x : memref<2x32x10x8xf32>) outs(%x : memref<2x32x10x8xf32>) dimensions = [1] pools = [avg, max] excite {
    ^bb0(%p: memref<2x10x8xf32>, %m: memref<2x10x8xf32>):
      attn.yield %m : memref<2x10x8xf32>
    }
  return
}

// An excitation that mixes images is one block for all of them.
// CHECK-LABEL: func @mixed_images
// CHECK: gpu.launch_func @heed_kernels::@gate_pools
// CHECK: gpu.launch_func @heed_kernels::@gate_excite_{{[0-9]+}} blocks in (%c1, %c1, %c1)
// CHECK: gpu.launch_func @heed_kernels::@gate_scale_{{[0-9]+}} blocks in (%c1, %c4, %c1)
func.func @mixed_images(%x: memref<4x4x8xf32>, %y: memref<4x4x8xf32>) {
  attn.gate ins(%x : memref<4x4x8xf32>) outs(%y : memref<4x4x8xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<4x4xf32>):
      %g = memref.alloc() : memref<4x4xf32>
      linalg.transpose ins(%p : memref<4x4xf32>) outs(%g : memref<4x4xf32>) permutation = [1, 0]
      attn.yield %g : memref<4x4xf32>
    }
  return
}

// A warp joins by shuffles, the excitation is steps with barriers between them,
// a thread scales four vectors of 16 bytes.
// CHECK: gpu.module @heed_kernels
// CHECK: llvm.func @gate_pools_0
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// CHECK-COUNT-5: nvvm.shfl.sync bfly
// CHECK: arith.divf
// CHECK: llvm.func @gate_scale_1
// CHECK: nvvm.barrier0
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// CHECK-COUNT-4: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
