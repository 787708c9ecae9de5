// RUN: heed-opt %s --heed-recognize-sdpa --canonicalize --cse --split-input-file | FileCheck %s

// A memory: keys and values are constants, and the scores have a factor.
// CHECK-LABEL: func @memory_with_a_factor
// CHECK: attn.sdpa
// CHECK-SAME: scale = 2.500000e-01
func.func @memory_with_a_factor(%q: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant dense_resource<k> : tensor<20x16xf32>
  %v = arith.constant dense_resource<v> : tensor<20x16xf32>
  %se = tensor.empty() : tensor<10x20xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %s = linalg.contract indexing_maps = [affine_map<(i, j, d) -> (i, d)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, j)>] ins(%q, %k : tensor<10x16xf32>, tensor<20x16xf32>) outs(%s0 : tensor<10x20xf32>) -> tensor<10x20xf32>
  %c = arith.constant dense<0.25> : tensor<10x20xf32>
  %t = linalg.mul ins(%s, %c : tensor<10x20xf32>, tensor<10x20xf32>) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %p = linalg.softmax dimension(1) ins(%t : tensor<10x20xf32>) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %o = linalg.contract indexing_maps = [affine_map<(i, j, d) -> (i, j)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, d)>] ins(%p, %v : tensor<10x20xf32>, tensor<20x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

// Each head has a memory of its own.
// CHECK-LABEL: func @memory_of_heads
// CHECK: attn.sdpa
func.func @memory_of_heads(%q: tensor<3x10x16xf32>) -> tensor<3x10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant dense_resource<k> : tensor<3x20x16xf32>
  %v = arith.constant dense_resource<v> : tensor<3x20x16xf32>
  %se = tensor.empty() : tensor<3x10x20xf32>
  %oe = tensor.empty() : tensor<3x10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<3x10x20xf32>) -> tensor<3x10x20xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<3x10x16xf32>) -> tensor<3x10x16xf32>
  %s = linalg.contract indexing_maps = [affine_map<(h, i, j, d) -> (h, i, d)>, affine_map<(h, i, j, d) -> (h, j, d)>, affine_map<(h, i, j, d) -> (h, i, j)>] ins(%q, %k : tensor<3x10x16xf32>, tensor<3x20x16xf32>) outs(%s0 : tensor<3x10x20xf32>) -> tensor<3x10x20xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<3x10x20xf32>) outs(%se : tensor<3x10x20xf32>) -> tensor<3x10x20xf32>
  %o = linalg.contract indexing_maps = [affine_map<(h, i, j, d) -> (h, i, j)>, affine_map<(h, i, j, d) -> (h, j, d)>, affine_map<(h, i, j, d) -> (h, i, d)>] ins(%p, %v : tensor<3x10x20xf32>, tensor<3x20x16xf32>) outs(%o0 : tensor<3x10x16xf32>) -> tensor<3x10x16xf32>
  return %o : tensor<3x10x16xf32>
}

// -----

// Two layers with a softmax between.
// CHECK-LABEL: func @no_sdpa_because_keys_are_weights
// CHECK-NOT: attn.sdpa
func.func @no_sdpa_because_keys_are_weights(%q: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant dense_resource<k> : tensor<20x16xf32>
  %v = arith.constant dense_resource<v> : tensor<20x16xf32>
  %se = tensor.empty() : tensor<10x20xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %s = linalg.contract indexing_maps = [affine_map<(i, j, d) -> (i, d)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, j)>] ins(%q, %k : tensor<10x16xf32>, tensor<20x16xf32>) outs(%s0 : tensor<10x20xf32>) -> tensor<10x20xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<10x20xf32>) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %o = linalg.contract indexing_maps = [affine_map<(i, j, d) -> (i, j)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, d)>] ins(%p, %v : tensor<10x20xf32>, tensor<20x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

// A layer has a bias; a temperature makes it no attention.
// CHECK-LABEL: func @no_sdpa_because_keys_have_a_bias
// CHECK-NOT: attn.sdpa
func.func @no_sdpa_because_keys_have_a_bias(%q: tensor<10x16xf32>) -> tensor<10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant dense_resource<k> : tensor<20x16xf32>
  %v = arith.constant dense_resource<v> : tensor<20x16xf32>
  %b = arith.constant dense_resource<b> : tensor<20xf32>
  %se = tensor.empty() : tensor<10x20xf32>
  %oe = tensor.empty() : tensor<10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
  %s = linalg.contract indexing_maps = [affine_map<(i, j, d) -> (i, d)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, j)>] ins(%q, %k : tensor<10x16xf32>, tensor<20x16xf32>) outs(%s0 : tensor<10x20xf32>) -> tensor<10x20xf32>
  %c = arith.constant dense<0.25> : tensor<10x20xf32>
  %t = linalg.mul ins(%s, %c : tensor<10x20xf32>, tensor<10x20xf32>) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %bb = linalg.broadcast ins(%b : tensor<20xf32>) outs(%se : tensor<10x20xf32>) dimensions = [0]
  %u = linalg.add ins(%t, %bb : tensor<10x20xf32>, tensor<10x20xf32>) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %p = linalg.softmax dimension(1) ins(%u : tensor<10x20xf32>) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %o = linalg.contract indexing_maps = [affine_map<(i, j, d) -> (i, j)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, d)>] ins(%p, %v : tensor<10x20xf32>, tensor<20x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
  return %o : tensor<10x16xf32>
}

// -----

// The mean of a distribution: one column is no value of a key.
// CHECK-LABEL: func @no_sdpa_because_values_are_numbers
// CHECK-NOT: attn.sdpa
func.func @no_sdpa_because_values_are_numbers(%q: tensor<10x16xf32>) -> tensor<10x1xf32> {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant dense_resource<k> : tensor<20x16xf32>
  %v = arith.constant dense_resource<v> : tensor<20x1xf32>
  %se = tensor.empty() : tensor<10x20xf32>
  %oe = tensor.empty() : tensor<10x1xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x1xf32>) -> tensor<10x1xf32>
  %s = linalg.contract indexing_maps = [affine_map<(i, j, d) -> (i, d)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, j)>] ins(%q, %k : tensor<10x16xf32>, tensor<20x16xf32>) outs(%s0 : tensor<10x20xf32>) -> tensor<10x20xf32>
  %c = arith.constant dense<0.25> : tensor<10x20xf32>
  %t = linalg.mul ins(%s, %c : tensor<10x20xf32>, tensor<10x20xf32>) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %p = linalg.softmax dimension(1) ins(%t : tensor<10x20xf32>) outs(%se : tensor<10x20xf32>) -> tensor<10x20xf32>
  %o = linalg.contract indexing_maps = [affine_map<(i, j, d) -> (i, j)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, d)>] ins(%p, %v : tensor<10x20xf32>, tensor<20x1xf32>) outs(%o0 : tensor<10x1xf32>) -> tensor<10x1xf32>
  return %o : tensor<10x1xf32>
}
