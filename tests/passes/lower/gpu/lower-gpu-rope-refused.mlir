// RUN: heed-opt %s --heed-lower-gpu-rope --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s
// CHECK-NOT: gpu.launch_func
// CHECK: attn.rope

func.func @no_kernel_because_elements_are_f64(%x: memref<2x8xf64>, %c: memref<4xf64>) {
  // expected-remark @below {{elements: expected f32, f16 or bf16}}
  attn.rope ins(%x : memref<2x8xf64>) cos(%c : memref<4xf64>) over [1] sin(%c : memref<4xf64>) over [1]
      outs(%x : memref<2x8xf64>) dimension = 1 rotated = 8
  return
}
