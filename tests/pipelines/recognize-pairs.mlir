// RUN: heed-opt %s --heed-normalize-pipeline --heed-recognize-pipeline | FileCheck %s

// Cosine similarities of all pairs, as cosine_similarity(q[:, :, None], k[:,
// None]) spells them: queries and keys are repeated, then normalised.
// CHECK-LABEL: func @cosine_similarity_of_pairs
// CHECK: attn.sdpa ins(%{{.*}} : tensor<4x10x16xf32>, tensor<4x12x16xf32>, tensor<4x12x16xf32>)
// CHECK-NOT: tensor<4x10x12x16xf32>
func.func @cosine_similarity_of_pairs(%q: tensor<4x10x16xf32>, %k: tensor<4x12x16xf32>, %v: tensor<4x12x16xf32>) -> tensor<4x10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %pe = tensor.empty() : tensor<4x10x12x16xf32>
  %se = tensor.empty() : tensor<4x10x12xf32>
  %oe = tensor.empty() : tensor<4x10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x10x16xf32>) -> tensor<4x10x16xf32>
  %qp = linalg.broadcast ins(%q : tensor<4x10x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) dimensions = [2]
  %kp = linalg.broadcast ins(%k : tensor<4x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) dimensions = [1]
  %qs = linalg.square ins(%qp : tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %ks = linalg.square ins(%kp : tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %qr = linalg.reduce { arith.addf } ins(%qs : tensor<4x10x12x16xf32>) outs(%s0 : tensor<4x10x12xf32>) dimensions = [3]
  %kr = linalg.reduce { arith.addf } ins(%ks : tensor<4x10x12x16xf32>) outs(%s0 : tensor<4x10x12xf32>) dimensions = [3]
  %qn = linalg.sqrt ins(%qr : tensor<4x10x12xf32>) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %kn = linalg.sqrt ins(%kr : tensor<4x10x12xf32>) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %qb = linalg.broadcast ins(%qn : tensor<4x10x12xf32>) outs(%pe : tensor<4x10x12x16xf32>) dimensions = [3]
  %kb = linalg.broadcast ins(%kn : tensor<4x10x12xf32>) outs(%pe : tensor<4x10x12x16xf32>) dimensions = [3]
  %qu = linalg.div ins(%qp, %qb : tensor<4x10x12x16xf32>, tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %ku = linalg.div ins(%kp, %kb : tensor<4x10x12x16xf32>, tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %m = linalg.mul ins(%qu, %ku : tensor<4x10x12x16xf32>, tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %s = linalg.reduce { arith.addf } ins(%m : tensor<4x10x12x16xf32>) outs(%s0 : tensor<4x10x12xf32>) dimensions = [3]
  %p = linalg.softmax dimension(2) ins(%s : tensor<4x10x12xf32>) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<4x10x12xf32>, tensor<4x12x16xf32>) outs(%o0 : tensor<4x10x16xf32>) -> tensor<4x10x16xf32>
  return %o : tensor<4x10x16xf32>
}

// Queries with themselves: no product of queries and keys.
// CHECK-LABEL: func @no_sdpa_because_queries_are_missing
// CHECK-NOT: attn.sdpa
func.func @no_sdpa_because_queries_are_missing(%q: tensor<4x10x16xf32>, %k: tensor<4x12x16xf32>, %v: tensor<4x12x16xf32>) -> tensor<4x10x16xf32> {
  %zero = arith.constant 0.0 : f32
  %pe = tensor.empty() : tensor<4x10x12x16xf32>
  %se = tensor.empty() : tensor<4x10x12xf32>
  %oe = tensor.empty() : tensor<4x10x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x10x16xf32>) -> tensor<4x10x16xf32>
  %qp = linalg.broadcast ins(%q : tensor<4x10x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) dimensions = [2]
  %kp = linalg.broadcast ins(%k : tensor<4x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) dimensions = [1]
  %qs = linalg.square ins(%qp : tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %ks = linalg.square ins(%kp : tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %qr = linalg.reduce { arith.addf } ins(%qs : tensor<4x10x12x16xf32>) outs(%s0 : tensor<4x10x12xf32>) dimensions = [3]
  %kr = linalg.reduce { arith.addf } ins(%ks : tensor<4x10x12x16xf32>) outs(%s0 : tensor<4x10x12xf32>) dimensions = [3]
  %qn = linalg.sqrt ins(%qr : tensor<4x10x12xf32>) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %kn = linalg.sqrt ins(%kr : tensor<4x10x12xf32>) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %qb = linalg.broadcast ins(%qn : tensor<4x10x12xf32>) outs(%pe : tensor<4x10x12x16xf32>) dimensions = [3]
  %kb = linalg.broadcast ins(%kn : tensor<4x10x12xf32>) outs(%pe : tensor<4x10x12x16xf32>) dimensions = [3]
  %qu = linalg.div ins(%qp, %qb : tensor<4x10x12x16xf32>, tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %ku = linalg.div ins(%kp, %kb : tensor<4x10x12x16xf32>, tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %m = linalg.mul ins(%qu, %qu : tensor<4x10x12x16xf32>, tensor<4x10x12x16xf32>) outs(%pe : tensor<4x10x12x16xf32>) -> tensor<4x10x12x16xf32>
  %s = linalg.reduce { arith.addf } ins(%m : tensor<4x10x12x16xf32>) outs(%s0 : tensor<4x10x12xf32>) dimensions = [3]
  %p = linalg.softmax dimension(2) ins(%s : tensor<4x10x12xf32>) outs(%se : tensor<4x10x12xf32>) -> tensor<4x10x12xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<4x10x12xf32>, tensor<4x12x16xf32>) outs(%o0 : tensor<4x10x16xf32>) -> tensor<4x10x16xf32>
  return %o : tensor<4x10x16xf32>
}
