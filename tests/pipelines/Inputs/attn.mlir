// The attn ops alone, as fuse leaves them; static and dynamic sizes.
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @main(%x: tensor<2x8x6x16xf32>, %q: tensor<?x8x?x64xf32>, %r: tensor<2x8x6x16xf32>)
    -> (tensor<2x8x6x16xf32>, tensor<?x8x?x64xf32>) {
  %y = attn.gate ins(%x, %r : tensor<2x8x6x16xf32>, tensor<2x8x6x16xf32>) outs(%x : tensor<2x8x6x16xf32>)
      dimensions = [2, 3] pools = [avg, max] excite {
  ^bb0(%avg: tensor<2x8xf32>, %max: tensor<2x8xf32>):
    %g = linalg.add ins(%avg, %max : tensor<2x8xf32>, tensor<2x8xf32>) outs(%avg : tensor<2x8xf32>) -> tensor<2x8xf32>
    attn.yield %g : tensor<2x8xf32>
  } epilogue {
  ^bb0(%xi: f32, %gi: f32, %ri: f32):
    %0 = arith.mulf %xi, %gi : f32
    %1 = arith.addf %0, %ri : f32
    attn.yield %1 : f32
  } -> tensor<2x8x6x16xf32>
  %o = attn.sdpa ins(%q, %q, %q : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%q : tensor<?x8x?x64xf32>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64, causal = #attn.causal<top_left>} -> tensor<?x8x?x64xf32>
  return %y, %o : tensor<2x8x6x16xf32>, tensor<?x8x?x64xf32>
}
