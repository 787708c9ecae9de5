// RUN: heed-opt %s --heed-lower-gpu-elementwise --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s
// CHECK-NOT: gpu.launch_func
// CHECK: linalg.matmul
// CHECK: linalg.copy
// CHECK: linalg.generic
// CHECK: linalg.fill

func.func @no_kernel_because_a_loop_is_a_reduction(%x: memref<8x8xf32>, %y: memref<8x8xf32>) {
  // expected-remark @below {{loops: expected parallel ones and one result}}
  linalg.matmul ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) outs(%y : memref<8x8xf32>)
  return
}

func.func @no_kernel_because_results_are_no_floats(%x: memref<8xi64>, %y: memref<8xi64>) {
  // expected-remark @below {{result: expected floats}}
  linalg.copy ins(%x : memref<8xi64>) outs(%y : memref<8xi64>)
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
