// RUN: heed-opt %s --heed-recognize-sdpa --canonicalize --cse --split-input-file | FileCheck %s

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#pair = affine_map<(i, j) -> (i, j)>

// Block-diagonal: the segments of packed sequences are compared.
// CHECK-LABEL: func @segments
// CHECK: %[[M:.*]] = arith.constant dense<{{\[\[}}true, true, false, false], [true, true, false, false], [false, false, true, true], [false, false, true, true]]> : tensor<4x4xi1>
// CHECK: attn.sdpa {{.*}} mask(%[[M]] : tensor<4x4xi1>)
// CHECK-NOT: masked_rows
// CHECK: return
func.func @segments(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %seg = arith.constant dense<[0, 0, 1, 1]> : tensor<4xi64>
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

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#pair = affine_map<(i, j) -> (i, j)>

// Added, as a finite number: each row has an open key.
// CHECK-LABEL: func @added_lowest_float
// CHECK: %[[M:.*]] = arith.constant dense<{{\[\[}}true, true, false, false], [true, true, false, false], [false, false, true, true], [false, false, true, true]]> : tensor<4x4xi1>
// CHECK: attn.sdpa {{.*}} mask(%[[M]] : tensor<4x4xi1>)
// CHECK-NOT: masked_rows
// CHECK: return
func.func @added_lowest_float(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %seg = arith.constant dense<[0, 0, 1, 1]> : tensor<4xi64>
  %me = tensor.empty() : tensor<4x4xi1>
  %m = linalg.generic {indexing_maps = [#row, #column, #pair], iterator_types = ["parallel", "parallel"]}
      ins(%seg, %seg : tensor<4xi64>, tensor<4xi64>) outs(%me : tensor<4x4xi1>) {
    ^bb0(%x0: i64, %x1: i64, %out: i1):
      %y = arith.cmpi eq, %x0, %x1 : i64
      linalg.yield %y : i1
    } -> tensor<4x4xi1>
  %low = arith.constant -3.40282347E+38 : f32
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

// The segments are a running sum (CumSum) of their beginnings.
// CHECK-LABEL: func @running_sum
// CHECK: %[[M:.*]] = arith.constant dense<{{\[\[}}true, true, false, false], [true, true, false, false], [false, false, true, true], [false, false, true, true]]> : tensor<4x4xi1>
// CHECK: attn.sdpa {{.*}} mask(%[[M]] : tensor<4x4xi1>)
// CHECK-NOT: masked_rows
// CHECK: return
func.func @running_sum(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %begins = arith.constant dense<[0, 0, 1, 0]> : tensor<4xi64>
  %none = arith.constant 0 : i64
  %ce = tensor.empty() : tensor<4xi64>
  %cz = linalg.fill ins(%none : i64) outs(%ce : tensor<4xi64>) -> tensor<4xi64>
  %seg = linalg.generic {indexing_maps = [#column, #row], iterator_types = ["parallel", "reduction"]}
      ins(%begins : tensor<4xi64>) outs(%cz : tensor<4xi64>) {
    ^bb0(%x: i64, %out: i64):
      %i = linalg.index 0 : index
      %j = linalg.index 1 : index
      %c = arith.cmpi sle, %j, %i : index
      %t = arith.select %c, %x, %none : i64
      %y = arith.addi %out, %t : i64
      linalg.yield %y : i64
    } -> tensor<4xi64>
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

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#pair = affine_map<(i, j) -> (i, j)>

// A table of segment pairs, gathered.
// CHECK-LABEL: func @gathered
// CHECK: %[[M:.*]] = arith.constant dense<{{\[\[}}true, true, false, false], [true, true, false, false], [false, false, true, true], [false, false, true, true]]> : tensor<4x4xi1>
// CHECK: attn.sdpa {{.*}} mask(%[[M]] : tensor<4x4xi1>)
// CHECK-NOT: masked_rows
// CHECK: return
func.func @gathered(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %pairs = arith.constant dense<[[true, false], [false, true]]> : tensor<2x2xi1>
  %seg = arith.constant dense<[0, 0, 1, 1]> : tensor<4xi64>
  %me = tensor.empty() : tensor<4x4xi1>
  %m = linalg.generic {indexing_maps = [#row, #column, #pair], iterator_types = ["parallel", "parallel"]}
      ins(%seg, %seg : tensor<4xi64>, tensor<4xi64>) outs(%me : tensor<4x4xi1>) {
    ^bb0(%x0: i64, %x1: i64, %out: i1):
      %i = arith.index_cast %x0 : i64 to index
      %j = arith.index_cast %x1 : i64 to index
      %y = tensor.extract %pairs[%i, %j] : tensor<2x2xi1>
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

// -----

#id = affine_map<(b, i, j) -> (b, i, j)>
#ij = affine_map<(b, i, j) -> (i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#pair = affine_map<(i, j) -> (i, j)>

// Another mask a head; of no key 3 does any query see anything.
// CHECK-LABEL: func @each_head
// CHECK: %[[M:.*]] = arith.constant dense<{{\[\[}}true, true, false, false], [true, false, true, false]]> : tensor<2x4xi1>
// CHECK: attn.sdpa {{.*}} mask(%[[M]] : tensor<2x4xi1>)
func.func @each_head(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %a = arith.constant dense<[[1, 2, 0, 0], [1, 0, 2, 0]]> : tensor<2x4xi64>
  %c0 = arith.constant 0 : i64
  %s = linalg.generic {indexing_maps = [#bj, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %qk : tensor<2x4xi64>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i64, %x1: f32, %out: f32):
      %c = arith.cmpi eq, %x0, %c0 : i64
      %y = arith.select %c, %inf, %x1 : f32
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

// Two tables, of pairs and of keys: both hold. No query of the first segment sees the second key.
// CHECK-LABEL: func @segments_and_keys
// CHECK: %[[M:.*]] = arith.constant dense<{{\[\[}}true, false, false, false], [true, false, false, false], [false, false, true, true], [false, false, true, true]]> : tensor<4x4xi1>
// CHECK: attn.sdpa {{.*}} mask(%[[M]] : tensor<4x4xi1>)
func.func @segments_and_keys(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %seg = arith.constant dense<[0, 0, 1, 1]> : tensor<4xi64>
  %me = tensor.empty() : tensor<4x4xi1>
  %m = linalg.generic {indexing_maps = [#row, #column, #pair], iterator_types = ["parallel", "parallel"]}
      ins(%seg, %seg : tensor<4xi64>, tensor<4xi64>) outs(%me : tensor<4x4xi1>) {
    ^bb0(%x0: i64, %x1: i64, %out: i1):
      %y = arith.cmpi eq, %x0, %x1 : i64
      linalg.yield %y : i1
    } -> tensor<4x4xi1>
  %keys = arith.constant dense<[true, false, true, true]> : tensor<4xi1>
  %s = linalg.generic {indexing_maps = [#ij, affine_map<(b, i, j) -> (j)>, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %keys, %qk : tensor<4x4xi1>, tensor<4xi1>, tensor<2x4x4xf32>) outs(%se : tensor<2x4x4xf32>) {
    ^bb0(%x0: i1, %x1: i1, %x2: f32, %out: f32):
      %c = arith.andi %x0, %x1 : i1
      %y = arith.select %c, %x2, %inf : f32
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

// One term of a constant and of data: the constant part is an attribute. The lowest float swallows
// the scores of a row without a key: their weights are equal.
// CHECK-LABEL: func @causal_and_padding
// CHECK-NOT: linalg.generic
// CHECK: attn.sdpa
// CHECK-NOT: bias(
// CHECK-SAME: mask(%arg3 : tensor<2x4xi1>)
// CHECK-SAME: causal = #attn.causal<top_left>, masked_rows = #attn.masked_rows<uniform>
func.func @causal_and_padding(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %pad: tensor<2x4xi1>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %m = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %low = arith.constant -3.40282347E+38 : f32
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

// The same where it is no band: the constant part is a bias, which the lowering reads ahead of time.
// CHECK-LABEL: func @segments_and_padding
// CHECK: %[[B:.*]] = arith.constant dense<{{\[\[}}0.000000e+00, 0.000000e+00, 0xFF800000, 0xFF800000],
// CHECK-NOT: linalg.generic
// CHECK: attn.sdpa {{.*}} bias(%[[B]] : tensor<4x4xf32>) mask(%arg3 : tensor<2x4xi1>)
func.func @segments_and_padding(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x4x8xf32>, %pad: tensor<2x4xi1>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %se = tensor.empty() : tensor<2x4x4xf32>
  %oe = tensor.empty() : tensor<2x4x8xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%oe : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %qk = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%sz : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %seg = arith.constant dense<[0, 0, 1, 1]> : tensor<4xi64>
  %me = tensor.empty() : tensor<4x4xi1>
  %m = linalg.generic {indexing_maps = [#row, #column, #pair], iterator_types = ["parallel", "parallel"]}
      ins(%seg, %seg : tensor<4xi64>, tensor<4xi64>) outs(%me : tensor<4x4xi1>) {
    ^bb0(%x0: i64, %x1: i64, %out: i1):
      %y = arith.cmpi eq, %x0, %x1 : i64
      linalg.yield %y : i1
    } -> tensor<4x4xi1>
  %low = arith.constant 0xFF800000 : f32
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
