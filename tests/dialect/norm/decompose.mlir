// RUN: heed-opt %s --heed-decompose --canonicalize | FileCheck %s

// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>

// The variance is that of the centred values: nothing cancels.
// CHECK-LABEL: func @layer
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>, %[[W:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>)
func.func @layer(%x: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  // CHECK-DAG: %[[N:.*]] = arith.constant 8.000000e+00 : f32
  // CHECK-DAG: %[[EPSILON:.*]] = arith.constant 9.99999974E-6 : f32
  // CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[ID]], #[[ROW]]], iterator_types = ["parallel", "reduction"]} ins(%[[X]]
  // CHECK: %[[MEAN:.*]] = linalg.generic {{.*}} ins(%[[SUM]]
  // CHECK: arith.divf %{{.*}}, %[[N]]
  // CHECK: %[[SQUARES:.*]] = linalg.generic {indexing_maps = [#[[ID]], #[[ROW]], #[[ROW]]], iterator_types = ["parallel", "reduction"]} ins(%[[X]], %[[MEAN]]
  // CHECK: %[[D:.*]] = arith.subf
  // CHECK: arith.mulf %[[D]], %[[D]]
  // CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%[[SQUARES]]
  // CHECK: arith.divf %{{.*}}, %[[N]]
  // CHECK: arith.addf %{{.*}}, %[[EPSILON]]
  // CHECK: math.rsqrt
  // CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[ROW]], #[[ROW]], #[[COLUMN]], #[[COLUMN]], #[[ID]]], iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[R]], %[[MEAN]], %[[W]], %[[B]] {{.*}} outs(%[[X]]
  // CHECK: arith.subf
  // CHECK: arith.mulf
  // CHECK: arith.mulf
  // CHECK: arith.addf
  %y = attn.norm layer ins(%x : tensor<4x8xf32>) weight(%w : tensor<8xf32>) over [1] bias(%b : tensor<8xf32>) over [1]
      outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 1.0e-5 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// No mean; half precision is computed in f32; the count is a run-time size.
// CHECK-LABEL: func @rms_in_half
// CHECK-SAME: (%[[X:.*]]: tensor<4x?xf16>, %[[O:.*]]: tensor<4x?xf16>)
func.func @rms_in_half(%x: tensor<4x?xf16>, %o: tensor<4x?xf16>) -> tensor<4x?xf16> {
  // CHECK: %[[SIZE:.*]] = tensor.dim %[[X]], %c1
  // CHECK: %[[N:.*]] = arith.sitofp
  // CHECK-NOT: arith.subf
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: arith.mulf
  // CHECK: arith.divf %{{.*}}, %[[N]]
  // CHECK: math.rsqrt
  // CHECK: linalg.generic {{.*}} outs(%[[O]]
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  %y = attn.norm rms ins(%x : tensor<4x?xf16>) outs(%o : tensor<4x?xf16>) dimensions = [1] epsilon = 1.0e-6 -> tensor<4x?xf16>
  return %y : tensor<4x?xf16>
}
