// RUN: heed-opt %s --heed-recognize-sdpa --split-input-file --remarks-filter='heed-.*' --verify-diagnostics | FileCheck %s
// CHECK-NOT: attn.sdpa

func.func @no_sdpa_because_softmax_axis_is_not_keys(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>, %v: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %s = linalg.matmul ins(%q, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
  // expected-remark @below {{expected a softmax over the keys, got one over the queries}}
  %p = linalg.softmax dimension(0) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%p, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

func.func @no_sdpa_because_there_are_no_values(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>) -> tensor<10x10xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %s = linalg.matmul ins(%q, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
  // expected-remark @below {{expected the probabilities to be multiplied with values, got no such product}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  return %p : tensor<10x10xf32>
}

// -----

func.func @no_sdpa_because_there_is_no_product(%x: tensor<10x10xf32>, %v: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  // expected-remark @below {{expected the softmax of a product of queries and keys, got another tensor}}
  %p = linalg.softmax dimension(1) ins(%x : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%p, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

#mw = affine_map<(h, i, j, g) -> (h, g)>
#ms = affine_map<(h, i, j, g) -> (g, i, j)>
#mo = affine_map<(h, i, j, g) -> (h, i, j)>

// Talking heads.
func.func @no_sdpa_because_heads_are_mixed(%q: tensor<4x10x16xf32>, %k: tensor<4x16x10xf32>, %v: tensor<4x10x16xf32>) -> tensor<4x10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense_resource<w> : tensor<4x4xf32>
  %se = tensor.empty() : tensor<4x10x10xf32>
  %oe = tensor.empty() : tensor<4x10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<4x10x10xf32>) -> tensor<4x10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x10x16xf32>) -> tensor<4x10x16xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<4x10x16xf32>, tensor<4x16x10xf32>) outs(%s0 : tensor<4x10x10xf32>) -> tensor<4x10x10xf32>
  %m = linalg.contract indexing_maps = [#mw, #ms, #mo] ins(%w, %s : tensor<4x4xf32>, tensor<4x10x10xf32>) outs(%s0 : tensor<4x10x10xf32>) -> tensor<4x10x10xf32>
  // expected-remark @below {{expected the scores of one head, got a mix of the scores of several heads}}
  %p = linalg.softmax dimension(2) ins(%m : tensor<4x10x10xf32>) outs(%se : tensor<4x10x10xf32>) -> tensor<4x10x10xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<4x10x10xf32>, tensor<4x10x16xf32>) outs(%o0 : tensor<4x10x16xf32>) -> tensor<4x10x16xf32>
  return %o : tensor<4x10x16xf32>
}

// -----

// The same by a 1x1 convolution over heads; keys are pixels of two dimensions.
func.func @no_sdpa_because_heads_are_convolved(%q: tensor<1x4x10x16xf32>, %image: tensor<1x4x16x2x5xf32>, %v: tensor<1x4x10x16xf32>) -> tensor<1x4x10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense_resource<w> : tensor<4x4x1x1xf32>
  %k = tensor.collapse_shape %image [[0], [1], [2], [3, 4]] : tensor<1x4x16x2x5xf32> into tensor<1x4x16x10xf32>
  %se = tensor.empty() : tensor<1x4x10x10xf32>
  %oe = tensor.empty() : tensor<1x4x10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<1x4x10x10xf32>) -> tensor<1x4x10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<1x4x10x16xf32>) -> tensor<1x4x10x16xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, d)>, affine_map<(b, h, i, j, d) -> (b, h, d, j)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>] ins(%q, %k : tensor<1x4x10x16xf32>, tensor<1x4x16x10xf32>) outs(%s0 : tensor<1x4x10x10xf32>) -> tensor<1x4x10x10xf32>
  %m = linalg.conv_2d_nchw_fchw ins(%s, %w : tensor<1x4x10x10xf32>, tensor<4x4x1x1xf32>) outs(%s0 : tensor<1x4x10x10xf32>) -> tensor<1x4x10x10xf32>
  // expected-remark @below {{expected the scores of one head, got a mix of the scores of several heads}}
  %p = linalg.softmax dimension(3) ins(%m : tensor<1x4x10x10xf32>) outs(%se : tensor<1x4x10x10xf32>) -> tensor<1x4x10x10xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, j)>, affine_map<(b, h, i, j, d) -> (b, h, j, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, d)>] ins(%p, %v : tensor<1x4x10x10xf32>, tensor<1x4x10x16xf32>) outs(%o0 : tensor<1x4x10x16xf32>) -> tensor<1x4x10x16xf32>
  return %o : tensor<1x4x10x16xf32>
}

// -----

