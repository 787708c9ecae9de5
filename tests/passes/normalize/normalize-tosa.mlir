// RUN: heed-opt %s --heed-normalize-tosa | FileCheck %s

// Named ops, elementwise ops, movement and constants: each of the four steps.
// CHECK-LABEL: func @all_four_steps
// CHECK-NOT: tosa
// CHECK-DAG: arith.constant dense<2.000000e+00>
// CHECK-DAG: tensor.pad
// CHECK-DAG: linalg.generic
// CHECK-DAG: linalg.{{(batch_)?}}matmul
func.func @all_four_steps(%x: tensor<1x4x8xf32>, %w: tensor<1x8x8xf32>) -> tensor<1x6x8xf32> {
  %two = "tosa.const"() {values = dense<2.0> : tensor<1x1x1xf32>} : () -> tensor<1x1x1xf32>
  %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %pad = tosa.const_shape {values = dense<[0, 0, 1, 1, 0, 0]> : tensor<6xindex>} : () -> !tosa.shape<6>
  %0 = tosa.matmul %x, %w, %zp, %zp : (tensor<1x4x8xf32>, tensor<1x8x8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x8xf32>
  %1 = tosa.add %0, %two : (tensor<1x4x8xf32>, tensor<1x1x1xf32>) -> tensor<1x4x8xf32>
  %2 = tosa.pad %1, %pad, %zero : (tensor<1x4x8xf32>, !tosa.shape<6>, tensor<1xf32>) -> tensor<1x6x8xf32>
  return %2 : tensor<1x6x8xf32>
}
