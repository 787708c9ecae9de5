// A squeeze-and-excitation block as linalg, all sizes but the channels dynamic.
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#nc = affine_map<(n, c, h, w) -> (n, c)>
#pair = affine_map<(i, j) -> (i, j)>

func.func @main(%x: tensor<?x8x?x?xf32>, %w: tensor<8x8xf32>) -> tensor<?x8x?x?xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8x?x?xf32>
  %h = tensor.dim %x, %c2 : tensor<?x8x?x?xf32>
  %v = tensor.dim %x, %c3 : tensor<?x8x?x?xf32>
  %area = arith.muli %h, %v : index
  %area_i = arith.index_cast %area : index to i64
  %area_f = arith.sitofp %area_i : i64 to f32
  %p0 = tensor.empty(%n) : tensor<?x8xf32>
  %p1 = linalg.fill ins(%zero : f32) outs(%p0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<?x8x?x?xf32>) outs(%p1 : tensor<?x8xf32>) dimensions = [2, 3]
  %mean = linalg.generic {indexing_maps = [#pair, #pair], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<?x8xf32>) outs(%p0 : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.divf %a, %area_f : f32
    linalg.yield %0 : f32
  } -> tensor<?x8xf32>
  %fc = linalg.matmul ins(%mean, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%p1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %g = linalg.generic {indexing_maps = [#pair, #pair], iterator_types = ["parallel", "parallel"]} ins(%fc : tensor<?x8xf32>) outs(%p0 : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.negf %a : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %1, %one : f32
    %3 = arith.divf %one, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<?x8xf32>
  %e = tensor.empty(%n, %h, %v) : tensor<?x8x?x?xf32>
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : tensor<?x8x?x?xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8x?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<?x8x?x?xf32>
  return %y : tensor<?x8x?x?xf32>
}
