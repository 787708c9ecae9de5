// A gate, and a softmax of nothing, whose names would be tags.
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
#two = affine_map<(a, b, c, d) -> (a, b)>
#hostile = loc("</script><img src=x onerror=alert(1)>"("model.onnx":7:0))
#missed = loc(fused<"scope<b>">["softmax&"("model.onnx":9:0)])
module {
  func.func @main(%x: tensor<2x8x4x4xf32>) -> (tensor<2x8x4x4xf32>, tensor<2x8x4x4xf32>) {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x8xf32>
    %f = tensor.empty() : tensor<2x8x4x4xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
    %p = linalg.reduce {arith.addf} ins(%x : tensor<2x8x4x4xf32>) outs(%z : tensor<2x8xf32>) dimensions = [2, 3]
    %g = linalg.tanh ins(%p : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
    %y = linalg.generic {indexing_maps = [#id, #two, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%x, %g : tensor<2x8x4x4xf32>, tensor<2x8xf32>) outs(%f : tensor<2x8x4x4xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %m = arith.mulf %a, %b : f32
        linalg.yield %m : f32
      } -> tensor<2x8x4x4xf32> loc(#hostile)
    %s = linalg.softmax dimension(3) ins(%x : tensor<2x8x4x4xf32>) outs(%f : tensor<2x8x4x4xf32>) -> tensor<2x8x4x4xf32> loc(#missed)
    return %y, %s : tensor<2x8x4x4xf32>, tensor<2x8x4x4xf32>
  }
}
