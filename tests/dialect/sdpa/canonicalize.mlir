// RUN: heed-opt %s --canonicalize --split-input-file | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// CHECK-DAG: #[[BSHD:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d4)>
// CHECK-DAG: #[[KTM:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d4, d3)>
// CHECK-DAG: #[[VM:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d3, d5)>
// CHECK-DAG: #[[OBSHD:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d5)>

// q from BSHD, k transposed, o to BSHD: no transpose is left.
// CHECK-LABEL: func @transposes_into_maps
// CHECK-SAME: (%[[Q:.*]]: tensor<2x128x8x64xf32>, %[[K:.*]]: tensor<2x8x64x128xf32>, %[[V:.*]]: tensor<2x8x128x64xf32>, %[[E:.*]]: tensor<2x8x128x64xf32>, %[[OT:.*]]: tensor<2x128x8x64xf32>)
// CHECK-NOT: linalg.transpose
// CHECK: attn.sdpa ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[OT]] : tensor<2x128x8x64xf32>) maps = [#[[BSHD]], #[[KTM]], #[[VM]], #[[OBSHD]]]
// CHECK-NOT: linalg.transpose
func.func @transposes_into_maps(%q: tensor<2x128x8x64xf32>, %k: tensor<2x8x64x128xf32>, %v: tensor<2x8x128x64xf32>,
                                %init: tensor<2x8x128x64xf32>, %out: tensor<2x128x8x64xf32>) -> tensor<2x128x8x64xf32> {
  %qt = linalg.transpose ins(%q : tensor<2x128x8x64xf32>) outs(%init : tensor<2x8x128x64xf32>) permutation = [0, 2, 1, 3]
  %kt = linalg.transpose ins(%k : tensor<2x8x64x128xf32>) outs(%init : tensor<2x8x128x64xf32>) permutation = [0, 1, 3, 2]
  %o = attn.sdpa ins(%qt, %kt, %v : tensor<2x8x128x64xf32>, tensor<2x8x128x64xf32>, tensor<2x8x128x64xf32>)
      outs(%init : tensor<2x8x128x64xf32>) maps = [#q, #k, #v, #o] -> tensor<2x8x128x64xf32>
  %ot = linalg.transpose ins(%o : tensor<2x8x128x64xf32>) outs(%out : tensor<2x128x8x64xf32>) permutation = [0, 2, 1, 3]
  return %ot : tensor<2x128x8x64xf32>
}

// A permutation of three dims, the wrong way round would be (d2, d0, d1 …).
// CHECK-LABEL: func @three_cycle
// CHECK-NOT: linalg.transpose
func.func @three_cycle(%q: tensor<128x2x8x64xf32>, %x: tensor<2x8x128x64xf32>) -> tensor<2x8x128x64xf32> {
  %e = tensor.empty() : tensor<2x8x128x64xf32>
  %qt = linalg.transpose ins(%q : tensor<128x2x8x64xf32>) outs(%e : tensor<2x8x128x64xf32>) permutation = [1, 2, 0, 3]
  // CHECK: attn.sdpa ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<128x2x8x64xf32>, tensor<2x8x128x64xf32>, tensor<2x8x128x64xf32>)
  %o = attn.sdpa ins(%qt, %x, %x : tensor<2x8x128x64xf32>, tensor<2x8x128x64xf32>, tensor<2x8x128x64xf32>)
      outs(%e : tensor<2x8x128x64xf32>) maps = [#q, #k, #v, #o] -> tensor<2x8x128x64xf32>
  return %o : tensor<2x8x128x64xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#v3 = affine_map<(b, h, i, j, d, e) -> (h, j, e)>
#m = affine_map<(b, h, i, j, d, e) -> (b, j)>

// CHECK-DAG: #[[Q3:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d2, d4)>
// CHECK-DAG: #[[K:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d3, d4)>
// CHECK-DAG: #[[V4:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d3, d5)>
// CHECK-DAG: #[[M4:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, 0, 0, d3)>
// CHECK-DAG: #[[O:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d5)>

// q had no batch dim, v had one of size 1, the mask two.
// CHECK-LABEL: func @unit_dims_into_maps
// CHECK-NOT: tensor.expand_shape
// CHECK-NOT: tensor.collapse_shape
// CHECK: attn.sdpa {{.*}} maps = [#[[Q3]], #[[K]], #[[V4]], #[[M4]], #[[O]]]
func.func @unit_dims_into_maps(%q: tensor<8x128x64xf32>, %x: tensor<1x8x128x64xf32>, %m: tensor<1x1x1x128xi1>) -> tensor<1x8x128x64xf32> {
  %q4 = tensor.expand_shape %q [[0, 1], [2], [3]] output_shape [1, 8, 128, 64] : tensor<8x128x64xf32> into tensor<1x8x128x64xf32>
  %v3 = tensor.collapse_shape %x [[0, 1], [2], [3]] : tensor<1x8x128x64xf32> into tensor<8x128x64xf32>
  %m2 = tensor.collapse_shape %m [[0], [1, 2, 3]] : tensor<1x1x1x128xi1> into tensor<1x128xi1>
  %e = tensor.empty() : tensor<1x8x128x64xf32>
  %o = attn.sdpa ins(%q4, %x, %v3 : tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>, tensor<8x128x64xf32>)
      mask(%m2 : tensor<1x128xi1>) outs(%e : tensor<1x8x128x64xf32>) maps = [#q, #k, #v3, #m, #o] -> tensor<1x8x128x64xf32>
  return %o : tensor<1x8x128x64xf32>
}

// Splitting a dim is not a map.
// CHECK-LABEL: func @head_split_stays
// CHECK: tensor.expand_shape
func.func @head_split_stays(%q: tensor<1x8x8192xf32>, %x: tensor<1x8x128x64xf32>) -> tensor<1x8x128x64xf32> {
  %q4 = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [1, 8, 128, 64] : tensor<1x8x8192xf32> into tensor<1x8x128x64xf32>
  %e = tensor.empty() : tensor<1x8x128x64xf32>
  %o = attn.sdpa ins(%q4, %x, %x : tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>)
      outs(%e : tensor<1x8x128x64xf32>) maps = [#q, #k, #v, #o] -> tensor<1x8x128x64xf32>
  return %o : tensor<1x8x128x64xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#ij = affine_map<(b, h, i, j, d, e) -> (i, j)>
#bij = affine_map<(b, h, i, j, d, e) -> (0, i, j)>
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>

// q · 0.5 and k / 4 with scale 2: 0.25.
// CHECK-LABEL: func @scale_merged
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4x8xf32>, %[[K:.*]]: tensor<1x2x4x8xf32>)
// CHECK-NOT: linalg.generic
// CHECK: attn.sdpa ins(%[[Q]], %[[K]], %[[K]] {{.*}}scale = 2.500000e-01 : f64
func.func @scale_merged(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %half = arith.constant 0.5 : f32
  %four = arith.constant 4.0 : f32
  %e = tensor.empty() : tensor<1x2x4x8xf32>
  %qs = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q : tensor<1x2x4x8xf32>) outs(%e : tensor<1x2x4x8xf32>) {
    ^bb0(%a: f32, %z: f32):
      %m = arith.mulf %half, %a : f32
      linalg.yield %m : f32
    } -> tensor<1x2x4x8xf32>
  %ks = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<1x2x4x8xf32>) outs(%e : tensor<1x2x4x8xf32>) {
    ^bb0(%a: f32, %z: f32):
      %m = arith.divf %a, %four : f32
      linalg.yield %m : f32
    } -> tensor<1x2x4x8xf32>
  %o = attn.sdpa ins(%qs, %ks, %k : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%e : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] {scale = 2.0 : f64} -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}

// CHECK-LABEL: func @zero_bias_and_true_mask_dropped
// CHECK: attn.sdpa
// CHECK-NOT: bias(
// CHECK-NOT: mask(
// CHECK-SAME: outs(
func.func @zero_bias_and_true_mask_dropped(%x: tensor<1x2x4x8xf32>, %e: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %true = arith.constant dense<true> : tensor<4x4xi1>
  %o = attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      bias(%zero : tensor<4x4xf32>) mask(%true : tensor<4x4xi1>)
      outs(%e : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #ij, #ij, #o] -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}

// CHECK-LABEL: func @causal_mask
// CHECK-NOT: mask(
// CHECK: causal = #attn.causal<top_left>
func.func @causal_mask(%x: tensor<1x2x3x8xf32>, %e: tensor<1x2x3x8xf32>) -> tensor<1x2x3x8xf32> {
  %m = arith.constant dense<[[[true, false, false], [true, true, false], [true, true, true]]]> : tensor<1x3x3xi1>
  %o = attn.sdpa ins(%x, %x, %x : tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>)
      mask(%m : tensor<1x3x3xi1>) outs(%e : tensor<1x2x3x8xf32>) maps = [#q, #k, #v, #bij, #o] -> tensor<1x2x3x8xf32>
  return %o : tensor<1x2x3x8xf32>
}

// CHECK-LABEL: func @causal_mask_of_new_queries
// CHECK-NOT: mask(
// CHECK: causal = #attn.causal<bottom_right>
func.func @causal_mask_of_new_queries(%q: tensor<1x2x2x8xf32>, %k: tensor<1x2x3x8xf32>, %e: tensor<1x2x2x8xf32>) -> tensor<1x2x2x8xf32> {
  %m = arith.constant dense<[[true, true, false], [true, true, true]]> : tensor<2x3xi1>
  %o = attn.sdpa ins(%q, %k, %k : tensor<1x2x2x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>)
      mask(%m : tensor<2x3xi1>) outs(%e : tensor<1x2x2x8xf32>) maps = [#q, #k, #v, #ij, #o] -> tensor<1x2x2x8xf32>
  return %o : tensor<1x2x2x8xf32>
}

// CHECK-LABEL: func @other_mask_stays
// CHECK: mask(
func.func @other_mask_stays(%x: tensor<1x2x3x8xf32>, %e: tensor<1x2x3x8xf32>) -> tensor<1x2x3x8xf32> {
  %m = arith.constant dense<[[true, false, true], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  %o = attn.sdpa ins(%x, %x, %x : tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>)
      mask(%m : tensor<3x3xi1>) outs(%e : tensor<1x2x3x8xf32>) maps = [#q, #k, #v, #ij, #o] -> tensor<1x2x3x8xf32>
  return %o : tensor<1x2x3x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Casts that forget a size: the attention and its result have it.
// CHECK-LABEL: func @casts_folded
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x6x4xf32>)
// CHECK: %[[INIT:.*]] = tensor.empty() : tensor<1x2x6x4xf32>
// CHECK: %[[Y:.*]] = attn.sdpa ins(%[[X]], %[[X]], %[[X]] : {{.*}}) outs(%[[INIT]] : tensor<1x2x6x4xf32>)
// CHECK: %[[Z:.*]] = tensor.cast %[[Y]] : tensor<1x2x6x4xf32> to tensor<1x2x?x4xf32>
// CHECK: return %[[Z]]
func.func @casts_folded(%x: tensor<1x2x6x4xf32>) -> tensor<1x2x?x4xf32> {
  %c6 = arith.constant 6 : index
  %c = tensor.cast %x : tensor<1x2x6x4xf32> to tensor<1x2x?x4xf32>
  %e = tensor.empty(%c6) : tensor<1x2x?x4xf32>
  %y = attn.sdpa ins(%c, %c, %c : tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>)
      outs(%e : tensor<1x2x?x4xf32>) maps = [#q, #k, #v, #o] -> tensor<1x2x?x4xf32>
  return %y : tensor<1x2x?x4xf32>
}
