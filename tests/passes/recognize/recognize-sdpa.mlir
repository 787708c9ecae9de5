// RUN: heed-opt %s --heed-recognize-sdpa --canonicalize --cse --split-input-file | FileCheck %s

// scale on the scores.
// CHECK-LABEL: func @three_dims
// CHECK-SAME: (%[[Q:.*]]: tensor<4x10x16xf32>, %[[K:.*]]: tensor<4x16x12xf32>, %[[V:.*]]: tensor<4x12x16xf32>)
// CHECK-NOT: linalg.softmax
// CHECK: attn.sdpa
// CHECK-SAME: maps = [#[[$Q:.*]], #[[$K:.*]], #[[$V:.*]], #[[$O:.*]]] {scale = 2.500000e-01 : f64}
func.func @three_dims(%q: tensor<4x10x16xf32>, %k: tensor<4x16x12xf32>, %v: tensor<4x12x16xf32>) -> tensor<4x10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant dense<0.25> : tensor<4x10x12xf32>
  %se = tensor.empty() : tensor<4x10x12xf32>
  %oe = tensor.empty() : tensor<4x10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x10x16xf32>) -> tensor<4x10x16xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<4x10x16xf32>, tensor<4x16x12xf32>) outs(%s0 : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %s = linalg.mul ins(%qk, %scale : tensor<4x10x12xf32>, tensor<4x10x12xf32>) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<4x10x12xf32>) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<4x10x12xf32>, tensor<4x12x16xf32>) outs(%o0 : tensor<4x10x16xf32>) -> tensor<4x10x16xf32>
  return %o : tensor<4x10x16xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, i, h, d)>
#k = affine_map<(b, h, i, j, d) -> (b, j, h, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, e, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, e, j) -> (b, j, h, e)>
#o = affine_map<(b, h, i, e, j) -> (b, i, h, e)>

// No scale, heads beside the width, dynamic sizes: no copy.
// CHECK-DAG: #[[$Q:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d4)>
// CHECK-DAG: #[[$K:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1, d4)>
// CHECK-DAG: #[[$V:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1, d5)>
// CHECK-DAG: #[[$O:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d5)>
// CHECK-LABEL: func @bshd_dynamic
// CHECK-SAME: (%[[Q:.*]]: tensor<?x?x2x16xf32>, %[[K:.*]]: tensor<?x?x2x16xf32>, %[[V:.*]]: tensor<?x?x2x16xf32>)
// CHECK: attn.sdpa ins(%[[Q]], %[[K]], %[[V]] :
// CHECK-SAME: maps = [#[[$Q]], #[[$K]], #[[$V]], #[[$O]]] ->
func.func @bshd_dynamic(%q: tensor<?x?x2x16xf32>, %k: tensor<?x?x2x16xf32>, %v: tensor<?x?x2x16xf32>) -> tensor<?x?x2x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %q, %c0 : tensor<?x?x2x16xf32>
  %sq = tensor.dim %q, %c1 : tensor<?x?x2x16xf32>
  %sk = tensor.dim %k, %c1 : tensor<?x?x2x16xf32>
  %se = tensor.empty(%b, %sq, %sk) : tensor<?x2x?x?xf32>
  %oe = tensor.empty(%b, %sq) : tensor<?x?x2x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<?x?x2x16xf32>) -> tensor<?x?x2x16xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>) outs(%s0 : tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<?x2x?x?xf32>) outs(%se : tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<?x2x?x?xf32>, tensor<?x?x2x16xf32>) outs(%o0 : tensor<?x?x2x16xf32>) -> tensor<?x?x2x16xf32>
  return %o : tensor<?x?x2x16xf32>
}

// -----

#group = affine_map<(b, h, g, j, d) -> (b, h, j, d)>
#all = affine_map<(b, h, g, j, d) -> (b, h, g, j, d)>

