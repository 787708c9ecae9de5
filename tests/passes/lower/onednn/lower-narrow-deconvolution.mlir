// RUN: heed-opt %s --heed-lower-narrow-deconvolution --canonicalize | FileCheck %s

// A channel for each tap, then each tap in its place; the bias is that of every
// tap, the post-op is done before the reorder.
// CHECK-LABEL: @one_channel
// CHECK-SAME: %[[X:.*]]: tensor<?x?x5x2xf32>
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[\[}}0.000000e+00, 4.000000e+00], [1.000000e+00, 5.000000e+00], [2.000000e+00, 6.000000e+00], [3.000000e+00, 7.000000e+00]]> : tensor<4x2xf32>
// CHECK-DAG: %[[B:.*]] = arith.constant dense<5.000000e-01> : tensor<4xf32>
// CHECK: %[[U:.*]] = attn.primitive convolution ins(%[[X]], %[[W]] : tensor<?x?x5x2xf32>, tensor<4x2xf32>) bias(%[[B]] : tensor<4xf32>)
// CHECK-SAME: outs({{.*}} : tensor<?x?x5x4xf32>) layouts = {{\[\[}}0, 3, 1, 2], [-1, 0, 1, -1, -1], [0], [0, 3, 1, 2]] post_ops = [#attn.post_op<sigmoid>]
// CHECK-SAME: kernel = array<i64: 1, 1>
// CHECK-SAME: strides = array<i64: 1, 1>
// CHECK: %[[E:.*]] = tensor.expand_shape %[[U]] {{\[\[}}0], [1], [2], [3, 4, 5]] {{.*}} into tensor<?x?x5x2x2x1xf32>
// CHECK: %[[R:.*]] = attn.primitive reorder ins(%[[E]] : tensor<?x?x5x2x2x1xf32>) outs({{.*}} : tensor<?x1x?x2x5x2xf32>)
// CHECK-SAME: layouts = {{\[\[}}0, 5, 1, 3, 2, 4], [0, 1, 2, 3, 4, 5]]
// CHECK: %[[Y:.*]] = tensor.collapse_shape %[[R]] {{\[\[}}0], [1], [2, 3], [4, 5]] : tensor<?x1x?x2x5x2xf32> into tensor<?x1x?x10xf32>
// CHECK: return %[[Y]]
func.func @one_channel(%x: tensor<?x?x5x2xf32>, %n: index, %h: index) -> tensor<?x1x?x10xf32> {
  %w = arith.constant dense<[[[[0., 1.], [2., 3.]]], [[[4., 5.], [6., 7.]]]]> : tensor<2x1x2x2xf32>
  %b = arith.constant dense<[0.5]> : tensor<1xf32>
  %e = tensor.empty(%n, %h) : tensor<?x1x?x10xf32>
  %y = attn.primitive deconvolution ins(%x, %w : tensor<?x?x5x2xf32>, tensor<2x1x2x2xf32>) bias(%b : tensor<1xf32>) outs(%e : tensor<?x1x?x10xf32>)
      layouts = [[0, 3, 1, 2], [-1, 1, 0, 2, 3], [0], [0, 1, 2, 3]] post_ops = [#attn.post_op<sigmoid>]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>} -> tensor<?x1x?x10xf32>
  return %y : tensor<?x1x?x10xf32>
}

// Channels last in the result too: a tap's channels stay together.
// CHECK-LABEL: @two_channels_last
// CHECK: arith.constant dense<{{\[\[}}0.000000e+00], [2.000000e+00], [1.000000e+00], [3.000000e+00]]> : tensor<4x1xf32>
// CHECK: attn.primitive convolution {{.*}} outs({{.*}} : tensor<1x7x4xf32>) layouts = {{\[\[}}0, 1, 2], [-1, 0, 1, -1], [0, 2, 1]]
// CHECK: attn.primitive reorder ins({{.*}} : tensor<1x7x2x2xf32>) outs({{.*}} : tensor<1x7x2x2xf32>) layouts = {{\[\[}}0, 1, 2, 3], [0, 1, 2, 3]]
// CHECK: tensor.collapse_shape {{.*}} {{\[\[}}0], [1, 2], [3]] : tensor<1x7x2x2xf32> into tensor<1x14x2xf32>
func.func @two_channels_last(%x: tensor<1x1x7xf32>) -> tensor<1x14x2xf32> {
  %w = arith.constant dense<[[[0., 1.], [2., 3.]]]> : tensor<1x2x2xf32>
  %e = tensor.empty() : tensor<1x14x2xf32>
  %y = attn.primitive deconvolution ins(%x, %w : tensor<1x1x7xf32>, tensor<1x2x2xf32>) outs(%e : tensor<1x14x2xf32>)
      layouts = [[0, 1, 2], [-1, 1, 0, 2], [0, 2, 1]]
      {dilations = array<i64: 1>, kernel = array<i64: 2>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 2>} -> tensor<1x14x2xf32>
  return %y : tensor<1x14x2xf32>
}

// Many channels are what the library has code for.
// CHECK-LABEL: @nine_channels
// CHECK: attn.primitive deconvolution
func.func @nine_channels(%x: tensor<1x1x7xf32>) -> tensor<1x9x14xf32> {
  %w = arith.constant dense<1.> : tensor<1x9x2xf32>
  %e = tensor.empty() : tensor<1x9x14xf32>
  %y = attn.primitive deconvolution ins(%x, %w : tensor<1x1x7xf32>, tensor<1x9x2xf32>) outs(%e : tensor<1x9x14xf32>)
      layouts = [[0, 1, 2], [-1, 1, 0, 2], [0, 1, 2]]
      {dilations = array<i64: 1>, kernel = array<i64: 2>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 2>} -> tensor<1x9x14xf32>
  return %y : tensor<1x9x14xf32>
}

// Taps that meet are summed.
// CHECK-LABEL: @taps_meet
// CHECK: attn.primitive deconvolution
func.func @taps_meet(%x: tensor<1x1x7xf32>) -> tensor<1x1x15xf32> {
  %w = arith.constant dense<1.> : tensor<1x1x3xf32>
  %e = tensor.empty() : tensor<1x1x15xf32>
  %y = attn.primitive deconvolution ins(%x, %w : tensor<1x1x7xf32>, tensor<1x1x3xf32>) outs(%e : tensor<1x1x15xf32>)
      layouts = [[0, 1, 2], [-1, 1, 0, 2], [0, 1, 2]]
      {dilations = array<i64: 1>, kernel = array<i64: 3>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 2>} -> tensor<1x1x15xf32>
  return %y : tensor<1x1x15xf32>
}

// A tensor of the result's size lies in its order.
// CHECK-LABEL: @residual
// CHECK: attn.primitive deconvolution
func.func @residual(%x: tensor<1x1x7xf32>, %r: tensor<1x1x14xf32>) -> tensor<1x1x14xf32> {
  %w = arith.constant dense<1.> : tensor<1x1x2xf32>
  %e = tensor.empty() : tensor<1x1x14xf32>
  %y = attn.primitive deconvolution ins(%x, %w : tensor<1x1x7xf32>, tensor<1x1x2xf32>) post(%r : tensor<1x1x14xf32>) outs(%e : tensor<1x1x14xf32>)
      layouts = [[0, 1, 2], [-1, 1, 0, 2], [0, 1, 2], [0, 1, 2]] post_ops = [#attn.post_op<add>]
      {dilations = array<i64: 1>, kernel = array<i64: 2>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 2>} -> tensor<1x1x14xf32>
  return %y : tensor<1x1x14xf32>
}

// Weights that are computed are not permuted.
// CHECK-LABEL: @computed_weights
// CHECK: attn.primitive deconvolution
func.func @computed_weights(%x: tensor<1x1x7xf32>, %w: tensor<1x1x2xf32>) -> tensor<1x1x14xf32> {
  %e = tensor.empty() : tensor<1x1x14xf32>
  %y = attn.primitive deconvolution ins(%x, %w : tensor<1x1x7xf32>, tensor<1x1x2xf32>) outs(%e : tensor<1x1x14xf32>)
      layouts = [[0, 1, 2], [-1, 1, 0, 2], [0, 1, 2]]
      {dilations = array<i64: 1>, kernel = array<i64: 2>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 2>} -> tensor<1x1x14xf32>
  return %y : tensor<1x1x14xf32>
}
