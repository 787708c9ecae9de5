// RUN: heed-opt %s --heed-recognize-sdpa --remarks-filter='heed-.*' --verify-diagnostics | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#s = affine_map<(b, h, i, j, d, e) -> (i, j)>

// One remark an anchor, at the softmax: two products with values are one
// attention each in the code, one in the source.
// CHECK-LABEL: func @two_values
// CHECK-COUNT-2: attn.sdpa
func.func @two_values(%q: tensor<4x8xf32>, %k: tensor<8x4xf32>, %v: tensor<4x8xf32>, %w: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<4x4xf32>
  %oe = tensor.empty() : tensor<4x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<4x4xf32>) -> tensor<4x4xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = linalg.matmul ins(%q, %k : tensor<4x8xf32>, tensor<8x4xf32>) outs(%s0 : tensor<4x4xf32>) -> tensor<4x4xf32>
  // expected-remark @below {{[Passed] sdpa | Category:heed-recognize | Remark="scaled dot-product attention", facts=none, kind=attention, scale=1}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<4x4xf32>) outs(%se : tensor<4x4xf32>) -> tensor<4x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<4x4xf32>, tensor<4x8xf32>) outs(%o0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  %u = linalg.matmul ins(%p, %w : tensor<4x4xf32>, tensor<4x8xf32>) outs(%o0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %o, %u : tensor<4x8xf32>, tensor<4x8xf32>
}

// Spelled as one op in the model already.
func.func @already_one_op(%q: tensor<1x8x16x4xf32>, %m: tensor<16x16xi1>) -> tensor<1x8x16x4xf32> {
  %e = tensor.empty() : tensor<1x8x16x4xf32>
  // expected-remark @below {{facts="causal top_left, softcap, mask", kind=attention, scale=0.125}}
  %o = attn.sdpa ins(%q, %q, %q : tensor<1x8x16x4xf32>, tensor<1x8x16x4xf32>, tensor<1x8x16x4xf32>) mask(%m : tensor<16x16xi1>)
      outs(%e : tensor<1x8x16x4xf32>) maps = [#q, #k, #v, #s, #o]
      {causal = #attn.causal<top_left>, scale = 1.250000e-01 : f64, softcap = 5.0 : f64} -> tensor<1x8x16x4xf32>
  return %o : tensor<1x8x16x4xf32>
}