// Re-attention: the probabilities of the heads are mixed.
func.func @no_sdpa_because_probabilities_are_mixed(%q: tensor<1x4x10x16xf32>, %k: tensor<1x4x16x10xf32>, %v: tensor<1x4x10x16xf32>) -> tensor<1x4x10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense_resource<w> : tensor<4x4x1x1xf32>
  %se = tensor.empty() : tensor<1x4x10x10xf32>
  %oe = tensor.empty() : tensor<1x4x10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<1x4x10x10xf32>) -> tensor<1x4x10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<1x4x10x16xf32>) -> tensor<1x4x10x16xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, d)>, affine_map<(b, h, i, j, d) -> (b, h, d, j)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>] ins(%q, %k : tensor<1x4x10x16xf32>, tensor<1x4x16x10xf32>) outs(%s0 : tensor<1x4x10x10xf32>) -> tensor<1x4x10x10xf32>
  // expected-remark @below {{expected the probabilities of one head, got a mix of those of several heads}}
  %p = linalg.softmax dimension(3) ins(%s : tensor<1x4x10x10xf32>) outs(%se : tensor<1x4x10x10xf32>) -> tensor<1x4x10x10xf32>
  %m = linalg.conv_2d_nchw_fchw ins(%p, %w : tensor<1x4x10x10xf32>, tensor<4x4x1x1xf32>) outs(%s0 : tensor<1x4x10x10xf32>) -> tensor<1x4x10x10xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, j)>, affine_map<(b, h, i, j, d) -> (b, h, j, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, d)>] ins(%m, %v : tensor<1x4x10x10xf32>, tensor<1x4x10x16xf32>) outs(%o0 : tensor<1x4x10x16xf32>) -> tensor<1x4x10x16xf32>
  return %o : tensor<1x4x10x16xf32>
}

// -----

// A classifier, or the router of a mixture of experts.
func.func @no_sdpa_because_keys_are_weights(%x: tensor<10x16xf32>, %v: tensor<3x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense_resource<w> : tensor<16x3xf32>
  %se = tensor.empty() : tensor<10x3xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x3xf32>) -> tensor<10x3xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %s = linalg.matmul ins(%x, %w : tensor<10x16xf32>, tensor<16x3xf32>) outs(%s0 : tensor<10x3xf32>) -> tensor<10x3xf32>
  // expected-remark @below {{expected a product of queries and keys, got a linear layer of one tensor}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x3xf32>) outs(%se : tensor<10x3xf32>) -> tensor<10x3xf32>
  %o = linalg.matmul ins(%p, %v : tensor<10x3xf32>, tensor<3x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

#p = affine_map<(h, i, e, j) -> (h, i, j)>
#v = affine_map<(h, i, e, j) -> (h, j, e)>
#o = affine_map<(h, i, e, j) -> (i, j, e)>

func.func @no_sdpa_because_softmax_runs_over_heads(%q: tensor<4x10x16xf32>, %k: tensor<4x16x10xf32>, %v: tensor<4x10x16xf32>) -> tensor<10x10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<4x10x10xf32>
  %oe = tensor.empty() : tensor<10x10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<4x10x10xf32>) -> tensor<4x10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x10x16xf32>) -> tensor<10x10x16xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<4x10x16xf32>, tensor<4x16x10xf32>) outs(%s0 : tensor<4x10x10xf32>) -> tensor<4x10x10xf32>
  // expected-remark @below {{expected a softmax over the keys, got one over a dimension that queries and keys share}}
  %w = linalg.softmax dimension(0) ins(%s : tensor<4x10x10xf32>) outs(%se : tensor<4x10x10xf32>) -> tensor<4x10x10xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%w, %v : tensor<4x10x10xf32>, tensor<4x10x16xf32>) outs(%o0 : tensor<10x10x16xf32>) -> tensor<10x10x16xf32>
  return %o : tensor<10x10x16xf32>
}

// -----

