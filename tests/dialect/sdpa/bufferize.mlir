// RUN: heed-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#l = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

// The results are written into the inits; the region keeps its body.
// CHECK-LABEL: func @into_inits
// CHECK-SAME: %[[X:.*]]: memref<1x2x4x8xf32>, %[[SLOPE:.*]]: memref<2xf32>, %[[O:.*]]: memref<1x2x4x8xf32>, %[[L:.*]]: memref<1x2x4xf32>
// CHECK-NOT: memref.copy
// CHECK: attn.sdpa ins(%[[X]], %[[X]], %[[X]] : {{.*}}) outs(%[[O]] : memref<1x2x4x8xf32>) lse(%[[L]] : memref<1x2x4xf32>)
// CHECK: memref.load %[[SLOPE]]
// CHECK-NOT: memref.copy
// CHECK: return %[[O]], %[[L]]
func.func @into_inits(%x: tensor<1x2x4x8xf32>, %slope: tensor<2xf32>, %init: tensor<1x2x4x8xf32> {bufferization.writable = true},
                      %l: tensor<1x2x4xf32> {bufferization.writable = true}) -> (tensor<1x2x4x8xf32>, tensor<1x2x4xf32>) {
  %o:2 = attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%init : tensor<1x2x4x8xf32>) lse(%l : tensor<1x2x4xf32>) maps = [#q, #k, #v, #o, #l] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %a = tensor.extract %slope[%h] : tensor<2xf32>
      %t = arith.mulf %s, %a : f32
      attn.yield %t : f32
    } -> tensor<1x2x4x8xf32>, tensor<1x2x4xf32>
  return %o#0, %o#1 : tensor<1x2x4x8xf32>, tensor<1x2x4xf32>
}

// q is read after the first element of o is written: never in place.
// CHECK-LABEL: func @not_over_q
// CHECK-SAME: %[[X:.*]]: memref<1x2x4x8xf32>
// CHECK: %[[O:.*]] = memref.alloc()
// CHECK: attn.sdpa ins(%[[X]], %[[X]], %[[X]] : {{.*}}) outs(%[[O]] : memref<1x2x4x8xf32>)
func.func @not_over_q(%x: tensor<1x2x4x8xf32> {bufferization.writable = true}) -> tensor<1x2x4x8xf32> {
  %o = attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}
