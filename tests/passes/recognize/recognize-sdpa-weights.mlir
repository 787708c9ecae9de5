// RUN: heed-opt %s --heed-recognize-sdpa --canonicalize --cse --split-input-file | FileCheck %s

#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// The factor moves behind the product with the values.
// CHECK-LABEL: func @a_number_on_the_probabilities
// CHECK: attn.sdpa
// CHECK: linalg.generic
// CHECK: arith.mulf
func.func @a_number_on_the_probabilities(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%qk : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %half = arith.constant 0.5 : f32
  %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: f32, %out: f32):
      %y = arith.mulf %x0, %half : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// A tensor over batch and heads alone.
// CHECK-LABEL: func @a_factor_of_the_rows
// CHECK: attn.sdpa
// CHECK: linalg.generic
// CHECK: arith.divf
func.func @a_factor_of_the_rows(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %f: tensor<2xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%qk : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %w = linalg.generic {indexing_maps = [#id, affine_map<(b, i, j) -> (b)>, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %f : tensor<2x4x4xf32>, tensor<2xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: f32, %x1: f32, %out: f32):
      %y = arith.divf %x0, %x1 : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// ESPnet's spelling: rows without a key become 0, whatever number masks the scores.
// CHECK-LABEL: func @the_mask_again_after_the_softmax
// CHECK: attn.sdpa
// CHECK-SAME: mask(
// CHECK-SAME: masked_rows = #attn.masked_rows<zero>
func.func @the_mask_again_after_the_softmax(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %m: tensor<2x4xi1>) -> tensor<2x4x8xf32> {
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
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %w = linalg.generic {indexing_maps = [#bj, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %p : tensor<2x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: f32, %out: f32):
      %y = arith.select %x0, %zero, %x1 : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// A probability is never infinite.
// CHECK-LABEL: func @nan_to_num_of_the_probabilities
// CHECK: attn.sdpa
// CHECK-SAME: masked_rows = #attn.masked_rows<zero>
func.func @nan_to_num_of_the_probabilities(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%qk : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %inf = arith.constant 0x7F800000 : f32
  %most = arith.constant 0x7F7FFFFF : f32
  %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: f32, %out: f32):
      %nan = arith.cmpf uno, %x0, %x0 : f32
      %a = arith.select %nan, %zero, %x0 : f32
      %isinf = arith.cmpf oeq, %a, %inf : f32
      %pos = arith.cmpf ogt, %a, %zero : f32
      %both = arith.andi %isinf, %pos : i1
      %y = arith.select %both, %most, %a : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// One more score without a value: softmax over keys times sigmoid(lse - c).
// CHECK-LABEL: func @a_sink_by_concatenation
// CHECK: attn.sdpa
// CHECK-SAME: lse(
// CHECK: linalg.generic
// CHECK: math.exp
func.func @a_sink_by_concatenation(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %c: tensor<2x4x1xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %s = tensor.concat dim(2) %qk, %c : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x5xf32>
  %e5 = tensor.empty() : tensor<2x4x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x5xf32>) outs(%e5 : tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  %w = tensor.extract_slice %p[0, 0, 0] [2, 4, 4] [1, 1, 1] : tensor<2x4x5xf32> to tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// The same with the number 0, torch's add_zero_attn without its value.
// CHECK-LABEL: func @a_sink_by_padding
// CHECK: attn.sdpa
// CHECK-SAME: lse(
// CHECK: linalg.generic
func.func @a_sink_by_padding(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %s = tensor.pad %qk low[0, 0, 0] high[0, 0, 1] {
    ^bb0(%a: index, %b: index, %d: index):
      tensor.yield %zero : f32
  } : tensor<2x4x4xf32> to tensor<2x4x5xf32>
  %e5 = tensor.empty() : tensor<2x4x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x5xf32>) outs(%e5 : tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  %w = tensor.extract_slice %p[0, 0, 0] [2, 4, 4] [1, 1, 1] : tensor<2x4x5xf32> to tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}
