// RUN: heed-opt %s --heed-recognize-gate --remarks-filter='heed-.*' --verify-diagnostics -o - | FileCheck %s

// Features in blocks of sixteen channels, nChw16c: [N, C / 16, H, W, 16].

#id = affine_map<(n, g, h, w, l) -> (n, g, h, w, l)>
#gl = affine_map<(n, g, h, w, l) -> (n, g, l)>
#map = affine_map<(n, g, h, w, l) -> (n, h, w)>
!x = tensor<2x4x5x6x16xf32>
!p = tensor<2x4x16xf32>

// The excitation mixes the channels of all blocks as one dimension.
// CHECK-LABEL: func @channels
// CHECK: attn.gate ins(%{{.*}} : tensor<2x4x5x6x16xf32>) {{.*}} dimensions = [2, 3] pools = [sum]
// CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0], [1, 2]]
// CHECK: linalg.matmul
// CHECK: tensor.expand_shape
// CHECK: attn.yield %{{.*}} : tensor<2x4x16xf32>
func.func @channels(%x: !x, %w: tensor<64x64xf32>) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %c = tensor.collapse_shape %s [[0], [1, 2]] : !p into tensor<2x64xf32>
  %ec = tensor.empty() : tensor<2x64xf32>
  %zc = linalg.fill ins(%zero : f32) outs(%ec : tensor<2x64xf32>) -> tensor<2x64xf32>
  %u = linalg.matmul ins(%c, %w : tensor<2x64xf32>, tensor<64x64xf32>) outs(%zc : tensor<2x64xf32>) -> tensor<2x64xf32>
  %t = linalg.tanh ins(%u : tensor<2x64xf32>) outs(%ec : tensor<2x64xf32>) -> tensor<2x64xf32>
  %g = tensor.expand_shape %t [[0], [1, 2]] output_shape [2, 4, 16] : tensor<2x64xf32> into !p
  %big = tensor.empty() : !x
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y = linalg.generic {indexing_maps = [#id, #gl, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

// Nothing says that the two dimensions are one.
// CHECK-LABEL: func @two_axes
// CHECK: attn.gate
func.func @two_axes(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !p
  %z = linalg.fill ins(%zero : f32) outs(%e : !p) -> !p
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : !p) dimensions = [2, 3]
  %g = linalg.tanh ins(%s : !p) outs(%e : !p) -> !p
  %big = tensor.empty() : !x
  // expected-remark @below {{dims="2, 3", kind=axis_gate, pools=sum}}
  %y = linalg.generic {indexing_maps = [#id, #gl, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, !p) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}

// A gate of places pools the blocks and the channels of a block.
// CHECK-LABEL: func @places
// CHECK: attn.gate {{.*}} dimensions = [1, 4] pools = [sum]
func.func @places(%x: !x) -> !x {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x5x6xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  %s = linalg.reduce { arith.addf } ins(%x : !x) outs(%z : tensor<2x5x6xf32>) dimensions = [1, 4]
  %g = linalg.tanh ins(%s : tensor<2x5x6xf32>) outs(%e : tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  %big = tensor.empty() : !x
  // expected-remark @below {{dims="1, 4", kind=axis_gate, pools=sum}}
  %y = linalg.generic {indexing_maps = [#id, #map, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, tensor<2x5x6xf32>) outs(%big : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> !x
  return %y : !x
}
