// RUN: heed-opt %s | heed-opt | FileCheck %s
// RUN: heed-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" | FileCheck %s --check-prefix=MEMREF

// CHECK-LABEL: @convolution
// CHECK: attn.primitive convolution ins(%{{.*}}, %{{.*}} : tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>) bias(%{{.*}} : tensor<16xf32>) post(%{{.*}} : tensor<1x16x4x4xf32>)
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2, 3], [-1, 0, 1, 2, 3], [0], [0, 1, 2, 3], [0, 1, 2, 3]]
// CHECK-SAME: post_ops = [#attn.post_op<add>, #attn.post_op<clip, 0.000000e+00, 6.000000e+00>]
// MEMREF-LABEL: @convolution
// MEMREF: %[[Y:.*]] = memref.alloc
// MEMREF: attn.primitive convolution ins({{.*}}memref<1x3x8x8xf32{{.*}}>{{.*}}) outs(%[[Y]] : memref<1x16x4x4xf32>)
// MEMREF-NOT: memref.copy
// MEMREF: return %[[Y]]
func.func @convolution(%x: tensor<1x3x8x8xf32>, %w: tensor<16x3x3x3xf32>, %b: tensor<16xf32>, %r: tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32> {
  %init = tensor.empty() : tensor<1x16x4x4xf32>
  %y = attn.primitive convolution ins(%x, %w : tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>)
      bias(%b : tensor<16xf32>) post(%r : tensor<1x16x4x4xf32>) outs(%init : tensor<1x16x4x4xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0], [0, 1, 2, 3], [0, 1, 2, 3]]
      post_ops = [#attn.post_op<add>, #attn.post_op<clip, 0.000000e+00, 6.000000e+00>]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pad_high = array<i64: 0, 0>,
       pad_low = array<i64: 1, 1>, strides = array<i64: 2, 2>} -> tensor<1x16x4x4xf32>
  return %y : tensor<1x16x4x4xf32>
}

// CHECK-LABEL: @matmul_of_transposed
// CHECK: attn.primitive matmul ins({{.*}}) outs({{.*}}) layouts = {{\[\[}}0, 1, 2], [-1, 1, 0], [0, 1, 2]] -> tensor<?x?x8xf32>
func.func @matmul_of_transposed(%x: tensor<?x?x16xf32>, %w: tensor<8x16xf32>, %init: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %y = attn.primitive matmul ins(%x, %w : tensor<?x?x16xf32>, tensor<8x16xf32>) outs(%init : tensor<?x?x8xf32>)
      layouts = [[0, 1, 2], [-1, 1, 0], [0, 1, 2]] -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: @pool_nhwc
// CHECK: attn.primitive pool_max ins(%{{.*}} : tensor<1x8x8x4xf32>) outs({{.*}}) layouts = {{\[\[}}0, 3, 1, 2], [0, 3, 1, 2]]
func.func @pool_nhwc(%x: tensor<1x8x8x4xf32>, %init: tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32> {
  %y = attn.primitive pool_max ins(%x : tensor<1x8x8x4xf32>) outs(%init : tensor<1x4x4x4xf32>)
      layouts = [[0, 3, 1, 2], [0, 3, 1, 2]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>,
       pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>} -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// CHECK-LABEL: @on_memrefs
// CHECK: attn.primitive reorder ins(%{{.*}} : memref<2x3xf32>) outs(%{{.*}} : memref<3x2xf32>) layouts = {{\[\[}}0, 1], [1, 0]]{{$}}
func.func @on_memrefs(%x: memref<2x3xf32>, %y: memref<3x2xf32>) {
  attn.primitive reorder ins(%x : memref<2x3xf32>) outs(%y : memref<3x2xf32>) layouts = [[0, 1], [1, 0]]
  return
}
