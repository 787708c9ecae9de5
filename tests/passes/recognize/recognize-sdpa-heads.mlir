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

// -----

#id = affine_map<(i, j) -> (i, j)>

// i - 3 < j < i + 2: two keys to the left, one to the right.
// CHECK-LABEL: func @strict_comparisons
// CHECK: attn.sdpa
// CHECK-NOT: mask(
// CHECK-SAME: window = array<i64: 2, 1>
func.func @strict_comparisons(%q: tensor<9x8xf32>, %k: tensor<8x9xf32>, %v: tensor<9x8xf32>) -> tensor<9x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %three = arith.constant 3 : index
  %se = tensor.empty() : tensor<9x9xf32>
  %oe = tensor.empty() : tensor<9x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<9x9xf32>) -> tensor<9x9xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<9x8xf32>) -> tensor<9x8xf32>
  %qk = linalg.matmul ins(%q, %k : tensor<9x8xf32>, tensor<8x9xf32>) outs(%s0 : tensor<9x9xf32>) -> tensor<9x9xf32>
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%qk : tensor<9x9xf32>) outs(%se : tensor<9x9xf32>) {
    ^bb0(%a: f32, %out: f32):
      %i = linalg.index 0 : index
      %j = linalg.index 1 : index
      %low = arith.subi %i, %three : index
      %high = arith.addi %i, %two : index
      %c0 = arith.cmpi sgt, %j, %low : index
      %c1 = arith.cmpi slt, %j, %high : index
      %c = arith.andi %c0, %c1 : i1
      %y = arith.select %c, %a, %inf : f32
      linalg.yield %y : f32
    } -> tensor<9x9xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<9x9xf32>) outs(%se : tensor<9x9xf32>) -> tensor<9x9xf32>
  %o = linalg.matmul ins(%p, %v : tensor<9x9xf32>, tensor<9x8xf32>) outs(%o0 : tensor<9x8xf32>) -> tensor<9x8xf32>
  return %o : tensor<9x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>

// Windows (1, 3) and (3, 1): the tighter bound of each side.
// CHECK-LABEL: func @two_windows
// CHECK: attn.sdpa
// CHECK-NOT: mask(
// CHECK-SAME: window = array<i64: 1, 1>
func.func @two_windows(%q: tensor<9x8xf32>, %k: tensor<8x9xf32>, %v: tensor<9x8xf32>) -> tensor<9x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %three = arith.constant 3 : index
  %se = tensor.empty() : tensor<9x9xf32>
  %oe = tensor.empty() : tensor<9x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<9x9xf32>) -> tensor<9x9xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<9x8xf32>) -> tensor<9x8xf32>
  %qk = linalg.matmul ins(%q, %k : tensor<9x8xf32>, tensor<8x9xf32>) outs(%s0 : tensor<9x9xf32>) -> tensor<9x9xf32>
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%qk : tensor<9x9xf32>) outs(%se : tensor<9x9xf32>) {
    ^bb0(%a: f32, %out: f32):
      %i = linalg.index 0 : index
      %j = linalg.index 1 : index
      %i1 = arith.addi %i, %one : index
      %i3 = arith.addi %i, %three : index
      %j1 = arith.addi %j, %one : index
      %j3 = arith.addi %j, %three : index
      %a0 = arith.cmpi sle, %i, %j1 : index
      %a1 = arith.cmpi sle, %j, %i3 : index
      %a2 = arith.andi %a0, %a1 : i1
      %y0 = arith.select %a2, %a, %inf : f32
      %b0 = arith.cmpi sle, %i, %j3 : index
      %b1 = arith.cmpi sle, %j, %i1 : index
      %b2 = arith.andi %b0, %b1 : i1
      %y = arith.select %b2, %y0, %inf : f32
      linalg.yield %y : f32
    } -> tensor<9x9xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<9x9xf32>) outs(%se : tensor<9x9xf32>) -> tensor<9x9xf32>
  %o = linalg.matmul ins(%p, %v : tensor<9x9xf32>, tensor<9x8xf32>) outs(%o0 : tensor<9x8xf32>) -> tensor<9x8xf32>
  return %o : tensor<9x8xf32>
}

// -----

#q = affine_map<(b, g, r, i, j, d) -> (b, g, r, i, d)>
#k = affine_map<(b, g, r, i, j, d) -> (b, g, j, d)>
#s = affine_map<(b, g, r, i, j, d) -> (b, g, r, i, j)>
#p = affine_map<(b, g, r, i, e, j) -> (b, g, r, i, j)>
#v = affine_map<(b, g, r, i, e, j) -> (b, g, j, e)>
#o = affine_map<(b, g, r, i, e, j) -> (b, g, r, i, e)>
#all = affine_map<(b, g, r, i, j) -> (b, g, r, i, j)>
#of = affine_map<(b, g, r, i, j) -> (r)>