// Keys and values repeated for each group of heads: not materialised.
// CHECK-DAG: #[[$K:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 floordiv 2, d3, d4)>
// CHECK-DAG: #[[$V:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 floordiv 2, d3, d5)>
// CHECK-LABEL: func @grouped_queries
// CHECK-SAME: (%[[Q:.*]]: tensor<2x4x10x8xf32>, %[[K:.*]]: tensor<2x2x10x8xf32>, %[[V:.*]]: tensor<2x2x10x8xf32>)
// CHECK: attn.sdpa ins(%[[Q]], %[[K]], %[[V]] :
// CHECK-SAME: maps = [#{{.*}}, #[[$K]], #[[$V]], #{{.*}}]
func.func @grouped_queries(%q: tensor<2x4x10x8xf32>, %k: tensor<2x2x10x8xf32>, %v: tensor<2x2x10x8xf32>) -> tensor<2x4x10x8xf32> {
  %zero = arith.constant 0.0 : f32
  %re = tensor.empty() : tensor<2x2x2x10x8xf32>
  %kr = linalg.generic {indexing_maps = [#group, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<2x2x10x8xf32>) outs(%re : tensor<2x2x2x10x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<2x2x2x10x8xf32>
  %vr = linalg.broadcast ins(%v : tensor<2x2x10x8xf32>) outs(%re : tensor<2x2x2x10x8xf32>) dimensions = [2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x4x10x8xf32> into tensor<8x10x8xf32>
  %k3 = tensor.collapse_shape %kr [[0, 1, 2], [3], [4]] : tensor<2x2x2x10x8xf32> into tensor<8x10x8xf32>
  %v3 = tensor.collapse_shape %vr [[0, 1, 2], [3], [4]] : tensor<2x2x2x10x8xf32> into tensor<8x10x8xf32>
  %te = tensor.empty() : tensor<8x8x10xf32>
  %kt = linalg.transpose ins(%k3 : tensor<8x10x8xf32>) outs(%te : tensor<8x8x10xf32>) permutation = [0, 2, 1]
  %se = tensor.empty() : tensor<8x10x10xf32>
  %oe = tensor.empty() : tensor<8x10x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<8x10x10xf32>) -> tensor<8x10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<8x10x8xf32>) -> tensor<8x10x8xf32>
  %s = linalg.batch_matmul ins(%q3, %kt : tensor<8x10x8xf32>, tensor<8x8x10xf32>) outs(%s0 : tensor<8x10x10xf32>) -> tensor<8x10x10xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<8x10x10xf32>) outs(%se : tensor<8x10x10xf32>) -> tensor<8x10x10xf32>
  %o = linalg.batch_matmul ins(%p, %v3 : tensor<8x10x10xf32>, tensor<8x10x8xf32>) outs(%o0 : tensor<8x10x8xf32>) -> tensor<8x10x8xf32>
  %o4 = tensor.expand_shape %o [[0, 1], [2], [3]] output_shape [2, 4, 10, 8] : tensor<8x10x8xf32> into tensor<2x4x10x8xf32>
  return %o4 : tensor<2x4x10x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>

// Scores of keys by queries, softmax over the rows; no batch. The
// probabilities are returned too: their own softmax stays.
// CHECK-LABEL: func @transposed_scores_that_escape
// CHECK: %[[P:.*]] = linalg.softmax dimension(0)
// CHECK: attn.sdpa
// CHECK: return %{{.*}}, %[[P]]
func.func @transposed_scores_that_escape(%q: tensor<10x16xf32>, %k: tensor<12x16xf32>, %v: tensor<12x24xf32>) -> (tensor<10x24xf32>, tensor<12x10xf32>) {
  %zero = arith.constant 0.0 : f32
  %qte = tensor.empty() : tensor<16x10xf32>
  %qt = linalg.transpose ins(%q : tensor<10x16xf32>) outs(%qte : tensor<16x10xf32>) permutation = [1, 0]
  %se = tensor.empty() : tensor<12x10xf32>
  %pe = tensor.empty() : tensor<10x12xf32>
  %oe = tensor.empty() : tensor<10x24xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<12x10xf32>) -> tensor<12x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x24xf32>) -> tensor<10x24xf32>
  %s = linalg.matmul ins(%k, %qt : tensor<12x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<12x10xf32>) -> tensor<12x10xf32>
  %p = linalg.softmax dimension(0) ins(%s : tensor<12x10xf32>) outs(%se : tensor<12x10xf32>) -> tensor<12x10xf32>
  %pt = linalg.transpose ins(%p : tensor<12x10xf32>) outs(%pe : tensor<10x12xf32>) permutation = [1, 0]
  %o = linalg.matmul ins(%pt, %v : tensor<10x12xf32>, tensor<12x24xf32>) outs(%o0 : tensor<10x24xf32>) -> tensor<10x24xf32>
  return %o, %p : tensor<10x24xf32>, tensor<12x10xf32>
}

