// RUN: heed-opt %s --heed-fuse-qkv --split-input-file --remarks-filter='heed-.*' --verify-diagnostics | FileCheck %s
// CHECK-NOT: tensor.extract_slice

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @no_qkv_because_weights_are_arguments(%x: tensor<3x2xf32>, %wq: tensor<2x2xf32>, %wk: tensor<2x2xf32>) -> tensor<1x1x3x2xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3x2xf32>) -> tensor<3x2xf32>
  // expected-remark @below {{expected constant weights of the projections, got computed ones}}
  %xq = linalg.matmul ins(%x, %wq : tensor<3x2xf32>, tensor<2x2xf32>) outs(%z : tensor<3x2xf32>) -> tensor<3x2xf32>
  %xk = linalg.matmul ins(%x, %wk : tensor<3x2xf32>, tensor<2x2xf32>) outs(%z : tensor<3x2xf32>) -> tensor<3x2xf32>
  %q = tensor.expand_shape %xq [[0, 1, 2], [3]] output_shape [1, 1, 3, 2] : tensor<3x2xf32> into tensor<1x1x3x2xf32>
  %k = tensor.expand_shape %xk [[0, 1, 2], [3]] output_shape [1, 1, 3, 2] : tensor<3x2xf32> into tensor<1x1x3x2xf32>
  %oe = tensor.empty() : tensor<1x1x3x2xf32>
  %o = attn.sdpa ins(%q, %k, %k : tensor<1x1x3x2xf32>, tensor<1x1x3x2xf32>, tensor<1x1x3x2xf32>) outs(%oe : tensor<1x1x3x2xf32>)
      maps = [#q, #k, #v, #o] -> tensor<1x1x3x2xf32>
  return %o : tensor<1x1x3x2xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @no_qkv_because_weights_lie_differently(%x: tensor<3x2xf32>) -> tensor<1x1x3x2xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %te = tensor.empty() : tensor<2x2xf32>
  %wt = linalg.transpose ins(%w : tensor<2x2xf32>) outs(%te : tensor<2x2xf32>) permutation = [1, 0]
  %e = tensor.empty() : tensor<3x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3x2xf32>) -> tensor<3x2xf32>
  // expected-remark @below {{expected projections that lay out their weights alike, got different layouts}}
  %xq = linalg.matmul ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%z : tensor<3x2xf32>) -> tensor<3x2xf32>
  %xk = linalg.matmul ins(%x, %wt : tensor<3x2xf32>, tensor<2x2xf32>) outs(%z : tensor<3x2xf32>) -> tensor<3x2xf32>
  %q = tensor.expand_shape %xq [[0, 1, 2], [3]] output_shape [1, 1, 3, 2] : tensor<3x2xf32> into tensor<1x1x3x2xf32>
  %k = tensor.expand_shape %xk [[0, 1, 2], [3]] output_shape [1, 1, 3, 2] : tensor<3x2xf32> into tensor<1x1x3x2xf32>
  %oe = tensor.empty() : tensor<1x1x3x2xf32>
  %o = attn.sdpa ins(%q, %k, %k : tensor<1x1x3x2xf32>, tensor<1x1x3x2xf32>, tensor<1x1x3x2xf32>) outs(%oe : tensor<1x1x3x2xf32>)
      maps = [#q, #k, #v, #o] -> tensor<1x1x3x2xf32>
  return %o : tensor<1x1x3x2xf32>
}
