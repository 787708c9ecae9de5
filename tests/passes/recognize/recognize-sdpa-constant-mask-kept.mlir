// RUN: heed-opt %s --heed-recognize-sdpa --canonicalize --cse --split-input-file | FileCheck %s

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#pair = affine_map<(i, j) -> (i, j)>

// -1e9 does not swallow large scores: in a row without a key they still have their weights.
// CHECK-LABEL: func @scores_not_swallowed
// CHECK: attn.sdpa
// CHECK-NOT: mask(
// CHECK-NOT: causal
// CHECK-SAME: score {
// CHECK: tensor.extract %arg3
// CHECK: arith.andi
func.func @scores_not_swallowed(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %pad: tensor<2x4xi1>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %m = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %low = arith.constant -1.000000e+09 : f32
  %s = linalg.generic {indexing_maps = [#ij, #bj, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %pad, %qk : tensor<4x4xi1>, tensor<2x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: i1, %x2: f32, %out: f32):
      %c = arith.andi %x0, %x1 : i1
      %b = arith.select %c, %zero, %low : f32
      %y = arith.addf %x2, %b : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#pair = affine_map<(i, j) -> (i, j)>

// A disjunction has no constant part.
// CHECK-LABEL: func @open_where_either
// CHECK: attn.sdpa
// CHECK-NOT: mask(
// CHECK-NOT: causal
// CHECK-SAME: score {
// CHECK: tensor.extract %arg3
// CHECK: arith.ori
func.func @open_where_either(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %pad: tensor<2x4xi1>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %m = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %low = arith.constant 0xFF800000 : f32
  %s = linalg.generic {indexing_maps = [#ij, #bj, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %pad, %qk : tensor<4x4xi1>, tensor<2x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: i1, %x2: f32, %out: f32):
      %c = arith.ori %x0, %x1 : i1
      %b = arith.select %c, %zero, %low : f32
      %y = arith.addf %x2, %b : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#pair = affine_map<(i, j) -> (i, j)>

// The last query has no key: what is added there are numbers like others.
// CHECK-LABEL: func @closed_row_of_finite_numbers
// CHECK: attn.sdpa
// CHECK-NOT: mask(
// CHECK-SAME: score {
// CHECK: arith.addf
func.func @closed_row_of_finite_numbers(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %m = arith.constant dense<[[true, false, true, false], [true, true, false, false], [true, true, true, false], [false, false, false, false]]> : tensor<4x4xi1>
  %low = arith.constant -1.000000e+09 : f32
  %s = linalg.generic {indexing_maps = [#ij, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %qk : tensor<4x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: f32, %out: f32):
      %b = arith.select %x0, %zero, %low : f32
      %y = arith.addf %x1, %b : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#pair = affine_map<(i, j) -> (i, j)>

// Segments known at run time.
// CHECK-LABEL: func @segments_of_data
// CHECK: %[[M:.*]] = linalg.generic
// CHECK: attn.sdpa {{.*}} mask(%[[M]] : tensor<4x4xi1>)
func.func @segments_of_data(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %seg: tensor<4xi64>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %me = tensor.empty() : tensor<4x4xi1>
  %m = linalg.generic {indexing_maps = [#row, #column, #pair], iterator_types = ["parallel", "parallel"]}
      ins(%seg, %seg : tensor<4xi64>, tensor<4xi64>) outs(%me : tensor<4x4xi1>) {
    ^bb0(%x0: i64, %x1: i64, %out: i1):
      %y = arith.cmpi eq, %x0, %x1 : i64
      linalg.yield %y : i1
    } -> tensor<4x4xi1>
  %s = linalg.generic {indexing_maps = [#ij, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %qk : tensor<4x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: f32, %out: f32):
      %y = arith.select %x0, %x1, %inf : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}