// -----

#qe = affine_map<(i, j, d) -> (i, d)>
#ke = affine_map<(i, j, d) -> (j, d)>
#all = affine_map<(i, j, d) -> (i, j, d)>
#pe = affine_map<(i, j, d) -> (i, j)>

// Products and sums instead of matrix multiplications.
// CHECK-LABEL: func @products_and_sums
// CHECK: attn.sdpa
func.func @products_and_sums(%q: tensor<10x16xf32>, %k: tensor<12x16xf32>, %v: tensor<12x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %ae = tensor.empty() : tensor<10x12x16xf32>
  %se = tensor.empty() : tensor<10x12xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x12xf32>) -> tensor<10x12xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %qk = linalg.generic {indexing_maps = [#qe, #ke, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q, %k : tensor<10x16xf32>, tensor<12x16xf32>) outs(%ae : tensor<10x12x16xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.mulf %a, %b : f32
      linalg.yield %m : f32
    } -> tensor<10x12x16xf32>
  %s = linalg.reduce { arith.addf } ins(%qk : tensor<10x12x16xf32>) outs(%s0 : tensor<10x12xf32>) dimensions = [2]
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x12xf32>) outs(%se : tensor<10x12xf32>) -> tensor<10x12xf32>
  %pv = linalg.generic {indexing_maps = [#pe, #ke, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %v : tensor<10x12xf32>, tensor<12x16xf32>) outs(%ae : tensor<10x12x16xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.mulf %a, %b : f32
      linalg.yield %m : f32
    } -> tensor<10x12x16xf32>
  %o = linalg.reduce { arith.addf } ins(%pv : tensor<10x12x16xf32>) outs(%o0 : tensor<10x16xf32>) dimensions = [1]
  return %o : tensor<10x16xf32>
}

// -----

// Keys 4 x 6 viewed as 6 x 4, not transposed: the op reads the view, never k.
// CHECK-LABEL: func @permuted_keys_are_not_transposed_keys
// CHECK-SAME: (%{{.*}}: tensor<10x6xf32>, %[[K:[a-z0-9]+]]: tensor<4x6xf32>
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[K]] {{.*}} into tensor<24xf32>
// CHECK: %[[VIEW:.*]] = tensor.expand_shape %[[FLAT]] {{.*}} into tensor<1x1x6x4xf32>
// CHECK: attn.sdpa ins(%{{.*}}, %[[VIEW]], %{{.*}} :
func.func @permuted_keys_are_not_transposed_keys(%q: tensor<10x6xf32>, %k: tensor<4x6xf32>, %v: tensor<4x6xf32>) -> tensor<10x6xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x4xf32>
  %oe = tensor.empty() : tensor<10x6xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x4xf32>) -> tensor<10x4xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x6xf32>) -> tensor<10x6xf32>
  %flat = tensor.collapse_shape %k [[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
  %view = tensor.expand_shape %flat [[0, 1]] output_shape [6, 4] : tensor<24xf32> into tensor<6x4xf32>
  %s = linalg.matmul ins(%q, %view : tensor<10x6xf32>, tensor<6x4xf32>) outs(%s0 : tensor<10x4xf32>) -> tensor<10x4xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x4xf32>) outs(%se : tensor<10x4xf32>) -> tensor<10x4xf32>
  %o = linalg.matmul ins(%p, %v : tensor<10x4xf32>, tensor<4x6xf32>) outs(%o0 : tensor<10x6xf32>) -> tensor<10x6xf32>
  return %o : tensor<10x6xf32>
}
