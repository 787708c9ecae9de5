// A step of a decoder: its row goes into the caches, and attention reads them where they lie. No cache is copied but where
// the caller gives input and output memory of their own.
// RUN: heed-opt %s --heed-lower-cache='pairs=present_k=past_k,present_v=past_v' --heed-normalize-pipeline --heed-recognize-pipeline --heed-fuse-pipeline \
// RUN:   --heed-lower-onednn --heed-lower-buffers --heed-lower-sizes --canonicalize --cse --heed-lower-entry | FileCheck %s

// CHECK: module attributes {attn.in_place = array<i64: 1, 1, 2, 2>}
// CHECK-LABEL: func @main
// CHECK-NOT: memref.copy
// CHECK: scf.if
// CHECK-NEXT: memref.copy %{{.*}}, %[[K:[a-z0-9_]+]] : memref<1x8x?x64xf32> to memref<1x8x?x64xf32>
// CHECK-NEXT: }
// CHECK: %[[ROW_K:.*]] = memref.subview %[[K]][0, 0, %[[N:.*]], 0] [1, 8, 1, 64]
// CHECK: memref.copy %{{.*}}, %[[ROW_K]] : memref<1x8x1x64xf32>
// CHECK: %[[VIEW_K:.*]] = memref.subview %[[K]][0, 0, 0, 0] [1, 8, %[[END:.*]], 64]
// CHECK: scf.if
// CHECK-NEXT: memref.copy %{{.*}}, %[[V:[a-z0-9_]+]] : memref<1x8x?x64xf32> to memref<1x8x?x64xf32>
// CHECK-NEXT: }
// CHECK: memref.copy %{{.*}} : memref<1x8x1x64xf32>
// CHECK: %[[VIEW_V:.*]] = memref.subview %[[V]][0, 0, 0, 0] [1, 8, %[[END]], 64]
// CHECK-NOT: memref.copy
// CHECK: attn.sdpa ins(%{{.*}}, %[[VIEW_K]], %[[VIEW_V]] :
// CHECK-NOT: memref.copy {{.*}}x?x
// CHECK: return

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
func.func @main(%q: tensor<1x8x1x64xf32> {attn.name = "q"}, %past_k: tensor<1x8x?x64xf32> {attn.name = "past_k"},
    %past_v: tensor<1x8x?x64xf32> {attn.name = "past_v"}, %k: tensor<1x8x1x64xf32> {attn.name = "k"}, %v: tensor<1x8x1x64xf32> {attn.name = "v"})
    -> (tensor<1x8x1x64xf32> {attn.name = "o"}, tensor<1x8x?x64xf32> {attn.name = "present_k"}, tensor<1x8x?x64xf32> {attn.name = "present_v"}) {
  %zero = arith.constant 0.0 : f32
  %c2 = arith.constant 2 : index
  %present_k = tensor.concat dim(2) %past_k, %k : (tensor<1x8x?x64xf32>, tensor<1x8x1x64xf32>) -> tensor<1x8x?x64xf32>
  %present_v = tensor.concat dim(2) %past_v, %v : (tensor<1x8x?x64xf32>, tensor<1x8x1x64xf32>) -> tensor<1x8x?x64xf32>
  %n = tensor.dim %present_k, %c2 : tensor<1x8x?x64xf32>
  %es = tensor.empty(%n) : tensor<1x8x1x?xf32>
  %zs = linalg.fill ins(%zero : f32) outs(%es : tensor<1x8x1x?xf32>) -> tensor<1x8x1x?xf32>
  %s = linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %present_k : tensor<1x8x1x64xf32>, tensor<1x8x?x64xf32>) outs(%zs : tensor<1x8x1x?xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    %sum = arith.addf %out, %m : f32
    linalg.yield %sum : f32
  } -> tensor<1x8x1x?xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<1x8x1x?xf32>) outs(%es : tensor<1x8x1x?xf32>) -> tensor<1x8x1x?xf32>
  %eo = tensor.empty() : tensor<1x8x1x64xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<1x8x1x64xf32>) -> tensor<1x8x1x64xf32>
  %o = linalg.generic {indexing_maps = [#s, #k, #q], iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]}
      ins(%p, %present_v : tensor<1x8x1x?xf32>, tensor<1x8x?x64xf32>) outs(%zo : tensor<1x8x1x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    %sum = arith.addf %out, %m : f32
    linalg.yield %sum : f32
  } -> tensor<1x8x1x64xf32>
  return %o, %present_k, %present_v : tensor<1x8x1x64xf32>, tensor<1x8x?x64xf32>, tensor<1x8x?x64xf32>
}
