// RUN: heed-opt %s --heed-lower-gpu-elementwise --canonicalize --cse | FileCheck %s
// RUN: not heed-opt %s --heed-lower-gpu-elementwise=chip=sm_75 2>&1 | FileCheck %s --check-prefix=OLD

// OLD: chip: expected sm_80, {{.*}}, got sm_75

// All in the order it lies in: rows of 7 do not matter.
// CHECK-LABEL: func @flat
// CHECK: gpu.launch_func @heed_kernels::@elementwise_0 blocks in (%c1, %c1, %c1) threads in (%c256, %c1, %c1)
func.func @flat(%x: memref<4x9x7xf32>, %y: memref<4x9x7xf32>) {
  linalg.exp ins(%x : memref<4x9x7xf32>) outs(%y : memref<4x9x7xf32>)
  return
}

// A bias along the last dim is read in vectors, a factor of a row once.
// CHECK-LABEL: func @broadcast
// CHECK: gpu.launch_func @heed_kernels::@elementwise_1 blocks in (%c4, %c1, %c1) threads in (%c256, %c1, %c1)
#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>
func.func @broadcast(%x: memref<64x512xf16>, %f: memref<64xf16>, %b: memref<512xf16>) {
  linalg.generic {indexing_maps = [#all, #row, #column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %f, %b : memref<64x512xf16>, memref<64xf16>, memref<512xf16>) outs(%x : memref<64x512xf16>) {
  ^bb0(%in: f16, %factor: f16, %bias: f16, %out: f16):
    %0 = arith.mulf %in, %factor : f16
    %1 = arith.addf %0, %bias : f16
    linalg.yield %1 : f16
  }
  return
}

// A transpose is an element a thread.
// CHECK-LABEL: func @transpose
// CHECK: gpu.launch_func @heed_kernels::@elementwise_2 blocks in (%c128, %c1, %c1) threads in (%c256, %c1, %c1)
func.func @transpose(%x: memref<64x512xf32>, %y: memref<512x64xf32>) {
  linalg.transpose ins(%x : memref<64x512xf32>) outs(%y : memref<512x64xf32>) permutation = [1, 0]
  return
}

// Rows of a slice that begin at multiples of 16 bytes are walked in vectors; those
// that do not are not.
// CHECK-LABEL: func @slices
// CHECK: gpu.launch_func @heed_kernels::@elementwise_3 blocks in (%c1, %c1, %c1) threads in (%c256, %c1, %c1)
// CHECK: gpu.launch_func @heed_kernels::@elementwise_4 blocks in (%c4, %c1, %c1) threads in (%c256, %c1, %c1)
func.func @slices(%x: memref<8x128xf32>, %y: memref<8x300xf32>) {
  %even = memref.subview %y[0, 8] [8, 128] [1, 1] : memref<8x300xf32> to memref<8x128xf32, strided<[300, 1], offset: 8>>
  %odd = memref.subview %y[0, 137] [8, 128] [1, 1] : memref<8x300xf32> to memref<8x128xf32, strided<[300, 1], offset: 137>>
  linalg.exp ins(%x : memref<8x128xf32>) outs(%even : memref<8x128xf32, strided<[300, 1], offset: 8>>)
  linalg.exp ins(%x : memref<8x128xf32>) outs(%odd : memref<8x128xf32, strided<[300, 1], offset: 137>>)
  return
}

// A mean over pixels is a sum a thread.
// CHECK-LABEL: func @sum
// CHECK: gpu.launch_func @heed_kernels::@elementwise_5 blocks in (%c8, %c1, %c1) threads in (%c256, %c1, %c1)
func.func @sum(%x: memref<64x32x49xf32>, %y: memref<64x32xf32>) {
  linalg.reduce ins(%x : memref<64x32x49xf32>) outs(%y : memref<64x32xf32>) dimensions = [2]
    (%a: f32, %b: f32) {
      %0 = arith.addf %a, %b : f32
      linalg.yield %0 : f32
    }
  return
}

// What writes a mask for a kernel, and copies what one has written, is on the
// device; from the last on, so that the numbers in front of the mask are, too.
// CHECK-LABEL: func @feeds
// CHECK-NOT: linalg
// CHECK-NOT: memref.copy
// CHECK-COUNT-4: gpu.launch_func
#id = affine_map<(d0) -> (d0)>
func.func @feeds(%n: memref<40xi64>, %x: memref<40xf32>, %y: memref<2x40xf32>) {
  %limit = arith.constant 7 : i64
  %zero = arith.constant 0.0 : f32
  %doubled = memref.alloc() : memref<40xi64>
  %mask = memref.alloc() : memref<40xi1>
  linalg.add ins(%n, %n : memref<40xi64>, memref<40xi64>) outs(%doubled : memref<40xi64>)
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%doubled : memref<40xi64>) outs(%mask : memref<40xi1>) {
  ^bb0(%in: i64, %out: i1):
    %0 = arith.cmpi slt, %in, %limit : i64
    linalg.yield %0 : i1
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%mask : memref<40xi1>) outs(%x : memref<40xf32>) {
  ^bb0(%in: i1, %out: f32):
    %0 = arith.select %in, %out, %zero : f32
    linalg.yield %0 : f32
  }
  %row = memref.subview %y[1, 0] [1, 40] [1, 1] : memref<2x40xf32> to memref<40xf32, strided<[1], offset: 40>>
  memref.copy %x, %row : memref<40xf32> to memref<40xf32, strided<[1], offset: 40>>
  return
}

// CHECK: llvm.func @elementwise_0
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// CHECK-COUNT-4: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
// CHECK: llvm.func @elementwise_1
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// CHECK: llvm.load %{{.*}} : !llvm.ptr<1> -> f16
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// CHECK: llvm.func @elementwise_2
// CHECK: llvm.load %{{.*}} : !llvm.ptr<1> -> f32
// CHECK: llvm.func @elementwise_3
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
// CHECK: llvm.func @elementwise_4
// CHECK-NOT: vector<4xi32>
// CHECK: llvm.func @elementwise_5
