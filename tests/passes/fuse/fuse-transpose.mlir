// RUN: heed-opt %s --heed-fuse-transpose --canonicalize --split-input-file | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Merging the heads needs no copy.
// CHECK-DAG: #[[$O:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d5)>
// CHECK-LABEL: func @merged_heads
// CHECK: %[[O:.*]] = attn.sdpa {{.*}} outs(%{{.*}} : tensor<2x?x8x4xf32>) maps = [#{{.*}}, #{{.*}}, #{{.*}}, #[[$O]]] {causal = #attn.causal<top_left>} -> tensor<2x?x8x4xf32>
// CHECK-NEXT: tensor.collapse_shape %[[O]] {{\[\[}}0], [1], [2, 3]] : tensor<2x?x8x4xf32> into tensor<2x?x32xf32>
// CHECK-NOT: linalg.transpose
func.func @merged_heads(%q: tensor<2x8x?x4xf32>) -> tensor<2x?x32xf32> {
  %c2 = arith.constant 2 : index
  %n = tensor.dim %q, %c2 : tensor<2x8x?x4xf32>
  %e = tensor.empty(%n) : tensor<2x8x?x4xf32>
  %te = tensor.empty(%n) : tensor<2x?x8x4xf32>
  %o = attn.sdpa ins(%q, %q, %q : tensor<2x8x?x4xf32>, tensor<2x8x?x4xf32>, tensor<2x8x?x4xf32>)
      outs(%e : tensor<2x8x?x4xf32>) maps = [#q, #k, #v, #o] {causal = #attn.causal<top_left>} -> tensor<2x8x?x4xf32>
  %t = linalg.transpose ins(%o : tensor<2x8x?x4xf32>) outs(%te : tensor<2x?x8x4xf32>) permutation = [0, 2, 1, 3]
  %m = tensor.collapse_shape %t [[0], [1], [2, 3]] : tensor<2x?x8x4xf32> into tensor<2x?x32xf32>
  return %m : tensor<2x?x32xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Heads merged into the batch, sequence first: through a reshape.
// CHECK-DAG: #[[$O:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d2, d1, d0, d5)>
// CHECK-LABEL: func @through_a_reshape
// CHECK: attn.sdpa {{.*}} maps = [#{{.*}}, #{{.*}}, #{{.*}}, #[[$O]]]
// CHECK-NOT: linalg.transpose
func.func @through_a_reshape(%q: tensor<6x1x10x4xf32>) -> tensor<10x6x4xf32> {
  %e = tensor.empty() : tensor<6x1x10x4xf32>
  %te = tensor.empty() : tensor<10x6x4xf32>
  %o = attn.sdpa ins(%q, %q, %q : tensor<6x1x10x4xf32>, tensor<6x1x10x4xf32>, tensor<6x1x10x4xf32>)
      outs(%e : tensor<6x1x10x4xf32>) maps = [#q, #k, #v, #o] -> tensor<6x1x10x4xf32>
  %c = tensor.collapse_shape %o [[0, 1], [2], [3]] : tensor<6x1x10x4xf32> into tensor<6x10x4xf32>
  %t = linalg.transpose ins(%c : tensor<6x10x4xf32>) outs(%te : tensor<10x6x4xf32>) permutation = [1, 0, 2]
  return %t : tensor<10x6x4xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Another user needs the first order.
// CHECK-LABEL: func @not_with_another_user
// CHECK: linalg.transpose
func.func @not_with_another_user(%q: tensor<2x8x16x4xf32>) -> (tensor<2x8x16x4xf32>, tensor<2x16x8x4xf32>) {
  %e = tensor.empty() : tensor<2x8x16x4xf32>
  %te = tensor.empty() : tensor<2x16x8x4xf32>
  %o = attn.sdpa ins(%q, %q, %q : tensor<2x8x16x4xf32>, tensor<2x8x16x4xf32>, tensor<2x8x16x4xf32>)
      outs(%e : tensor<2x8x16x4xf32>) maps = [#q, #k, #v, #o] -> tensor<2x8x16x4xf32>
  %t = linalg.transpose ins(%o : tensor<2x8x16x4xf32>) outs(%te : tensor<2x16x8x4xf32>) permutation = [0, 2, 1, 3]
  return %o, %t : tensor<2x8x16x4xf32>, tensor<2x16x8x4xf32>
}
