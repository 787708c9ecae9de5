// RUN: heed-opt %s --heed-lower-gpu-row --canonicalize --cse | FileCheck %s
// RUN: not heed-opt %s --heed-lower-gpu-row=chip=sm_75 2>&1 | FileCheck %s --check-prefix=OLD

// OLD: chip: expected sm_80, {{.*}}, got sm_75

// A row of 1536 bytes is a warp's: eight rows a block.
// CHECK-LABEL: func @short_rows
// CHECK: gpu.launch_func @heed_kernels::@norm_0 blocks in (%c64, %c1, %c1) threads in (%c256, %c1, %c1)
func.func @short_rows(%x: memref<4x128x768xf16>, %w: memref<768xf16>, %b: memref<768xf16>) {
  attn.norm layer ins(%x : memref<4x128x768xf16>) weight(%w : memref<768xf16>) over [2] bias(%b : memref<768xf16>) over [2]
      outs(%x : memref<4x128x768xf16>) dimensions = [2] epsilon = 1.0e-05
  return
}

// A longer one is a block's.
// CHECK-LABEL: func @long_rows
// CHECK: gpu.launch_func @heed_kernels::@norm_1 blocks in (%c512, %c1, %c1) threads in (%c256, %c1, %c1) dynamic_shared_memory_size %c32_i32
func.func @long_rows(%x: memref<4x128x4096xf16>, %y: memref<4x128x4096xf16>) {
  attn.norm rms ins(%x : memref<4x128x4096xf16>) outs(%y : memref<4x128x4096xf16>) dimensions = [2] epsilon = 1.0e-05
  return
}

// Sizes that are known at run time are parameters.
// CHECK-LABEL: func @softmax
// CHECK: gpu.launch_func @heed_kernels::@softmax_2 blocks in (%{{.*}}, %c1, %c1)
// CHECK-SAME: args(%{{.*}} : i32, %{{.*}} : i32, %{{.*}} : !llvm.ptr
func.func @softmax(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  linalg.softmax dimension(1) ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>)
  return
}

// A row is read once: its three vectors a lane stay in registers.
// CHECK: llvm.func @norm_0
// CHECK-COUNT-3: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// CHECK-NOT: scf.for
// CHECK-COUNT-10: nvvm.shfl.sync bfly
// CHECK: math.rsqrt
// CHECK-COUNT-3: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
// CHECK: llvm.return
// CHECK: llvm.func @norm_1
// CHECK: nvvm.barrier0
// CHECK: llvm.func @softmax_2
// CHECK-COUNT-3: scf.for
