// RUN: heed-opt %s --heed-lower-gpu-row --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s
// CHECK-NOT: gpu.launch_func
// CHECK: attn.norm
// CHECK: attn.norm
// CHECK: attn.norm
// CHECK: linalg.softmax

func.func @no_kernel_because_other_dims_are_normalised(%x: memref<2x8x16xf32>) {
  // expected-remark @below {{dimensions: expected the last ones of x}}
  attn.norm layer ins(%x : memref<2x8x16xf32>) outs(%x : memref<2x8x16xf32>) dimensions = [1] epsilon = 1.0e-05
  return
}

func.func @no_kernel_because_elements_are_f64(%x: memref<2x8xf64>) {
  // expected-remark @below {{elements: expected f32, f16 or bf16}}
  attn.norm layer ins(%x : memref<2x8xf64>) outs(%x : memref<2x8xf64>) dimensions = [1] epsilon = 1.0e-05
  return
}

func.func @no_kernel_because_rows_have_gaps(%x: memref<2x8xf32, strided<[16, 1]>>) {
  // expected-remark @below {{layout: expected contiguous tensors}}
  attn.norm layer ins(%x : memref<2x8xf32, strided<[16, 1]>>) outs(%x : memref<2x8xf32, strided<[16, 1]>>) dimensions = [1] epsilon = 1.0e-05
  return
}

func.func @no_kernel_because_softmax_goes_down_columns(%x: memref<2x8xf32>) {
  // expected-remark @below {{dimension: expected the last one}}
  linalg.softmax dimension(0) ins(%x : memref<2x8xf32>) outs(%x : memref<2x8xf32>)
  return
}
