// RUN: heed-opt %s --heed-recognize-gate --remarks-filter='heed-.*' --verify-diagnostics -o - | FileCheck %s

// What a gate is called, where its dimensions alone do not tell.

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#nc = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#nh = affine_map<(d0, d1, d2, d3) -> (d0, d2)>
!x = tensor<2x8x4x6xf32>

// Gates of the channels, and of the rows: only one of them is the channels'.
// CHECK-LABEL: func @channels_and_rows
func.func @channels_and_rows(%x: !x) -> (!x, !x) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %er = tensor.empty() : tensor<2x4xf32>
  %zr = linalg.fill ins(%zero : f32) outs(%er : tensor<2x4xf32>) -> tensor<2x4xf32>
  %big = tensor.empty() : !x
  %r = linalg.reduce { arith.addf } ins(%x : !x) outs(%zr : tensor<2x4xf32>) dimensions = [1, 3]
  %gr = linalg.tanh ins(%r : tensor<2x4xf32>) outs(%er : tensor<2x4xf32>) -> tensor<2x4xf32>
  // expected-remark @below {{dims="1, 3", kind=axis_gate, pools=sum}}
  %y = linalg.generic {indexing_maps = [#id, #nh, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %gr : !x, tensor<2x4xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : tensor<2x8xf32>) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y2 = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, tensor<2x8xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y, %y2 : !x, !x
}

// The mean over channels without a convolution.
// CHECK-LABEL: func @pointwise_spatial
func.func @pointwise_spatial(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x6xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  %big = tensor.empty() : !x
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : tensor<2x4x6xf32>) dimensions = [1]
  %g = linalg.tanh ins(%s : tensor<2x4x6xf32>) outs(%e : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  %w = linalg.broadcast ins(%g : tensor<2x4x6xf32>) outs(%big : !x) dimensions = [1]
  // expected-remark @below {{dims=1, kind=spatial_gate, pools=sum}}
  %y = linalg.mul ins(%x, %w : !x, !x) outs(%big : !x) -> !x
  return %y : !x
}

// Channels as 2 x 4: both parts are kept, and are one dimension.
// CHECK-LABEL: func @split_channels
func.func @split_channels(%x: !x) -> tensor<2x2x4x4x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x2x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x2x4xf32>) -> tensor<2x2x4xf32>
  %big = tensor.empty() : tensor<2x2x4x4x6xf32>
  %v = tensor.expand_shape %x [[0], [1, 2], [3], [4]] output_shape [2, 2, 4, 4, 6] : !x into tensor<2x2x4x4x6xf32>
  %s = linalg.reduce { arith.addf } ins(%v : tensor<2x2x4x4x6xf32>) outs(%z : tensor<2x2x4xf32>) dimensions = [3, 4]
  %g = linalg.tanh ins(%s : tensor<2x2x4xf32>) outs(%e : tensor<2x2x4xf32>) -> tensor<2x2x4xf32>
  %w = linalg.broadcast ins(%g : tensor<2x2x4xf32>) outs(%big : tensor<2x2x4x4x6xf32>) dimensions = [3, 4]
  // expected-remark @below {{dims="3, 4", kind=channel_gate, pools=sum}}
  %y = linalg.mul ins(%v, %w : tensor<2x2x4x4x6xf32>, tensor<2x2x4x4x6xf32>) outs(%big : tensor<2x2x4x4x6xf32>) -> tensor<2x2x4x4x6xf32>
  return %y : tensor<2x2x4x4x6xf32>
}

