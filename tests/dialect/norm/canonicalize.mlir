// RUN: heed-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @neutral_parameters_dropped
// CHECK: attn.norm layer ins(%{{.*}} : tensor<4x8xf32>) outs(
func.func @neutral_parameters_dropped(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %ones = arith.constant dense<1.0> : tensor<8xf32>
  %zeros = arith.constant dense<0.0> : tensor<8xf32>
  %y = attn.norm layer ins(%x : tensor<4x8xf32>) weight(%ones : tensor<8xf32>) over [1] bias(%zeros : tensor<8xf32>) over [1]
      outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 1.0e-5 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: func @other_parameters_stay
// CHECK: weight(%{{.*}}) over [1] bias(%{{.*}}) over [1]
func.func @other_parameters_stay(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<8xf32>
  %ones = arith.constant dense<1.0> : tensor<8xf32>
  %y = attn.norm layer ins(%x : tensor<4x8xf32>) weight(%zeros : tensor<8xf32>) over [1] bias(%ones : tensor<8xf32>) over [1]
      outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 1.0e-5 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: func @unit_dimension_dropped
// CHECK: dimensions = [2]
func.func @unit_dimension_dropped(%x: tensor<4x1x8xf32>) -> tensor<4x1x8xf32> {
  %y = attn.norm rms ins(%x : tensor<4x1x8xf32>) outs(%x : tensor<4x1x8xf32>) dimensions = [1, 2] epsilon = 1.0e-5 -> tensor<4x1x8xf32>
  return %y : tensor<4x1x8xf32>
}

// CHECK-LABEL: func @only_unit_dimension_stays
// CHECK: dimensions = [1]
func.func @only_unit_dimension_stays(%x: tensor<4x1x8xf32>) -> tensor<4x1x8xf32> {
  %y = attn.norm rms ins(%x : tensor<4x1x8xf32>) outs(%x : tensor<4x1x8xf32>) dimensions = [1] epsilon = 1.0e-5 -> tensor<4x1x8xf32>
  return %y : tensor<4x1x8xf32>
}
