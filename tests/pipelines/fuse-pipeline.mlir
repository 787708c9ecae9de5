// RUN: heed-opt %s --heed-fuse-pipeline --remarks-filter='heed-.*' 2>/dev/null | FileCheck %s

// The contract of fuse: the same ops, bigger. What surrounds them is in them.

#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// The residual and the activation are the gate's epilogue.
// CHECK-LABEL: func @gate
// CHECK: attn.gate ins(%{{.*}}, %{{.*}} : tensor<?x8x?x?xf32>, tensor<?x8x?x?xf32>)
// CHECK: epilogue
// CHECK: arith.addf
// CHECK: arith.maximumf
// CHECK: return
// CHECK-NOT: linalg.generic
func.func @gate(%x: tensor<?x8x?x?xf32>, %r: tensor<?x8x?x?xf32>, %e: tensor<?x8x?x?xf32>) -> tensor<?x8x?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %y = attn.gate ins(%x : tensor<?x8x?x?xf32>) outs(%x : tensor<?x8x?x?xf32>) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<?x8xf32>):
    attn.yield %p : tensor<?x8xf32>
  } -> tensor<?x8x?x?xf32>
  %s = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y, %r : tensor<?x8x?x?xf32>, tensor<?x8x?x?xf32>) outs(%e : tensor<?x8x?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<?x8x?x?xf32>
  %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<?x8x?x?xf32>) outs(%e : tensor<?x8x?x?xf32>) {
  ^bb0(%a: f32, %c: f32):
    %0 = arith.maximumf %a, %zero : f32
    linalg.yield %0 : f32
  } -> tensor<?x8x?x?xf32>
  return %t : tensor<?x8x?x?xf32>
}

// The transposes of split and merged heads are maps.
// CHECK-LABEL: func @attention
// CHECK-NOT: linalg.transpose
// CHECK: attn.sdpa ins(%{{.*}} : tensor<2x?x8x64xf32>, tensor<2x?x8x64xf32>, tensor<2x?x8x64xf32>)
// CHECK-NOT: linalg.transpose
// CHECK: return
func.func @attention(%x: tensor<2x?x8x64xf32>) -> tensor<2x?x8x64xf32> {
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<2x?x8x64xf32>
  %e = tensor.empty(%n) : tensor<2x8x?x64xf32>
  %t = linalg.transpose ins(%x : tensor<2x?x8x64xf32>) outs(%e : tensor<2x8x?x64xf32>) permutation = [0, 2, 1, 3]
  %o = attn.sdpa ins(%t, %t, %t : tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>)
      outs(%e : tensor<2x8x?x64xf32>) maps = [#q, #k, #v, #o] -> tensor<2x8x?x64xf32>
  %f = tensor.empty(%n) : tensor<2x?x8x64xf32>
  %y = linalg.transpose ins(%o : tensor<2x8x?x64xf32>) outs(%f : tensor<2x?x8x64xf32>) permutation = [0, 2, 1, 3]
  return %y : tensor<2x?x8x64xf32>
}
