// RUN: heed-opt %s --heed-lower-layers=inline-all | FileCheck %s

// A profile wants each layer's own code.
// CHECK-NOT: no_inline
func.func private @layer(%x: tensor<4xf32>) -> tensor<4xf32> attributes {no_inline} {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @layer(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = call @layer(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
