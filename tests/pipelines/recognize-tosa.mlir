// RUN: heed-opt %s --heed-normalize-pipeline --heed-recognize-pipeline | FileCheck %s

// A squeeze-and-excitation block in TOSA: no tosa is left after normalize, and
// the gate is one op.
// CHECK-NOT: tosa.
// CHECK: attn.gate {{.*}} dimensions = [1, 2] pools = [avg]
// CHECK-NOT: linalg.reduce
func.func @main(%x: tensor<2x8x6x16xf32>, %w: tensor<16x1x1x16xf32>) -> tensor<2x8x6x16xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %bias = "tosa.const"() <{values = dense<0.5> : tensor<16xf32>}> : () -> tensor<16xf32>
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %n = "tosa.const"() <{values = dense<0.020833334> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %0 = tosa.reduce_sum %x {axis = 1 : i32} : (tensor<2x8x6x16xf32>) -> tensor<2x1x6x16xf32>
  %1 = tosa.reduce_sum %0 {axis = 2 : i32} : (tensor<2x1x6x16xf32>) -> tensor<2x1x1x16xf32>
  %2 = tosa.mul %1, %n, %shift : (tensor<2x1x1x16xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<2x1x1x16xf32>
  %3 = tosa.conv2d %2, %w, %bias, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<2x1x1x16xf32>, tensor<16x1x1x16xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x1x1x16xf32>
  %4 = tosa.sigmoid %3 : (tensor<2x1x1x16xf32>) -> tensor<2x1x1x16xf32>
  %5 = tosa.mul %x, %4, %shift : (tensor<2x8x6x16xf32>, tensor<2x1x1x16xf32>, tensor<1xi8>) -> tensor<2x8x6x16xf32>
  return %5 : tensor<2x8x6x16xf32>
}
