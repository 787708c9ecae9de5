// RUN: heed-opt %s --heed-recognize-sdpa --split-input-file --remarks-filter='heed-.*' --verify-diagnostics | FileCheck %s
// CHECK-NOT: attn.sdpa

func.func @no_sdpa_because_softmax_axis_is_not_keys(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>, %v: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %s = linalg.matmul ins(%q, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
  // expected-remark @below {{the softmax runs over another dimension than the values are summed over}}
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
  // expected-remark @below {{the probabilities are not multiplied with values}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  return %p : tensor<10x10xf32>
}

// -----

func.func @no_sdpa_because_there_is_no_product(%x: tensor<10x10xf32>, %v: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  // expected-remark @below {{the softmax input is not a product of queries and keys}}
  %p = linalg.softmax dimension(1) ins(%x : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%p, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
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
  // expected-remark @below {{the softmax input is a linear layer of one tensor, not a product of queries and keys}}
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
  // expected-remark @below {{the softmax runs over a dimension that queries and keys share}}
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
  // expected-remark @below {{the probabilities are changed between the softmax and the values}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %pm = linalg.mul ins(%p, %m : tensor<10x10xf32>, tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%pm, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

func.func @no_sdpa_because_the_result_is_accumulated(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>, %v: tensor<10x16xf32>, %acc: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<10x10xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %s = linalg.matmul ins(%q, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
  // expected-remark @below {{the product with the values is added onto another tensor}}
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
  // expected-remark @below {{batch and head dimensions of the operands do not nest}}
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
  // expected-remark @below {{the score between the product and the softmax is more than one scalar op an element}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
  %o = linalg.matmul ins(%p, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}
