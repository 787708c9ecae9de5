// RUN: heed-opt %s --heed-normalize-calls | FileCheck %s

// CHECK-NOT: @relu
func.func private @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %y = arith.maximumf %x, %zero : tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func private @kept
func.func private @kept(%x: tensor<4xf32>) -> tensor<4xf32> attributes {no_inline} {
  %y = arith.addf %x, %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func @main
// CHECK: %[[Y:.*]] = arith.maximumf
// CHECK: %[[Z:.*]] = call @kept(%[[Y]])
// CHECK: return %[[Z]]
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = call @relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %z = call @kept(%y) : (tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}
