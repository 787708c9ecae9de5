// An attention of 8 heads as linalg, both sequence lengths dynamic.
func.func @main(%q: tensor<8x?x64xf32>, %k: tensor<8x?x64xf32>, %v: tensor<8x?x64xf32>) -> tensor<8x?x64xf32> {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %q, %c1 : tensor<8x?x64xf32>
  %n = tensor.dim %k, %c1 : tensor<8x?x64xf32>
  %k0 = tensor.empty(%n) : tensor<8x64x?xf32>
  %kt = linalg.transpose ins(%k : tensor<8x?x64xf32>) outs(%k0 : tensor<8x64x?xf32>) permutation = [0, 2, 1]
  %s0 = tensor.empty(%m, %n) : tensor<8x?x?xf32>
  %s1 = linalg.fill ins(%zero : f32) outs(%s0 : tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %s = linalg.batch_matmul ins(%q, %kt : tensor<8x?x64xf32>, tensor<8x64x?xf32>) outs(%s1 : tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<8x?x?xf32>) outs(%s0 : tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %o0 = tensor.empty(%m) : tensor<8x?x64xf32>
  %o1 = linalg.fill ins(%zero : f32) outs(%o0 : tensor<8x?x64xf32>) -> tensor<8x?x64xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<8x?x?xf32>, tensor<8x?x64xf32>) outs(%o1 : tensor<8x?x64xf32>) -> tensor<8x?x64xf32>
  return %o : tensor<8x?x64xf32>
}
