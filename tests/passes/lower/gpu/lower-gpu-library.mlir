// RUN: heed-opt %s --heed-lower-gpu-library --split-input-file --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @product_with_bias_in_a_loop
// CHECK: scf.for
// CHECK: attn.primitive matmul {{.*}} {device}
func.func @product_with_bias_in_a_loop(%a: memref<?x8xf16>, %w: memref<8x16xf16>, %b: memref<16xf16>, %c: memref<?x16xf16>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    attn.primitive matmul ins(%a, %w : memref<?x8xf16>, memref<8x16xf16>) bias(%b : memref<16xf16>) outs(%c : memref<?x16xf16>) layouts = [[0, 1], [0, 1], [0], [0, 1]]
  }
  return
}

// -----

// CHECK-LABEL: @product_and_addend
// CHECK: attn.primitive matmul {{.*}} post_ops = [#attn.post_op<add>] {device}
func.func @product_and_addend(%a: memref<4x8xf32>, %w: memref<8x16xf32>, %s: memref<4x16xf32>, %c: memref<4x16xf32>) {
  attn.primitive matmul ins(%a, %w : memref<4x8xf32>, memref<8x16xf32>) post(%s : memref<4x16xf32>) outs(%c : memref<4x16xf32>) layouts = [[0, 1], [0, 1], [0, 1], [0, 1]] post_ops = [#attn.post_op<add>]
  return
}

// -----

// CHECK-LABEL: @convolution
// CHECK: attn.primitive convolution {{.*}}device
func.func @convolution(%x: memref<1x3x8x8xf32>, %w: memref<16x3x3x3xf32>, %y: memref<1x16x6x6xf32>) {
  attn.primitive convolution ins(%x, %w : memref<1x3x8x8xf32>, memref<16x3x3x3xf32>) outs(%y : memref<1x16x6x6xf32>) layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>}
  return
}

// -----

// A sum is a mean times the taps.
// CHECK-LABEL: @pooling_and_factor
// CHECK: attn.primitive pool_avg_include_pad {{.*}}device
func.func @pooling_and_factor(%x: memref<1x3x8x8xf32>, %y: memref<1x3x4x4xf32>) {
  attn.primitive pool_avg_include_pad ins(%x : memref<1x3x8x8xf32>) outs(%y : memref<1x3x4x4xf32>) layouts = [[0, 1, 2, 3], [0, 1, 2, 3]] post_ops = [#attn.post_op<linear, 4.0>]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>}
  return
}

// -----

// CHECK-LABEL: @no_library_because_of_reorder
// CHECK-NOT: device
func.func @no_library_because_of_reorder(%a: memref<2x3xf32>, %b: memref<3x2xf32>) {
  // expected-remark @below {{expected a matmul, a convolution or a pooling, got reorder}}
  attn.primitive reorder ins(%a : memref<2x3xf32>) outs(%b : memref<3x2xf32>) layouts = [[0, 1], [1, 0]]
  return
}

// -----

// CHECK-LABEL: @no_library_because_of_a_parallel_loop
// CHECK-NOT: device
func.func @no_library_because_of_a_parallel_loop(%a: memref<4x8xf32>, %w: memref<8x16xf32>, %c: memref<4x16xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    // expected-remark @below {{expected only serial loops and branches around it, got scf.parallel}}
    attn.primitive matmul ins(%a, %w : memref<4x8xf32>, memref<8x16xf32>) outs(%c : memref<4x16xf32>) layouts = [[0, 1], [0, 1], [0, 1]]
  }
  return
}

// -----

// CHECK-LABEL: @no_library_because_of_what_follows
// CHECK-NOT: device
func.func @no_library_because_of_what_follows(%a: memref<4x8xf32>, %w: memref<8x16xf32>, %c: memref<4x16xf32>, %x: memref<1x3x8x8xf32>, %f: memref<16x3x3x3xf32>, %y: memref<1x16x6x6xf32>, %z: memref<1x3x4x4xf32>) {
  // expected-remark @below {{expected a product with a bias or one addend behind it}}
  attn.primitive matmul ins(%a, %w : memref<4x8xf32>, memref<8x16xf32>) outs(%c : memref<4x16xf32>) layouts = [[0, 1], [0, 1], [0, 1]] post_ops = [#attn.post_op<relu>]
  // expected-remark @below {{expected a convolution with nothing but a bias behind it}}
  attn.primitive convolution ins(%x, %f : memref<1x3x8x8xf32>, memref<16x3x3x3xf32>) outs(%y : memref<1x16x6x6xf32>) layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]] post_ops = [#attn.post_op<relu>]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>}
  // expected-remark @below {{expected a pooling with at most a factor behind it}}
  attn.primitive pool_max ins(%x : memref<1x3x8x8xf32>) outs(%z : memref<1x3x4x4xf32>) layouts = [[0, 1, 2, 3], [0, 1, 2, 3]] post_ops = [#attn.post_op<relu>]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>}
  return
}

// -----

// CHECK-LABEL: @no_library_because_of_windows
// CHECK-NOT: device
func.func @no_library_because_of_windows(%x: memref<1x3x8x8xf32>, %y: memref<1x3x6x6xf32>, %z: memref<1x3x4x4xf32>) {
  // expected-remark @below {{expected a pooling without dilations}}
  attn.primitive pool_max ins(%x : memref<1x3x8x8xf32>) outs(%y : memref<1x3x6x6xf32>) layouts = [[0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 2, 2>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>}
  // expected-remark @below {{expected a pooling with the same padding on both sides}}
  attn.primitive pool_max ins(%x : memref<1x3x8x8xf32>) outs(%z : memref<1x3x4x4xf32>) layouts = [[0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pad_high = array<i64: 1, 1>, pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>}
  return
}
