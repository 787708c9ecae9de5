// RUN: heed-opt %s --heed-recognize-sdpa --canonicalize --cse --split-input-file | FileCheck %s

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// A constant triangle by select.
// CHECK-LABEL: func @constant_triangle
// CHECK: attn.sdpa
// CHECK-NOT: mask(
// CHECK-SAME: causal = #attn.causal<top_left>
func.func @constant_triangle(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %m = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %inf = arith.constant 0xFF800000 : f32
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

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// Queries are the last of the keys; each row has an open key, so -1e9 is as good as -inf.
// CHECK-LABEL: func @compared_indices_from_the_last_key
// CHECK: attn.sdpa
// CHECK-SAME: causal = #attn.causal<bottom_right>
func.func @compared_indices_from_the_last_key(%q: tensor<2x4x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x6xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x6xf32>) outs(%sz : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  %low = arith.constant -1.000000e+09 : f32
  %two = arith.constant 2 : index
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%qk : tensor<2x4x6xf32>) outs(%se : tensor<2x4x6xf32>) {
    ^bb0(%x0: f32, %out: f32):
      %i = linalg.index 1 : index
      %j = linalg.index 2 : index
      %e = arith.addi %i, %two : index
      %c = arith.cmpi sgt, %j, %e : index
      %y = arith.select %c, %low, %x0 : f32
      linalg.yield %y : f32
    } -> tensor<2x4x6xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x6xf32>) outs(%se : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x4x6xf32>, tensor<2x6x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// A band of zeros in a constant bias.
// CHECK-LABEL: func @band_of_addends
// CHECK: attn.sdpa
// CHECK-NOT: bias(
// CHECK-SAME: window = array<i64: 1, 1>
func.func @band_of_addends(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %m = arith.constant dense<[[0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000], [0xFF800000, 0.0, 0.0, 0.0], [0xFF800000, 0xFF800000, 0.0, 0.0]]> : tensor<4x4xf32>
  %s = linalg.generic {indexing_maps = [#ij, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %qk : tensor<4x4xf32>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: f32, %x1: f32, %out: f32):
      %y = arith.addf %x0, %x1 : f32
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

// The factor comes after the bias: it multiplies both.
// CHECK-LABEL: func @bias_with_another_scale
// CHECK: %[[B:.*]] = linalg.generic {{.*}} ins(%arg3 : tensor<4x4xf32>)
// CHECK: arith.mulf %{{.*}}, %cst
// CHECK: attn.sdpa {{.*}} bias(%[[B]] : tensor<4x4xf32>)
// CHECK-SAME: scale = 5.000000e-01 : f64
func.func @bias_with_another_scale(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %m: tensor<4x4xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %half = arith.constant 0.5 : f32
  %s = linalg.generic {indexing_maps = [#id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%qk, %m : tensor<2x4x4xf32>, tensor<4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: f32, %x1: f32, %out: f32):
      %t = arith.addf %x0, %x1 : f32
      %y = arith.mulf %t, %half : f32
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

// A mask known at run time; rows without a key are uniform with a finite number.
// CHECK-LABEL: func @key_padding
// CHECK: attn.sdpa {{.*}} mask(%arg3 : tensor<2x4xi1>)
// CHECK-SAME: masked_rows = #attn.masked_rows<uniform>
func.func @key_padding(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %m: tensor<2x4xi1>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %low = arith.constant -3.40282347E+38 : f32
  %s = linalg.generic {indexing_maps = [#bj, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %qk : tensor<2x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: f32, %out: f32):
      %y = arith.select %x0, %x1, %low : f32
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

// NaN rows replaced by zero after the softmax; true means masked.
// CHECK-LABEL: func @guarded_rows
// CHECK: attn.sdpa {{.*}} mask(
// CHECK-SAME: masked_rows = #attn.masked_rows<zero>
func.func @guarded_rows(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %m: tensor<2x4xi1>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %inf = arith.constant 0xFF800000 : f32
  %s = linalg.generic {indexing_maps = [#bj, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %qk : tensor<2x4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: f32, %out: f32):
      %y = arith.select %x0, %inf, %x1 : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %pg = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: f32, %out: f32):
      %n = arith.cmpf uno, %x0, %x0 : f32
      %y = arith.select %n, %zero, %x0 : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%pg, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>

// 5 tanh(x / 16) + distance bias: cap and scale as attributes, the distance in the region.
// CHECK-LABEL: func @softcap_and_distance
// CHECK: attn.sdpa
// CHECK-SAME: scale = 3.125000e-01 : f64, softcap = 5.000000e+00 : f64
// CHECK-SAME: score {
// CHECK: arith.subi
// CHECK: math.absi
// CHECK: arith.addf
// CHECK: attn.yield
func.func @softcap_and_distance(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %scale = arith.constant 0.0625 : f32
  %cap = arith.constant 5.0 : f32
  %slope = arith.constant -0.1 : f32
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%qk : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: f32, %out: f32):
      %a = arith.mulf %x0, %scale : f32
      %t = math.tanh %a : f32
      %u = arith.mulf %t, %cap : f32
      %i = linalg.index 1 : index
      %j = linalg.index 2 : index
      %d = arith.subi %j, %i : index
      %n = math.absi %d : index
      %c = arith.index_cast %n : index to i32
      %f = arith.sitofp %c : i32 to f32
      %b = arith.mulf %f, %slope : f32
      %y = arith.addf %u, %b : f32
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

// The bias is added onto masked scores too: kept as it is.
// CHECK-LABEL: func @order_of_finite_masks
// CHECK: attn.sdpa
// CHECK-SAME: score {
// CHECK: arith.select
// CHECK: arith.addf
func.func @order_of_finite_masks(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %m: tensor<2x4xi1>, %b: tensor<4x4xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %low = arith.constant -1.000000e+09 : f32
  %s = linalg.generic {indexing_maps = [#bj, #id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %qk, %b : tensor<2x4xi1>, tensor<2x4x4xf32>, tensor<4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: f32, %x2: f32, %out: f32):
      %t = arith.select %x0, %x1, %low : f32
      %y = arith.addf %t, %x2 : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#t = affine_map<(b, i, j) -> (b, 0, 0)>

// A learned temperature for each head multiplies the queries.
// CHECK-LABEL: func @temperature
// CHECK-SAME: (%[[Q:.*]]: tensor<2x4x8xf32>, %{{.*}}, %{{.*}}, %[[T:.*]]: tensor<2x1x1xf32>)
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[Q]], %{{.*}} : tensor<2x4x8xf32>, tensor<2xf32>)
// CHECK: arith.mulf
// CHECK: attn.sdpa ins(%{{.*}}, %{{.*}}, %{{.*}} : {{.*}}) outs
// CHECK-NOT: score
func.func @temperature(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %t: tensor<2x1x1xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %s = linalg.generic {indexing_maps = [#id, #t, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%qk, %t : tensor<2x4x4xf32>, tensor<2x1x1xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %y = arith.mulf %a, %b : f32
      linalg.yield %y : f32
    } -> tensor<2x4x4xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%oz : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}