// A score of the members of a group: r is a part of h, its remainder.
// CHECK-LABEL: func @score_of_a_part_of_the_heads
// CHECK: attn.sdpa
// CHECK: ^bb0(%[[S:[a-z0-9]+]]: f32, %{{[a-z0-9]+}}: index, %[[H:[a-z0-9]+]]: index,
// CHECK: %[[R:.*]] = arith.remui %[[H]], %{{.*}} : index
// CHECK: %[[L:.*]] = tensor.extract %{{.*}}[%[[R]]] : tensor<3xf32>
// CHECK: arith.maximumf %[[S]], %[[L]]
func.func @score_of_a_part_of_the_heads(%q: tensor<7x2x3x4x8xf32>, %k: tensor<7x2x5x8xf32>, %v: tensor<7x2x5x8xf32>, %limit: tensor<3xf32>) -> tensor<7x2x3x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<7x2x3x4x5xf32>
  %oe = tensor.empty() : tensor<7x2x3x4x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<7x2x3x4x5xf32>) -> tensor<7x2x3x4x5xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<7x2x3x4x8xf32>) -> tensor<7x2x3x4x8xf32>
  %qk = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<7x2x3x4x8xf32>, tensor<7x2x5x8xf32>) outs(%s0 : tensor<7x2x3x4x5xf32>) -> tensor<7x2x3x4x5xf32>
  %s = linalg.generic {indexing_maps = [#all, #of, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%qk, %limit : tensor<7x2x3x4x5xf32>, tensor<3xf32>) outs(%se : tensor<7x2x3x4x5xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %y = arith.maximumf %a, %b : f32
      linalg.yield %y : f32
    } -> tensor<7x2x3x4x5xf32>
  %p = linalg.softmax dimension(4) ins(%s : tensor<7x2x3x4x5xf32>) outs(%se : tensor<7x2x3x4x5xf32>) -> tensor<7x2x3x4x5xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<7x2x3x4x5xf32>, tensor<7x2x5x8xf32>) outs(%o0 : tensor<7x2x3x4x8xf32>) -> tensor<7x2x3x4x8xf32>
  return %o : tensor<7x2x3x4x8xf32>
}

// -----

#q = affine_map<(b, i, j, d) -> (b, i, d)>
#k = affine_map<(b, i, j, d) -> (b, j, d)>
#s = affine_map<(b, i, j, d) -> (b, i, j)>
#p = affine_map<(b, i, e, j) -> (b, i, j)>
#v = affine_map<(b, i, e, j) -> (b, j, e)>
#o = affine_map<(b, i, e, j) -> (b, i, e)>

// One key, whose probability is 1, is still the key of an attention: the side
// without rows of its own.
// CHECK-LABEL: func @one_key
// CHECK-SAME: %[[Q:.*]]: tensor<2x5x8xf32>, %[[K:.*]]: tensor<2x1x8xf32>, %[[V:.*]]: tensor<2x1x4xf32>
// CHECK: attn.sdpa
// CHECK-SAME: tensor<{{.*}}5x8xf32>, tensor<{{.*}}1x8xf32>, tensor<{{.*}}1x4xf32>
func.func @one_key(%q: tensor<2x5x8xf32>, %k: tensor<2x1x8xf32>, %v: tensor<2x1x4xf32>) -> tensor<2x5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x5x1xf32>
  %oe = tensor.empty() : tensor<2x5x4xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x1x8xf32>) outs(%s0 : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x1xf32>) outs(%se : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<2x5x1xf32>, tensor<2x1x4xf32>) outs(%o0 : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  return %o : tensor<2x5x4xf32>
}

// -----

#k = affine_map<(b, i, j, d) -> (b, j, d)>
#q = affine_map<(b, i, j, d) -> (b, i, d)>
#s = affine_map<(b, i, j, d) -> (b, i, j)>
#p = affine_map<(b, i, e, j) -> (b, i, j)>
#v = affine_map<(b, i, e, j) -> (b, j, e)>
#o = affine_map<(b, i, e, j) -> (b, i, e)>