func.func @no_sdpa_because_probabilities_are_changed(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>, %m: tensor<10x10xf32>, %v: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %s = linalg.matmul ins(%q, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
  // expected-remark @below {{expected the probabilities to reach the values unchanged, got an operation between}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %pm = linalg.mul ins(%p, %m : tensor<10x10xf32>, tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%pm, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

// The entropy-like sum in front of the product is no reason for it.
func.func @no_sdpa_though_another_sum_comes_first(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>, %v: tensor<10x16xf32>, %m: tensor<10x10xf32>) -> (tensor<10x16xf32>, tensor<10xf32>) {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %s = linalg.matmul ins(%q, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %re = tensor.empty() : tensor<10xf32>
  %r0 = linalg.fill ins(%zero : f32) outs(%re : tensor<10xf32>) -> tensor<10xf32>
  // expected-remark @below {{expected the probabilities to reach the values unchanged, got an operation between}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %r = linalg.reduce { arith.addf } ins(%p : tensor<10x10xf32>) outs(%r0 : tensor<10xf32>) dimensions = [0]
  %pm = linalg.mul ins(%p, %m : tensor<10x10xf32>, tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%pm, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o, %r : tensor<10x16xf32>, tensor<10xf32>
}

// -----

func.func @no_sdpa_because_the_result_is_accumulated(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>, %v: tensor<10x16xf32>, %acc: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %s = linalg.matmul ins(%q, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
  // expected-remark @below {{expected the product with the values alone, got a sum onto another tensor}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%p, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%acc : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

#q = affine_map<(x, y, z, i, j, d) -> (x, y, z, i, d)>
#k = affine_map<(x, y, z, i, j, d) -> (x, z, j, d)>
#s = affine_map<(x, y, z, i, j, d) -> (x, y, z, i, j)>
#p = affine_map<(x, y, z, i, e, j) -> (x, y, z, i, j)>
#v = affine_map<(x, y, z, i, e, j) -> (y, z, j, e)>
#o = affine_map<(x, y, z, i, e, j) -> (x, y, z, i, e)>

func.func @no_sdpa_because_heads_do_not_nest(%q: tensor<2x3x4x5x8xf32>, %k: tensor<2x4x6x8xf32>, %v: tensor<3x4x6x8xf32>) -> tensor<2x3x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x3x4x5x6xf32>
  %oe = tensor.empty() : tensor<2x3x4x5x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<2x3x4x5x6xf32>) -> tensor<2x3x4x5x6xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x3x4x5x8xf32>) -> tensor<2x3x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x5x8xf32>, tensor<2x4x6x8xf32>) outs(%s0 : tensor<2x3x4x5x6xf32>) -> tensor<2x3x4x5x6xf32>
  // expected-remark @below {{expected batch and head dimensions that nest alike in all operands, got others}}
  %w = linalg.softmax dimension(4) ins(%s : tensor<2x3x4x5x6xf32>) outs(%se : tensor<2x3x4x5x6xf32>) -> tensor<2x3x4x5x6xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%w, %v : tensor<2x3x4x5x6xf32>, tensor<3x4x6x8xf32>) outs(%o0 : tensor<2x3x4x5x8xf32>) -> tensor<2x3x4x5x8xf32>
  return %o : tensor<2x3x4x5x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>

func.func @no_sdpa_because_the_score_branches(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>, %v: tensor<10x16xf32>, %c: i1, %x: f32) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %qk = linalg.matmul ins(%q, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%qk : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) {
    ^bb0(%a: f32, %o: f32):
      %b = scf.if %c -> f32 {
        scf.yield %x : f32
      } else {
        scf.yield %zero : f32
      }
      %y = arith.addf %a, %b : f32
      linalg.yield %y : f32
    } -> tensor<10x10xf32>
  // expected-remark @below {{expected a score that is elementwise between the product and the softmax, got more}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%p, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

#q = affine_map<(i, x, y, d) -> (i, d)>
#k = affine_map<(i, x, y, d) -> (x, y, d)>
#s = affine_map<(i, x, y, d) -> (i, x, y)>
#p = affine_map<(i, e, x, y) -> (i, x, y)>
#v = affine_map<(i, e, x, y) -> (x, y, e)>
#o = affine_map<(i, e, x, y) -> (i, e)>

func.func @no_sdpa_because_the_softmax_runs_over_a_part_of_the_keys(%q: tensor<10x16xf32>, %k: tensor<3x4x16xf32>, %v: tensor<3x4x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x3x4xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x3x4xf32>) -> tensor<10x3x4xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<10x16xf32>, tensor<3x4x16xf32>) outs(%s0 : tensor<10x3x4xf32>) -> tensor<10x3x4xf32>
  // expected-remark @below {{expected a softmax over the keys, got one over another dimension than the values are summed over}}
  %w = linalg.softmax dimension(2) ins(%s : tensor<10x3x4xf32>) outs(%se : tensor<10x3x4xf32>) -> tensor<10x3x4xf32>
  %o = linalg.contract indexing_maps = [#p, #v, #o] ins(%w, %v : tensor<10x3x4xf32>, tensor<3x4x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>


func.func @no_sdpa_because_another_mask_follows_the_softmax(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %m: tensor<2x4xi1>, %n: tensor<2x4xi1>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %least = arith.constant 0xFF7FFFFF : f32
  %s = linalg.generic {indexing_maps = [#bj, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %qk : tensor<2x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: f32, %out: f32):
      %y = arith.select %x0, %least, %x1 : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  // expected-remark @below {{expected the mask of the scores again after the softmax, got another one}}
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %w = linalg.generic {indexing_maps = [#bj, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%n, %p : tensor<2x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: f32, %out: f32):
      %y = arith.select %x0, %zero, %x1 : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}
