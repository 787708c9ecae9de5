// RUN: heed-opt %s --heed-lower-onednn=device --canonicalize | FileCheck %s

#id2 = affine_map<(i, j) -> (i, j)>

// For libraries of a GPU: halves too, a bias, and nothing behind it.
// CHECK-LABEL: @product_bias_relu
// CHECK: %[[Y:.*]] = attn.primitive matmul {{.*}} bias(%{{.*}} : tensor<16xf16>)
// CHECK-NOT: post_ops
// CHECK: linalg.generic {{.*}} ins(%[[Y]] : tensor<?x16xf16>)
// CHECK: arith.maximumf
func.func @product_bias_relu(%a: tensor<?x8xf16>, %w: tensor<8x16xf16>, %b: tensor<16xf16>, %e: tensor<?x16xf16>) -> tensor<?x16xf16> {
  %zero = arith.constant 0.0 : f16
  %init = linalg.broadcast ins(%b : tensor<16xf16>) outs(%e : tensor<?x16xf16>) dimensions = [0]
  %c = linalg.matmul ins(%a, %w : tensor<?x8xf16>, tensor<8x16xf16>) outs(%init : tensor<?x16xf16>) -> tensor<?x16xf16>
  %y = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]} ins(%c : tensor<?x16xf16>) outs(%e : tensor<?x16xf16>) {
  ^bb0(%x: f16, %o: f16):
    %m = arith.maximumf %x, %zero : f16
    linalg.yield %m : f16
  } -> tensor<?x16xf16>
  return %y : tensor<?x16xf16>
}

// A row is no less than a matrix there.
// CHECK-LABEL: @row
// CHECK: attn.primitive matmul
func.func @row(%a: tensor<1x256xf32>, %e: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<1.0> : tensor<256x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x64xf32>) -> tensor<1x64xf32>
  %c = linalg.matmul ins(%a, %w : tensor<1x256xf32>, tensor<256x64xf32>) outs(%f : tensor<1x64xf32>) -> tensor<1x64xf32>
  return %c : tensor<1x64xf32>
}

// A gate's kernel has all of it, with its products.
// CHECK-LABEL: @gate
// CHECK: attn.gate
// CHECK-NOT: attn.primitive
func.func @gate(%x: tensor<2x512x16xf32>, %w: tensor<512x512xf32>) -> tensor<2x512x16xf32> {
  %e = tensor.empty() : tensor<2x512x16xf32>
  %y = attn.gate ins(%x : tensor<2x512x16xf32>) outs(%e : tensor<2x512x16xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: tensor<2x512xf32>):
      %zero = arith.constant 0.0 : f32
      %i = tensor.empty() : tensor<2x512xf32>
      %f = linalg.fill ins(%zero : f32) outs(%i : tensor<2x512xf32>) -> tensor<2x512xf32>
      %g = linalg.matmul ins(%p, %w : tensor<2x512xf32>, tensor<512x512xf32>) outs(%f : tensor<2x512xf32>) -> tensor<2x512xf32>
      attn.yield %g : tensor<2x512xf32>
    } -> tensor<2x512x16xf32>
  return %y : tensor<2x512x16xf32>
}
