// RUN: heed-opt %s --heed-lower-gpu-rope --canonicalize --cse --split-input-file | FileCheck %s
// RUN: not heed-opt %s --heed-lower-gpu-rope=chip=sm_75 --split-input-file 2>&1 | FileCheck %s --check-prefix=OLD

// OLD: chip: expected sm_80, {{.*}}, got sm_75

// Eight pairs a thread: 8 heads of 64 tokens of 8 threads are 16 blocks.
// CHECK-LABEL: func @half_split
// CHECK: gpu.launch_func @heed_kernels::@rope_0 blocks in (%c16, %c1, %c1) threads in (%c256, %c1, %c1)
// CHECK: llvm.func @rope_0
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
// CHECK-NOT: llvm.store
func.func @half_split(%x: memref<1x8x64x128xf16>, %c: memref<64x64xf16>, %s: memref<64x64xf16>, %y: memref<1x8x64x128xf16>) {
  attn.rope ins(%x : memref<1x8x64x128xf16>) cos(%c : memref<64x64xf16>) over [2, 3] sin(%s : memref<64x64xf16>) over [2, 3]
      outs(%y : memref<1x8x64x128xf16>) dimension = 3 rotated = 128
  return
}

// -----

// Pairs along a dim that is not contiguous are turned one by one.
// CHECK-LABEL: func @strided
// CHECK: gpu.launch_func @heed_kernels::@rope_0
// CHECK: llvm.func @rope_0
// CHECK-COUNT-4: llvm.load %{{.*}} : !llvm.ptr<1> -> f32
// CHECK-COUNT-2: llvm.store %{{.*}} : f32, !llvm.ptr<1>
// CHECK-NOT: llvm.store
func.func @strided(%x: memref<2x8x6xf32>, %c: memref<4xf32>, %y: memref<2x8x6xf32>) {
  attn.rope ins(%x : memref<2x8x6xf32>) cos(%c : memref<4xf32>) over [1] sin(%c : memref<4xf32>) over [1]
      outs(%y : memref<2x8x6xf32>) dimension = 1 rotated = 8
  return
}
