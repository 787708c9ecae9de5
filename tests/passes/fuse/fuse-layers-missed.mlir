// RUN: heed-opt %s --heed-fuse-layers --remarks-filter='heed-fuse' --split-input-file --verify-diagnostics | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// The ops are equal, but the second exponential of layer 1 reads another value.
// CHECK-LABEL: func @no_layers_because_the_wiring_differs
// CHECK-NOT: call
func.func @no_layers_because_the_wiring_differs(%x: tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32> {
  %e = tensor.empty() : tensor<1x1x6x4xf32>
  // expected-remark @below {{expected each layer to read its values as the first one does, got another wiring in layer 1}}
  %k0 = attn.sdpa ins(%x, %x, %x : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>)
      outs(%e : tensor<1x1x6x4xf32>) maps = [#q, #k, #v, #o] -> tensor<1x1x6x4xf32>
  %f0 = linalg.tanh ins(%k0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %g0 = linalg.tanh ins(%f0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %h0 = linalg.exp ins(%g0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %i0 = linalg.abs ins(%h0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %j0 = linalg.exp ins(%i0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %l0 = linalg.tanh ins(%j0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %y0 = linalg.add ins(%x, %l0 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %k1 = attn.sdpa ins(%y0, %y0, %y0 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>)
      outs(%e : tensor<1x1x6x4xf32>) maps = [#q, #k, #v, #o] -> tensor<1x1x6x4xf32>
  %f1 = linalg.tanh ins(%k1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %g1 = linalg.tanh ins(%f1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %h1 = linalg.exp ins(%g1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %i1 = linalg.abs ins(%h1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %j1 = linalg.exp ins(%g1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %l1 = linalg.tanh ins(%j1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %y1 = linalg.add ins(%y0, %l1 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  return %y1 : tensor<1x1x6x4xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Another attribute is another layer: nothing repeats, and there is no remark.
// CHECK-LABEL: func @no_layers_because_the_scales_differ
// CHECK-NOT: call
func.func @no_layers_because_the_scales_differ(%x: tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32> {
  %e = tensor.empty() : tensor<1x1x6x4xf32>
  %k0 = attn.sdpa ins(%x, %x, %x : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>)
      outs(%e : tensor<1x1x6x4xf32>) maps = [#q, #k, #v, #o] -> tensor<1x1x6x4xf32>
  %f0 = linalg.tanh ins(%k0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %g0 = linalg.tanh ins(%f0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %h0 = linalg.exp ins(%g0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %i0 = linalg.abs ins(%h0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %j0 = linalg.exp ins(%i0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %l0 = linalg.tanh ins(%j0 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %y0 = linalg.add ins(%x, %l0 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %k1 = attn.sdpa ins(%y0, %y0, %y0 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>)
      outs(%e : tensor<1x1x6x4xf32>) maps = [#q, #k, #v, #o] {scale = 0.5 : f64} -> tensor<1x1x6x4xf32>
  %f1 = linalg.tanh ins(%k1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %g1 = linalg.tanh ins(%f1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %h1 = linalg.exp ins(%g1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %i1 = linalg.abs ins(%h1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %j1 = linalg.exp ins(%i1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %l1 = linalg.tanh ins(%j1 : tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  %y1 = linalg.add ins(%y0, %l1 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%e : tensor<1x1x6x4xf32>) -> tensor<1x1x6x4xf32>
  return %y1 : tensor<1x1x6x4xf32>
}
