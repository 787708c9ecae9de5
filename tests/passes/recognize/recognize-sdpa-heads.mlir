// RUN: heed-opt %s --heed-recognize-sdpa --canonicalize --cse --split-input-file | FileCheck %s

#q = affine_map<(g, r, b, i, j, d) -> (g, r, b, i, d)>
#k = affine_map<(g, r, b, i, j, d) -> (g, b, j, d)>
#s = affine_map<(g, r, b, i, j, d) -> (g, r, b, i, j)>
#p = affine_map<(g, r, b, i, e, j) -> (g, r, b, i, j)>
#v = affine_map<(g, r, b, i, e, j) -> (g, b, j, e)>
#o = affine_map<(g, r, b, i, e, j) -> (g, r, b, i, e)>

// Heads outside the batch, r of them for a key: r becomes the last of h.
// CHECK-DAG: #[[$K:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 floordiv 3, d3, d4)>
// CHECK-LABEL: func @groups_outside_the_batch
// CHECK: attn.sdpa
// CHECK-SAME: #[[$K]]
func.func @groups_outside_the_batch(%q: tensor<2x3x4x5x8xf32>, %k: tensor<2x4x6x8xf32>, %v: tensor<2x4x6x8xf32>) -> tensor<2x3x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x3x4x5x6xf32>
  %oe = tensor.empty() : tensor<2x3x4x5x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<2x3x4x5x6xf32>) -> tensor<2x3x4x5x6xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x3x4x5x8xf32>) -> tensor<2x3x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x5x8xf32>, tensor<2x4x6x8xf32>) outs(%s0 : tensor<2x3x4x5x6xf32>) -> tensor<2x3x4x5x6xf32>
  %p = linalg.softmax dimension(4) ins(%s : tensor<2x3x4x5x6xf32>) outs(%se : tensor<2x3x4x5x6xf32>) -> tensor<2x3x4x5x6xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<2x3x4x5x6xf32>, tensor<2x4x6x8xf32>) outs(%o0 : tensor<2x3x4x5x8xf32>) -> tensor<2x3x4x5x8xf32>
  return %o : tensor<2x3x4x5x8xf32>
}

// -----

#q = affine_map<(i, r, j, d) -> (i, r, d)>
#k = affine_map<(i, r, j, d) -> (j, d)>
#s = affine_map<(i, r, j, d) -> (i, r, j)>
#p = affine_map<(i, r, e, j) -> (i, r, j)>
#v = affine_map<(i, r, e, j) -> (j, e)>
#o = affine_map<(i, r, e, j) -> (i, r, e)>
#irj = affine_map<(i, r, j) -> (i, r, j)>
#ij = affine_map<(i, r, j) -> (i, j)>

// Two dimensions that only queries have: the mask tells which is i.
// CHECK-LABEL: func @mask_tells_queries_from_heads
// CHECK: attn.sdpa
// CHECK-NOT: score
// CHECK-SAME: causal = #attn.causal<top_left>
func.func @mask_tells_queries_from_heads(%q: tensor<4x3x8xf32>, %k: tensor<4x8xf32>, %v: tensor<4x8xf32>) -> tensor<4x3x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %m = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %se = tensor.empty() : tensor<4x3x4xf32>
  %oe = tensor.empty() : tensor<4x3x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<4x3x4xf32>) -> tensor<4x3x4xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x3x8xf32>) -> tensor<4x3x8xf32>
  %qk = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<4x3x8xf32>, tensor<4x8xf32>) outs(%s0 : tensor<4x3x4xf32>) -> tensor<4x3x4xf32>
  %s = linalg.generic {indexing_maps = [#ij, #irj, #irj], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %qk : tensor<4x4xi1>, tensor<4x3x4xf32>) outs(%se : tensor<4x3x4xf32>) {
    ^bb0(%a: i1, %b: f32, %out: f32):
      %y = arith.select %a, %b, %inf : f32
      linalg.yield %y : f32
    } -> tensor<4x3x4xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<4x3x4xf32>) outs(%se : tensor<4x3x4xf32>) -> tensor<4x3x4xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<4x3x4xf32>, tensor<4x8xf32>) outs(%o0 : tensor<4x3x8xf32>) -> tensor<4x3x8xf32>
  return %o : tensor<4x3x8xf32>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>

// More queries than keys, aligned at the last key: the first queries have no
// key, and a finite number masks them, so they are uniform.
// CHECK-LABEL: func @first_queries_have_no_key
// CHECK: attn.sdpa
// CHECK-SAME: causal = #attn.causal<bottom_right>, masked_rows = #attn.masked_rows<uniform>
func.func @first_queries_have_no_key(%q: tensor<4x8xf32>, %k: tensor<8x2xf32>, %v: tensor<2x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -1.0e9 : f32
  %m = arith.constant dense<[[false, false], [false, false], [true, false], [true, true]]> : tensor<4x2xi1>
  %se = tensor.empty() : tensor<4x2xf32>
  %oe = tensor.empty() : tensor<4x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<4x2xf32>) -> tensor<4x2xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x8xf32>) -> tensor<4x8xf32>
  %qk = linalg.matmul ins(%q, %k : tensor<4x8xf32>, tensor<8x2xf32>) outs(%s0 : tensor<4x2xf32>) -> tensor<4x2xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%m, %qk : tensor<4x2xi1>, tensor<4x2xf32>) outs(%se : tensor<4x2xf32>) {
    ^bb0(%a: i1, %b: f32, %out: f32):
      %y = arith.select %a, %b, %low : f32
      linalg.yield %y : f32
    } -> tensor<4x2xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<4x2xf32>) outs(%se : tensor<4x2xf32>) -> tensor<4x2xf32>
  %o = linalg.matmul ins(%p, %v : tensor<4x2xf32>, tensor<2x8xf32>) outs(%o0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %o : tensor<4x8xf32>
}