// One of two spatial dimensions is pooled; that both have size 1 makes no
// difference.
// CHECK-LABEL: func @one_by_one_axis
func.func @one_by_one_axis(%x: tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x1xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  %big = tensor.empty() : tensor<2x8x1x1xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<2x8x1x1xf32>) outs(%z : tensor<2x8x1xf32>) dimensions = [3]
  %g = linalg.tanh ins(%s : tensor<2x8x1xf32>) outs(%e : tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  %w = linalg.broadcast ins(%g : tensor<2x8x1xf32>) outs(%big : tensor<2x8x1x1xf32>) dimensions = [3]
  // expected-remark @below {{dims=3, kind=axis_gate}}
  %y = linalg.mul ins(%x, %w : tensor<2x8x1x1xf32>, tensor<2x8x1x1xf32>) outs(%big : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  return %y : tensor<2x8x1x1xf32>
}

// A coordinate gate at size 1x1: of two pools each names one dimension.
// CHECK-LABEL: func @one_by_one_coordinates
func.func @one_by_one_coordinates(%x: tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x1xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  %big = tensor.empty() : tensor<2x8x1x1xf32>
  %r = linalg.reduce { arith.addf } ins(%x : tensor<2x8x1x1xf32>) outs(%z : tensor<2x8x1xf32>) dimensions = [3]
  %c = linalg.reduce { arith.addf } ins(%x : tensor<2x8x1x1xf32>) outs(%z : tensor<2x8x1xf32>) dimensions = [2]
  %s = linalg.add ins(%r, %c : tensor<2x8x1xf32>, tensor<2x8x1xf32>) outs(%e : tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  %g = linalg.tanh ins(%s : tensor<2x8x1xf32>) outs(%e : tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  %w = tensor.expand_shape %g [[0], [1], [2, 3]] output_shape [2, 8, 1, 1] : tensor<2x8x1xf32> into tensor<2x8x1x1xf32>
  // expected-remark @below {{dims="2, 3", kind=axis_gate}}
  %y = linalg.mul ins(%x, %w : tensor<2x8x1x1xf32>, tensor<2x8x1x1xf32>) outs(%big : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  return %y : tensor<2x8x1x1xf32>
}

// A strip gate of an image of one row, and channels of it.
// CHECK-LABEL: func @one_row
func.func @one_row(%x: tensor<2x8x1x7xf32>) -> (tensor<2x8x1x7xf32>, tensor<2x8x1x7xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x1xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  %e2 = tensor.empty() : tensor<2x8xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<2x8xf32>) -> tensor<2x8xf32>
  %big = tensor.empty() : tensor<2x8x1x7xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<2x8x1x7xf32>) outs(%z : tensor<2x8x1xf32>) dimensions = [3]
  %g = linalg.tanh ins(%s : tensor<2x8x1xf32>) outs(%e : tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  %w = linalg.broadcast ins(%g : tensor<2x8x1xf32>) outs(%big : tensor<2x8x1x7xf32>) dimensions = [3]
  // expected-remark @below {{dims=3, kind=axis_gate}}
  %y = linalg.mul ins(%x, %w : tensor<2x8x1x7xf32>, tensor<2x8x1x7xf32>) outs(%big : tensor<2x8x1x7xf32>) -> tensor<2x8x1x7xf32>
  %s2 = linalg.reduce { arith.addf } ins(%y : tensor<2x8x1x7xf32>) outs(%z2 : tensor<2x8xf32>) dimensions = [2, 3]
  %g2 = linalg.tanh ins(%s2 : tensor<2x8xf32>) outs(%e2 : tensor<2x8xf32>) -> tensor<2x8xf32>
  %w2 = linalg.broadcast ins(%g2 : tensor<2x8xf32>) outs(%big : tensor<2x8x1x7xf32>) dimensions = [2, 3]
  // expected-remark @below {{dims="2, 3", kind=channel_gate}}
  %y2 = linalg.mul ins(%y, %w2 : tensor<2x8x1x7xf32>, tensor<2x8x1x7xf32>) outs(%big : tensor<2x8x1x7xf32>) -> tensor<2x8x1x7xf32>
  return %y, %y2 : tensor<2x8x1x7xf32>, tensor<2x8x1x7xf32>
}
