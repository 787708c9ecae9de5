// RUN: heed-opt %s --heed-decompose-unsupported | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// CHECK-LABEL: func @f32_stays
// CHECK: attn.sdpa
func.func @f32_stays(%x: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %o = attn.sdpa ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%x : tensor<?x8x?x64xf32>) maps = [#q, #k, #v, #o] -> tensor<?x8x?x64xf32>
  return %o : tensor<?x8x?x64xf32>
}

// CHECK-LABEL: func @f64_is_decomposed
// CHECK-NOT: attn.sdpa
// CHECK: linalg.generic
func.func @f64_is_decomposed(%x: tensor<1x8x16x64xf64>) -> tensor<1x8x16x64xf64> {
  %o = attn.sdpa ins(%x, %x, %x : tensor<1x8x16x64xf64>, tensor<1x8x16x64xf64>, tensor<1x8x16x64xf64>)
      outs(%x : tensor<1x8x16x64xf64>) maps = [#q, #k, #v, #o] -> tensor<1x8x16x64xf64>
  return %o : tensor<1x8x16x64xf64>
}

// CHECK-LABEL: func @dynamic_head_size_is_decomposed
// CHECK-NOT: attn.sdpa
func.func @dynamic_head_size_is_decomposed(%x: tensor<1x8x16x?xf32>) -> tensor<1x8x16x?xf32> {
  %o = attn.sdpa ins(%x, %x, %x : tensor<1x8x16x?xf32>, tensor<1x8x16x?xf32>, tensor<1x8x16x?xf32>)
      outs(%x : tensor<1x8x16x?xf32>) maps = [#q, #k, #v, #o] -> tensor<1x8x16x?xf32>
  return %o : tensor<1x8x16x?xf32>
}

// CHECK-LABEL: func @large_head_is_decomposed
// CHECK-NOT: attn.sdpa
func.func @large_head_is_decomposed(%x: tensor<1x1x16x513xf32>) -> tensor<1x1x16x513xf32> {
  %o = attn.sdpa ins(%x, %x, %x : tensor<1x1x16x513xf32>, tensor<1x1x16x513xf32>, tensor<1x1x16x513xf32>)
      outs(%x : tensor<1x1x16x513xf32>) maps = [#q, #k, #v, #o] -> tensor<1x1x16x513xf32>
  return %o : tensor<1x1x16x513xf32>
}
