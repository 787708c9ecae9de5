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

// CHECK-LABEL: func @rope_of_f32_stays
// CHECK: attn.rope
func.func @rope_of_f32_stays(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%c : tensor<4x4xf32>) over [0, 1]
      outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: func @rope_with_f16_table_is_decomposed
// CHECK-NOT: attn.rope
// CHECK: linalg.generic
func.func @rope_with_f16_table_is_decomposed(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf16>) -> tensor<4x8xf32> {
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf16>) over [0, 1]
      outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: func @rope_along_rows_is_decomposed
// CHECK-NOT: attn.rope
func.func @rope_along_rows_is_decomposed(%x: tensor<8x4xf32>, %c: tensor<4x4xf32>) -> tensor<8x4xf32> {
  %y = attn.rope ins(%x : tensor<8x4xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%c : tensor<4x4xf32>) over [0, 1]
      outs(%x : tensor<8x4xf32>) dimension = 0 rotated = 8 -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}
