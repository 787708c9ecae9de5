// RUN: heed-opt %s --heed-lower-onednn --canonicalize | FileCheck %s

#id4 = affine_map<(n, c, h, w) -> (n, c, h, w)>

// CHECK-LABEL: @convolution_padding_bias_relu
// CHECK-SAME: (%[[X:.*]]: tensor<1x8x6x6xf32>, %[[W:.*]]: tensor<4x8x3x3xf32>, %[[B:.*]]: tensor<4xf32>)
// CHECK-NOT: linalg
// CHECK: %[[Y:.*]] = attn.primitive convolution ins(%[[X]], %[[W]] : {{.*}}) bias(%[[B]] : tensor<4xf32>)
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2, 3], [-1, 0, 1, 2, 3], [0], [0, 1, 2, 3]] post_ops = [#attn.post_op<relu>]
// CHECK-SAME: dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pad_high = array<i64: 1, 2>, pad_low = array<i64: 0, 1>, strides = array<i64: 1, 1>
// CHECK-NEXT: return %[[Y]]
func.func @convolution_padding_bias_relu(%x: tensor<1x8x6x6xf32>, %w: tensor<4x8x3x3xf32>, %b: tensor<4xf32>) -> tensor<1x4x5x7xf32> {
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 0, 0, 1] high[0, 0, 1, 2] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x8x6x6xf32> to tensor<1x8x7x9xf32>
  %e = tensor.empty() : tensor<1x4x5x7xf32>
  %init = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<1x4x5x7xf32>) dimensions = [0, 2, 3]
  %c = linalg.conv_2d_nchw_fchw ins(%p, %w : tensor<1x8x7x9xf32>, tensor<4x8x3x3xf32>) outs(%init : tensor<1x4x5x7xf32>) -> tensor<1x4x5x7xf32>
  %y = linalg.generic {indexing_maps = [#id4, #id4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%c : tensor<1x4x5x7xf32>) outs(%e : tensor<1x4x5x7xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %a, %zero : f32
    linalg.yield %m : f32
  } -> tensor<1x4x5x7xf32>
  return %y : tensor<1x4x5x7xf32>
}

// CHECK-LABEL: @depthwise_dynamic
// CHECK: attn.primitive convolution
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2, 3], [0, -1, -1, 1, 2], [0, 1, 2, 3]]
// CHECK-SAME: strides = array<i64: 2, 1>
func.func @depthwise_dynamic(%x: tensor<?x16x?x?xf32>, %w: tensor<16x3x3xf32>, %init: tensor<?x16x?x?xf32>) -> tensor<?x16x?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x16x?x?xf32>) -> tensor<?x16x?x?xf32>
  %c = linalg.depthwise_conv_2d_nchw_chw {strides = dense<[2, 1]> : vector<2xi64>} ins(%x, %w : tensor<?x16x?x?xf32>, tensor<16x3x3xf32>) outs(%f : tensor<?x16x?x?xf32>) -> tensor<?x16x?x?xf32>
  return %c : tensor<?x16x?x?xf32>
}

// Two channel dims are one to the primitive.
// CHECK-LABEL: @groups
// CHECK: %[[X:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2], [3], [4]] : tensor<1x2x3x8x8xf32> into tensor<1x6x8x8xf32>
// CHECK: %[[Y:.*]] = attn.primitive convolution ins(%[[X]], %{{.*}} : tensor<1x6x8x8xf32>, tensor<2x5x3x3x3xf32>)
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3]]
// CHECK: tensor.expand_shape %[[Y]] {{\[\[}}0], [1, 2], [3], [4]] {{.*}} : tensor<1x10x6x6xf32> into tensor<1x2x5x6x6xf32>
func.func @groups(%x: tensor<1x2x3x8x8xf32>, %w: tensor<2x5x3x3x3xf32>) -> tensor<1x2x5x6x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x2x5x6x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x5x6x6xf32>) -> tensor<1x2x5x6x6xf32>
  %c = linalg.conv_2d_ngchw_gfchw ins(%x, %w : tensor<1x2x3x8x8xf32>, tensor<2x5x3x3x3xf32>) outs(%f : tensor<1x2x5x6x6xf32>) -> tensor<1x2x5x6x6xf32>
  return %c : tensor<1x2x5x6x6xf32>
}