// The same with the keys on the left of the product.
// CHECK-LABEL: func @one_key_on_the_left
// CHECK: attn.sdpa
// CHECK-SAME: tensor<{{.*}}5x8xf32>, tensor<{{.*}}1x8xf32>, tensor<{{.*}}1x4xf32>
func.func @one_key_on_the_left(%q: tensor<2x5x8xf32>, %k: tensor<2x1x8xf32>, %v: tensor<2x1x4xf32>) -> tensor<2x5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x5x1xf32>
  %oe = tensor.empty() : tensor<2x5x4xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  %s = linalg.contract indexing_maps = [#k, #q, #s] ins(%k, %q : tensor<2x1x8xf32>, tensor<2x5x8xf32>) outs(%s0 : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x1xf32>) outs(%se : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<2x5x1xf32>, tensor<2x1x4xf32>) outs(%o0 : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  return %o : tensor<2x5x4xf32>
}

// -----

#x = affine_map<(b, i, j, d) -> (b, i, d)>
#w = affine_map<(b, i, j, d) -> (d, j)>
#s = affine_map<(b, i, j, d) -> (b, i, j)>
#p = affine_map<(b, i, e, j) -> (b, i, j)>
#v = affine_map<(b, i, e, j) -> (b, j, e)>
#o = affine_map<(b, i, e, j) -> (b, i, e)>

// One output of a layer is no key.
// CHECK-LABEL: func @one_class
// CHECK-NOT: attn.sdpa
func.func @one_class(%x: tensor<2x5x2xf32>, %v: tensor<2x1x4xf32>) -> tensor<2x5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %se = tensor.empty() : tensor<2x5x1xf32>
  %oe = tensor.empty() : tensor<2x5x4xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  %s = linalg.contract indexing_maps = [#x, #w, #s] ins(%x, %w : tensor<2x5x2xf32>, tensor<2x1xf32>) outs(%s0 : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x1xf32>) outs(%se : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<2x5x1xf32>, tensor<2x1x4xf32>) outs(%o0 : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  return %o : tensor<2x5x4xf32>
}

// -----

#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, e, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, e, j) -> (b, h, j, e)>
#o = affine_map<(b, h, i, e, j) -> (b, h, i, e)>

// One query and one key, whose heads are repeated and then scaled.
// CHECK: #[[$Q:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d4)>
// CHECK: #[[$K:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 floordiv 3, d3, d4)>
// CHECK-LABEL: func @one_scaled_key_of_repeated_heads
// CHECK-SAME: %[[Q:.*]]: tensor<3x6x1x8xf32>, %[[K:.*]]: tensor<3x2x1x8xf32>,
// CHECK: attn.sdpa ins(%[[Q]], %[[K]],
// CHECK-SAME: maps = [#[[$Q]], #[[$K]],
func.func @one_scaled_key_of_repeated_heads(%q: tensor<3x6x1x8xf32>, %k: tensor<3x2x1x8xf32>, %v: tensor<3x6x1x4xf32>) -> tensor<3x6x1x4xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %ke = tensor.empty() : tensor<3x6x1x8xf32>
  %be = tensor.empty() : tensor<3x2x3x1x8xf32>
  %se = tensor.empty() : tensor<3x6x1x1xf32>
  %oe = tensor.empty() : tensor<3x6x1x4xf32>
  %b = linalg.broadcast ins(%k : tensor<3x2x1x8xf32>) outs(%be : tensor<3x2x3x1x8xf32>) dimensions = [2]
  %r = tensor.collapse_shape %b [[0], [1, 2], [3], [4]] : tensor<3x2x3x1x8xf32> into tensor<3x6x1x8xf32>
  %m = linalg.map ins(%r : tensor<3x6x1x8xf32>) outs(%ke : tensor<3x6x1x8xf32>) (%i: f32, %x: f32) {
    %t = arith.mulf %i, %half : f32
    linalg.yield %t : f32
  }
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<3x6x1x1xf32>) -> tensor<3x6x1x1xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<3x6x1x4xf32>) -> tensor<3x6x1x4xf32>
  %s = linalg.contract indexing_maps = [#k, #q, #s] ins(%m, %q : tensor<3x6x1x8xf32>, tensor<3x6x1x8xf32>) outs(%s0 : tensor<3x6x1x1xf32>) -> tensor<3x6x1x1xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<3x6x1x1xf32>) outs(%se : tensor<3x6x1x1xf32>) -> tensor<3x6x1x1xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<3x6x1x1xf32>, tensor<3x6x1x4xf32>) outs(%o0 : tensor<3x6x1x4xf32>) -> tensor<3x6x1x4xf32>
  return %o : tensor<3x6x1x4xf32>
}
