// RUN: heed-opt %s --heed-fuse-qkv --canonicalize --split-input-file | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, i, h, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, j, h, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, j, h, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, i, h, e)>
#id = affine_map<(i, n) -> (i, n)>
#n = affine_map<(i, n) -> (n)>

// Two projections with a bias and one without, of different widths.
// CHECK-LABEL: func @two_heads_share_keys
// CHECK-SAME: (%[[X:.*]]: tensor<3x4xf32>)
// CHECK-DAG: %[[B:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 0.000000e+00, 0.000000e+00]> : tensor<8xf32>
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[\[}}1.000000e+00, 1.000000e+00, 1.000000e+00, 1.000000e+00, 2.000000e+00, 2.000000e+00, 1.000000e+01, 1.100000e+01],
// CHECK: %[[P:.*]] = linalg.matmul ins(%[[X]], %[[W]] : tensor<3x4xf32>, tensor<4x8xf32>)
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[P]], %[[B]] : tensor<3x8xf32>, tensor<8xf32>)
// CHECK: tensor.extract_slice %[[S]][0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
// CHECK: tensor.extract_slice %[[S]][0, 4] [3, 2] [1, 1] : tensor<3x8xf32> to tensor<3x2xf32>
// CHECK: tensor.extract_slice %[[S]][0, 6] [3, 2] [1, 1] : tensor<3x8xf32> to tensor<3x2xf32>
// CHECK-NOT: linalg.matmul
func.func @two_heads_share_keys(%x: tensor<3x4xf32>) -> tensor<1x3x2x2xf32> {
  %wq = arith.constant dense<1.0> : tensor<4x4xf32>
  %wk = arith.constant dense<2.0> : tensor<4x2xf32>
  %wv = arith.constant dense<[[10.0, 11.0], [12.0, 13.0], [14.0, 15.0], [16.0, 17.0]]> : tensor<4x2xf32>
  %bq = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %bk = arith.constant dense<[5.0, 6.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %e4 = tensor.empty() : tensor<3x4xf32>
  %e2 = tensor.empty() : tensor<3x2xf32>
  %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %xq = linalg.matmul ins(%x, %wq : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z4 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %xk = linalg.matmul ins(%x, %wk : tensor<3x4xf32>, tensor<4x2xf32>) outs(%z2 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %xv = linalg.matmul ins(%x, %wv : tensor<3x4xf32>, tensor<4x2xf32>) outs(%z2 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %qb = linalg.generic {indexing_maps = [#id, #n, #id], iterator_types = ["parallel", "parallel"]}
      ins(%xq, %bq : tensor<3x4xf32>, tensor<4xf32>) outs(%e4 : tensor<3x4xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %s = arith.addf %a, %b : f32
      linalg.yield %s : f32
    } -> tensor<3x4xf32>
  %kb = linalg.generic {indexing_maps = [#n, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%bk, %xk : tensor<2xf32>, tensor<3x2xf32>) outs(%e2 : tensor<3x2xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %s = arith.addf %a, %b : f32
      linalg.yield %s : f32
    } -> tensor<3x2xf32>
  %q = tensor.expand_shape %qb [[0, 1], [2, 3]] output_shape [1, 3, 2, 2] : tensor<3x4xf32> into tensor<1x3x2x2xf32>
  %k = tensor.expand_shape %kb [[0, 1], [2, 3]] output_shape [1, 3, 1, 2] : tensor<3x2xf32> into tensor<1x3x1x2xf32>
  %v = tensor.expand_shape %xv [[0, 1], [2, 3]] output_shape [1, 3, 1, 2] : tensor<3x2xf32> into tensor<1x3x1x2xf32>
  %oe = tensor.empty() : tensor<1x3x2x2xf32>
  %o = attn.sdpa ins(%q, %k, %v : tensor<1x3x2x2xf32>, tensor<1x3x1x2xf32>, tensor<1x3x1x2xf32>) outs(%oe : tensor<1x3x2x2xf32>)
      maps = [#q, affine_map<(b, h, i, j, d, e) -> (b, j, h floordiv 2, d)>, affine_map<(b, h, i, j, d, e) -> (b, j, h floordiv 2, e)>, #o] -> tensor<1x3x2x2xf32>
  return %o : tensor<1x3x2x2xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Rows of the transposed weights follow each other; a fourth product of x
// that feeds no attention stays.
// CHECK-LABEL: func @transposed_weights_dynamic
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00], [5.000000e+00, 6.000000e+00], [7.000000e+00, 8.000000e+00]]> : tensor<4x2xf32>
// CHECK: linalg.transpose ins(%[[W]] : tensor<4x2xf32>)
// CHECK: %[[P:.*]] = linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<?x2xf32>, tensor<2x4xf32>)
// CHECK: tensor.extract_slice %[[P]][0, 0] [%{{.*}}, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
// CHECK: tensor.extract_slice %[[P]][0, 2] [%{{.*}}, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<?x2xf32>, tensor<2x2xf32>)
func.func @transposed_weights_dynamic(%x: tensor<?x2xf32>) -> (tensor<1x1x?x2xf32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2xf32>
  %wq = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %wk = arith.constant dense<[[5.0, 6.0], [7.0, 8.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[[9.0, 9.0], [8.0, 8.0]]> : tensor<2x2xf32>
  %zero = arith.constant 0.0 : f32
  %te = tensor.empty() : tensor<2x2xf32>
  %wqt = linalg.transpose ins(%wq : tensor<2x2xf32>) outs(%te : tensor<2x2xf32>) permutation = [1, 0]
  %wkt = linalg.transpose ins(%wk : tensor<2x2xf32>) outs(%te : tensor<2x2xf32>) permutation = [1, 0]
  %wt = linalg.transpose ins(%w : tensor<2x2xf32>) outs(%te : tensor<2x2xf32>) permutation = [1, 0]
  %e = tensor.empty(%n) : tensor<?x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %xq = linalg.matmul ins(%x, %wqt : tensor<?x2xf32>, tensor<2x2xf32>) outs(%z : tensor<?x2xf32>) -> tensor<?x2xf32>
  %xk = linalg.matmul ins(%x, %wkt : tensor<?x2xf32>, tensor<2x2xf32>) outs(%z : tensor<?x2xf32>) -> tensor<?x2xf32>
  %other = linalg.matmul ins(%x, %wt : tensor<?x2xf32>, tensor<2x2xf32>) outs(%z : tensor<?x2xf32>) -> tensor<?x2xf32>
  %q = tensor.expand_shape %xq [[0, 1, 2], [3]] output_shape [1, 1, %n, 2] : tensor<?x2xf32> into tensor<1x1x?x2xf32>
  %k = tensor.expand_shape %xk [[0, 1, 2], [3]] output_shape [1, 1, %n, 2] : tensor<?x2xf32> into tensor<1x1x?x2xf32>
  %oe = tensor.empty(%n) : tensor<1x1x?x2xf32>
  %o = attn.sdpa ins(%q, %k, %k : tensor<1x1x?x2xf32>, tensor<1x1x?x2xf32>, tensor<1x1x?x2xf32>) outs(%oe : tensor<1x1x?x2xf32>)
      maps = [#q, #k, #v, #o] -> tensor<1x1x?x2xf32>
  return %o, %other : tensor<1x1x?x2xf32>, tensor<?x2xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, i, h, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, j, h, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, j, h, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, i, h, e)>

// Queries and keys that are turned by their positions first.
// CHECK-LABEL: func @rotary_queries_and_keys
// CHECK-SAME: (%[[X:.*]]: tensor<3x4xf32>
// CHECK: %[[P:.*]] = linalg.matmul ins(%[[X]], %{{.*}} : tensor<3x4xf32>, tensor<4x12xf32>)
// CHECK-COUNT-2: attn.rope
// CHECK-NOT: linalg.matmul
func.func @rotary_queries_and_keys(%x: tensor<3x4xf32>, %c: tensor<3x1xf32>, %s: tensor<3x1xf32>) -> tensor<1x3x2x2xf32> {
  %wq = arith.constant dense<1.0> : tensor<4x4xf32>
  %wk = arith.constant dense<2.0> : tensor<4x4xf32>
  %wv = arith.constant dense<3.0> : tensor<4x4xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %xq = linalg.matmul ins(%x, %wq : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z : tensor<3x4xf32>) -> tensor<3x4xf32>
  %xk = linalg.matmul ins(%x, %wk : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z : tensor<3x4xf32>) -> tensor<3x4xf32>
  %xv = linalg.matmul ins(%x, %wv : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z : tensor<3x4xf32>) -> tensor<3x4xf32>
  %q = tensor.expand_shape %xq [[0, 1], [2, 3]] output_shape [1, 3, 2, 2] : tensor<3x4xf32> into tensor<1x3x2x2xf32>
  %k = tensor.expand_shape %xk [[0, 1], [2, 3]] output_shape [1, 3, 2, 2] : tensor<3x4xf32> into tensor<1x3x2x2xf32>
  %v = tensor.expand_shape %xv [[0, 1], [2, 3]] output_shape [1, 3, 2, 2] : tensor<3x4xf32> into tensor<1x3x2x2xf32>
  %rq = attn.rope ins(%q : tensor<1x3x2x2xf32>) cos(%c : tensor<3x1xf32>) over [1, 3] sin(%s : tensor<3x1xf32>) over [1, 3]
      outs(%q : tensor<1x3x2x2xf32>) dimension = 3 rotated = 2 -> tensor<1x3x2x2xf32>
  %rk = attn.rope ins(%k : tensor<1x3x2x2xf32>) cos(%c : tensor<3x1xf32>) over [1, 3] sin(%s : tensor<3x1xf32>) over [1, 3]
      outs(%k : tensor<1x3x2x2xf32>) dimension = 3 rotated = 2 -> tensor<1x3x2x2xf32>
  %oe = tensor.empty() : tensor<1x3x2x2xf32>
  %o = attn.sdpa ins(%rq, %rk, %v : tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32>) outs(%oe : tensor<1x3x2x2xf32>)
      maps = [#q, #k, #v, #o] -> tensor<1x3x2x2xf32>
  return %o : tensor<1x3x2x2xf32>
}
