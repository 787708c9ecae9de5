// RUN: heed-opt %s | heed-opt | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#s = affine_map<(b, h, i, j, d, e) -> (i, j)>

// CHECK-LABEL: func @causal
func.func @causal(%q: tensor<1x8x128x64xf32>, %k: tensor<1x8x128x64xf32>, %v: tensor<1x8x128x64xf32>, %init: tensor<1x8x128x64xf32>) -> tensor<1x8x128x64xf32> {
  // CHECK: attn.sdpa ins(%{{.*}}, %{{.*}}, %{{.*}} : {{.*}}) outs(%{{.*}} : tensor<1x8x128x64xf32>) maps = [
  // CHECK-SAME: {causal = #attn.causal<top_left>, scale = 1.250000e-01 : f64}
  %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>)
      outs(%init : tensor<1x8x128x64xf32>) maps = [#q, #k, #v, #o]
      {causal = #attn.causal<top_left>, scale = 1.250000e-01 : f64} -> tensor<1x8x128x64xf32>
  return %o : tensor<1x8x128x64xf32>
}

// CHECK-LABEL: func @mask_and_score
func.func @mask_and_score(%q: tensor<1x8x128x64xf32>, %k: tensor<1x8x128x64xf32>, %v: tensor<1x8x128x64xf32>,
                          %m: tensor<128x128xi1>, %slope: f32, %init: tensor<1x8x128x64xf32>) -> tensor<1x8x128x64xf32> {
  // CHECK: mask(%{{.*}} : tensor<128x128xi1>)
  // CHECK: score {
  // CHECK: attn.yield %{{.*}} : f32
  %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>)
      mask(%m : tensor<128x128xi1>)
      outs(%init : tensor<1x8x128x64xf32>) maps = [#q, #k, #v, #s, #o] score {
    ^bb0(%x: f32, %b: index, %h: index, %i: index, %j: index):
      %y = arith.mulf %x, %slope : f32
      attn.yield %y : f32
    } -> tensor<1x8x128x64xf32>
  return %o : tensor<1x8x128x64xf32>
}