// Transpositions of operands and of the result are layouts.
// CHECK-LABEL: @nchw_around_nhwc
// CHECK-NOT: transpose
// CHECK: attn.primitive convolution
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2, 3], [-1, 3, 2, 0, 1], [0, 1, 2, 3]]
func.func @nchw_around_nhwc(%x: tensor<1x8x6x6xf32>, %w: tensor<3x3x8x4xf32>) -> tensor<1x4x4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %ex = tensor.empty() : tensor<1x6x6x8xf32>
  %t = linalg.transpose ins(%x : tensor<1x8x6x6xf32>) outs(%ex : tensor<1x6x6x8xf32>) permutation = [0, 2, 3, 1]
  %e = tensor.empty() : tensor<1x4x4x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %c = linalg.conv_2d_nhwc_hwcf ins(%t, %w : tensor<1x6x6x8xf32>, tensor<3x3x8x4xf32>) outs(%f : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %y = linalg.transpose ins(%c : tensor<1x4x4x4xf32>) outs(%e : tensor<1x4x4x4xf32>) permutation = [0, 3, 1, 2]
  return %y : tensor<1x4x4x4xf32>
}

// CHECK-LABEL: @linear_layer
// CHECK: attn.primitive matmul ins(%{{.*}}, %{{.*}} : tensor<?x?x16xf32>, tensor<8x16xf32>)
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2], [-1, 1, 0], [0, 1, 2]]
func.func @linear_layer(%x: tensor<?x?x16xf32>, %w: tensor<8x16xf32>, %e: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x, %w : tensor<?x?x16xf32>, tensor<8x16xf32>) outs(%f : tensor<?x?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: @batches_and_accumulation
// CHECK: attn.primitive matmul ins({{.*}}) post(%arg2 : tensor<4x2x3xf32>)
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2]] post_ops = [#attn.post_op<add>]
func.func @batches_and_accumulation(%a: tensor<4x2x5xf32>, %b: tensor<4x5x3xf32>, %c: tensor<4x2x3xf32>) -> tensor<4x2x3xf32> {
  %y = linalg.batch_matmul ins(%a, %b : tensor<4x2x5xf32>, tensor<4x5x3xf32>) outs(%c : tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  return %y : tensor<4x2x3xf32>
}

// CHECK-LABEL: @max_pool
// CHECK: attn.primitive pool_max
// CHECK-SAME: pad_low = array<i64: 1, 1>
func.func @max_pool(%x: tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32> {
  %low = arith.constant 0xFF800000 : f32
  %p = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %low : f32
  } : tensor<1x8x6x6xf32> to tensor<1x8x7x7xf32>
  %window = tensor.empty() : tensor<3x3xf32>
  %e = tensor.empty() : tensor<1x8x3x3xf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<1x8x3x3xf32>) -> tensor<1x8x3x3xf32>
  %y = linalg.pooling_nchw_max {strides = dense<2> : vector<2xi64>} ins(%p, %window : tensor<1x8x7x7xf32>, tensor<3x3xf32>) outs(%f : tensor<1x8x3x3xf32>) -> tensor<1x8x3x3xf32>
  return %y : tensor<1x8x3x3xf32>
}

// The sum is the mean times nine, and nine over nine is nothing.
// CHECK-LABEL: @average_pool
// CHECK: attn.primitive pool_avg_include_pad
// CHECK-NOT: post_ops
// CHECK: return
func.func @average_pool(%x: tensor<1x8x6x6xf32>) -> tensor<1x8x2x2xf32> {
  %zero = arith.constant 0.0 : f32
  %ninth = arith.constant 0.111111112 : f32
  %window = tensor.empty() : tensor<3x3xf32>
  %e = tensor.empty() : tensor<1x8x2x2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
  %s = linalg.pooling_nchw_sum {strides = dense<3> : vector<2xi64>} ins(%x, %window : tensor<1x8x6x6xf32>, tensor<3x3xf32>) outs(%f : tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
  %y = linalg.generic {indexing_maps = [#id4, #id4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<1x8x2x2xf32>) outs(%e : tensor<1x8x2x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %ninth : f32
    linalg.yield %m : f32
  } -> tensor<1x8x2x2xf32>
  return %y : tensor<1x8x2x2xf32>
}

// A batch normalisation goes into the weights and the bias: w·2, 0.5·2 + 1.
// CHECK-LABEL: @batch_norm
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{.*}}6.000000e+00{{.*}}8.000000e+00{{.*}}> : tensor<2x1x1xf32>
// CHECK-DAG: %[[B:.*]] = arith.constant dense<[2.000000e+00, -1.000000e+00]> : tensor<2xf32>
// CHECK: attn.primitive convolution ins(%{{.*}}, %[[W]] : {{.*}}) bias(%[[B]] : tensor<2xf32>)
// CHECK-NOT: post_ops
// CHECK: return
func.func @batch_norm(%x: tensor<1x1x8xf32>) -> tensor<1x2x8xf32> {
  %w = arith.constant dense<[[[3.0]], [[4.0]]]> : tensor<2x1x1xf32>
  %b = arith.constant dense<[0.5, -1.0]> : tensor<2xf32>
  %shift = arith.constant dense<[1.0, 1.0]> : tensor<2xf32>
  %scale = arith.constant dense<[2.0, 2.0]> : tensor<2xf32>
  %e = tensor.empty() : tensor<1x2x8xf32>
  %init = linalg.broadcast ins(%b : tensor<2xf32>) outs(%e : tensor<1x2x8xf32>) dimensions = [0, 2]
  %c = linalg.conv_1d_ncw_fcw ins(%x, %w : tensor<1x1x8xf32>, tensor<2x1x1xf32>) outs(%init : tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, c, w) -> (n, c, w)>, affine_map<(n, c, w) -> (c)>, affine_map<(n, c, w) -> (c)>, affine_map<(n, c, w) -> (n, c, w)>],
      iterator_types = ["parallel", "parallel", "parallel"]} ins(%c, %scale, %shift : tensor<1x2x8xf32>, tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<1x2x8xf32>) {
  ^bb0(%a: f32, %s: f32, %t: f32, %o: f32):
    %m = arith.mulf %a, %s : f32
    %r = arith.addf %m, %t : f32
    linalg.yield %r : f32
  } -> tensor<1x2x8xf32>
  return %y : tensor<1x2x8xf32>
}

