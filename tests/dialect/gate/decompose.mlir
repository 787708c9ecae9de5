// RUN: heed-opt %s --heed-decompose --canonicalize | FileCheck %s

// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[NC:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
// CHECK-DAG: #[[NHW:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>

// CHECK-LABEL: func @mean_then_scale
// CHECK-SAME: (%[[X:.*]]: tensor<1x64x56x56xf32>, %[[W:.*]]: tensor<64x64xf32>, %[[Z:.*]]: tensor<1x64xf32>)
func.func @mean_then_scale(%x: tensor<1x64x56x56xf32>, %w: tensor<64x64xf32>, %z: tensor<1x64xf32>) -> tensor<1x64x56x56xf32> {
  // CHECK-DAG: %[[N:.*]] = arith.constant 3.136000e+03 : f32
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK: %[[INIT:.*]] = linalg.fill ins(%[[ZERO]]
  // CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[ID]], #[[NC]]], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%[[X]] {{.*}} outs(%[[INIT]]
  // CHECK: arith.addf
  // CHECK: %[[AVG:.*]] = linalg.generic {{.*}} ins(%[[SUM]]
  // CHECK: arith.divf %{{.*}}, %[[N]]
  // CHECK: %[[G:.*]] = linalg.matmul ins(%[[AVG]], %[[W]] {{.*}} outs(%[[Z]]
  // CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[NC]], #[[ID]]], {{.*}} ins(%[[X]], %[[G]] {{.*}} outs(%[[X]]
  // CHECK: arith.mulf
  %y = attn.gate ins(%x : tensor<1x64x56x56xf32>) outs(%x : tensor<1x64x56x56xf32>)
      dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x64xf32>):
      %g = linalg.matmul ins(%p, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%z : tensor<1x64xf32>) -> tensor<1x64xf32>
      attn.yield %g : tensor<1x64xf32>
    } -> tensor<1x64x56x56xf32>
  return %y : tensor<1x64x56x56xf32>
}

// The number of pooled elements is computed at run time; the epilogue is cloned.
// CHECK-LABEL: func @dynamic_sizes_and_epilogue
// CHECK-SAME: (%[[X:.*]]: tensor<?x64x?x?xf32>, %[[R:.*]]: tensor<?x64x?x?xf32>, %[[O:.*]]: tensor<?x64x?x?xf32>)
func.func @dynamic_sizes_and_epilogue(%x: tensor<?x64x?x?xf32>, %r: tensor<?x64x?x?xf32>, %init: tensor<?x64x?x?xf32>) -> tensor<?x64x?x?xf32> {
  // CHECK-DAG: %[[NINF:.*]] = arith.constant 0xFF800000 : f32
  // CHECK-DAG: %[[H:.*]] = tensor.dim %[[X]], %c2
  // CHECK-DAG: %[[W:.*]] = tensor.dim %[[X]], %c3
  // CHECK: arith.addf
  // CHECK: %[[HW:.*]] = arith.muli %[[H]], %[[W]]
  // CHECK: %[[I:.*]] = arith.index_cast %[[HW]]
  // CHECK: %[[N:.*]] = arith.sitofp %[[I]]
  // CHECK: arith.divf %{{.*}}, %[[N]]
  // CHECK: linalg.fill ins(%[[NINF]]
  // CHECK: arith.maximumf
  // CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[NC]], #[[ID]], #[[ID]]]{{.*}} outs(%[[O]]
  // CHECK: arith.mulf
  // CHECK: arith.addf
  %y = attn.gate ins(%x, %r : tensor<?x64x?x?xf32>, tensor<?x64x?x?xf32>) outs(%init : tensor<?x64x?x?xf32>)
      dimensions = [2, 3] pools = [avg, max] excite {
    ^bb0(%a: tensor<?x64xf32>, %m: tensor<?x64xf32>):
      %g = linalg.add ins(%a, %m : tensor<?x64xf32>, tensor<?x64xf32>) outs(%a : tensor<?x64xf32>) -> tensor<?x64xf32>
      attn.yield %g : tensor<?x64xf32>
    } epilogue {
    ^bb0(%xi: f32, %g: f32, %ri: f32):
      %0 = arith.mulf %xi, %g : f32
      %1 = arith.addf %0, %ri : f32
      attn.yield %1 : f32
    } -> tensor<?x64x?x?xf32>
  return %y : tensor<?x64x?x?xf32>
}

// Half precision is summed in f32; a pool over channels is a spatial gate.
// CHECK-LABEL: func @spatial_gate_in_half
func.func @spatial_gate_in_half(%x: tensor<2x16x7x7xf16>, %init: tensor<2x16x7x7xf16>) -> tensor<2x16x7x7xf16> {
  // CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[NHW]]], iterator_types = ["parallel", "reduction", "parallel", "parallel"]}
  // CHECK: %[[E:.*]] = arith.extf %{{.*}} : f16 to f32
  // CHECK: arith.addf %[[E]], %{{.*}} : f32
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  // CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[NHW]], #[[ID]]]
  %y = attn.gate ins(%x : tensor<2x16x7x7xf16>) outs(%init : tensor<2x16x7x7xf16>)
      dimensions = [1] pools = [sum] excite {
    ^bb0(%p: tensor<2x7x7xf16>):
      attn.yield %p : tensor<2x7x7xf16>
    } -> tensor<2x16x7x7xf16>
  return %y : tensor<2x16x7x7xf16>
}
