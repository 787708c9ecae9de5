// RUN: heed-opt %s --heed-lower-gpu-elementwise --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s
// CHECK-NOT: gpu.launch_func
// CHECK: linalg.matmul
// CHECK: linalg.copy
// CHECK: memref.copy
// CHECK: linalg.generic
// CHECK: linalg.generic
// CHECK: linalg.fill

func.func @no_kernel_because_a_library_has_products(%x: memref<8x8xf32>, %y: memref<8x8xf32>) {
  // expected-remark @below {{loops: expected no product, convolution or pooling, which libraries have}}
  linalg.matmul ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) outs(%y : memref<8x8xf32>)
  return
}

// Nothing on the device uses these: sizes, or a cache of the host's.
func.func @no_kernel_because_no_kernel_uses_it(%x: memref<8xi64>, %y: memref<8xi64>, %a: memref<8xf32>, %b: memref<8xf32>) {
  linalg.copy ins(%x : memref<8xi64>) outs(%y : memref<8xi64>)
  memref.copy %a, %b : memref<8xf32> to memref<8xf32>
  return
}

func.func @no_kernel_because_there_are_two_results(%x: memref<8xf32>, %y: memref<8xf32>) {
  // expected-remark @below {{result: expected one}}
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%x, %y : memref<8xf32>, memref<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %b, %a : f32, f32
  }
  return
}

func.func @no_kernel_because_the_body_calls_a_library(%x: memref<8xf32>) {
  // expected-remark @below {{expected arithmetic of scalars, got math.sin}}
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%x : memref<8xf32>) {
  ^bb0(%out: f32):
    %0 = math.sin %out : f32
    linalg.yield %0 : f32
  }
  return
}

func.func @no_kernel_because_a_scalar_is_no_row(%v: f32, %x: memref<f32>) {
  // expected-remark @below {{result: expected at least one dim}}
  linalg.fill ins(%v : f32) outs(%x : memref<f32>)
  return
}