// What the library has no code for stays native.
// CHECK-LABEL: @integers
// CHECK: linalg.matmul
func.func @integers(%a: tensor<2x3xi32>, %b: tensor<3x4xi32>, %c: tensor<2x4xi32>) -> tensor<2x4xi32> {
  %y = linalg.matmul ins(%a, %b : tensor<2x3xi32>, tensor<3x4xi32>) outs(%c : tensor<2x4xi32>) -> tensor<2x4xi32>
  return %y : tensor<2x4xi32>
}

// Padding by anything but zeros is not a convolution's padding.
// CHECK-LABEL: @padding_by_ones
// CHECK: tensor.pad
// CHECK: attn.primitive convolution
// CHECK-SAME: pad_low = array<i64: 0>
func.func @padding_by_ones(%x: tensor<1x1x8xf32>, %w: tensor<2x1x3xf32>, %init: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  %one = arith.constant 1.0 : f32
  %p = tensor.pad %x low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %one : f32
  } : tensor<1x1x8xf32> to tensor<1x1x10xf32>
  %c = linalg.conv_1d_ncw_fcw ins(%p, %w : tensor<1x1x10xf32>, tensor<2x1x3xf32>) outs(%init : tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  return %c : tensor<1x2x8xf32>
}

// A kernel as large as its stride, spelled as a product and a reshape.
// CHECK-LABEL: @deconvolution
// CHECK: %[[Y:.*]] = attn.primitive deconvolution ins(%{{.*}}, %{{.*}} : tensor<1x4x?x?xf32>, tensor<4x3x2x2xf32>) bias(%{{.*}} : tensor<3xf32>) outs(%{{.*}} : tensor<1x3x?x?xf32>)
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2, 3], [-1, 1, 0, 2, 3], [0], [0, 1, 2, 3]]
// CHECK-SAME: strides = array<i64: 2, 2>
// CHECK-NEXT: return %[[Y]]
func.func @deconvolution(%x: tensor<1x4x?x?xf32>, %w: tensor<4x3x2x2xf32>, %h: index, %l: index, %h2: index, %l2: index) -> tensor<1x3x?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %bias = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %e = tensor.empty(%h, %l) : tensor<1x3x?x2x?x2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x3x?x2x?x2xf32>) -> tensor<1x3x?x2x?x2xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(n, f, h, i, w, j, c) -> (n, c, h, w)>, affine_map<(n, f, h, i, w, j, c) -> (c, f, i, j)>, affine_map<(n, f, h, i, w, j, c) -> (n, f, h, i, w, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%x, %w : tensor<1x4x?x?xf32>, tensor<4x3x2x2xf32>) outs(%f : tensor<1x3x?x2x?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x3x?x2x?x2xf32>
  %c = tensor.collapse_shape %t [[0], [1], [2, 3], [4, 5]] : tensor<1x3x?x2x?x2xf32> into tensor<1x3x?x?xf32>
  %r = tensor.empty(%h2, %l2) : tensor<1x3x?x?xf32>
  %y = linalg.generic {indexing_maps = [#id4, affine_map<(n, c, h, w) -> (c)>, #id4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%c, %bias : tensor<1x3x?x?xf32>, tensor<3xf32>) outs(%r : tensor<1x3x?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x3x?x?xf32>
  return %y : tensor<1x3x?x?xf32>
}

// A product without rows has no dimension for them; a scale after it is a post-op all the same.
// CHECK-LABEL: func @scaled_product_without_rows
func.func @scaled_product_without_rows(%q: tensor<2x16x32xf32>, %k: tensor<2x16x32x5xf32>) -> tensor<2x16x5xf32> {
  // CHECK: attn.primitive matmul
  // CHECK-SAME: layouts = {{\[}}[0, 1, -1, 2], [0, 1, 2, 3], [0, 1, -1, 2]]
  // CHECK-SAME: #attn.post_op<linear
  %zero = arith.constant 0.0 : f32
  %root = arith.constant 4.0 : f32
  %e = tensor.empty() : tensor<2x16x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x16x5xf32>) -> tensor<2x16x5xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b, n, k) -> (a, b, k)>, affine_map<(a, b, n, k) -> (a, b, k, n)>,
                                        affine_map<(a, b, n, k) -> (a, b, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x16x32xf32>, tensor<2x16x32x5xf32>) outs(%z : tensor<2x16x5xf32>) {
    ^bb0(%x: f32, %y: f32, %acc: f32):
      %p = arith.mulf %x, %y : f32
      %t = arith.addf %acc, %p : f32
      linalg.yield %t : f32
  } -> tensor<2x16x5xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x16x5xf32>) outs(%e : tensor<2x16x5xf32>) {
    ^bb0(%x: f32, %o: f32):
      %d = arith.divf %x, %root : f32
      linalg.yield %d : f32
  } -> tensor<2x16x5xf32>
  return %r : tensor<2x16x5xf32>
}
