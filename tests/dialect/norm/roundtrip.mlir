// RUN: heed-opt %s | heed-opt | FileCheck %s

// CHECK-LABEL: func @layer_norm_of_tokens
func.func @layer_norm_of_tokens(%x: tensor<1x128x768xf32>, %w: tensor<768xf32>, %b: tensor<768xf32>) -> tensor<1x128x768xf32> {
  // CHECK: attn.norm layer ins(%{{.*}} : tensor<1x128x768xf32>) weight(%{{.*}} : tensor<768xf32>) over [2] bias(%{{.*}} : tensor<768xf32>) over [2]
  // CHECK-SAME: outs(%{{.*}} : tensor<1x128x768xf32>) dimensions = [2] epsilon = 1.000000e-05 -> tensor<1x128x768xf32>
  %y = attn.norm layer ins(%x : tensor<1x128x768xf32>) weight(%w : tensor<768xf32>) over [2] bias(%b : tensor<768xf32>) over [2]
      outs(%x : tensor<1x128x768xf32>) dimensions = [2] epsilon = 1.000000e-05 -> tensor<1x128x768xf32>
  return %y : tensor<1x128x768xf32>
}

// CHECK-LABEL: func @rms_norm_without_parameters
func.func @rms_norm_without_parameters(%x: tensor<?x?x64xf16>, %o: tensor<?x?x64xf16>) -> tensor<?x?x64xf16> {
  // CHECK: attn.norm rms ins(%{{.*}} : tensor<?x?x64xf16>) outs(%{{.*}} : tensor<?x?x64xf16>) dimensions = [2] epsilon = 1.000000e-05 -> tensor<?x?x64xf16>
  %y = attn.norm rms ins(%x : tensor<?x?x64xf16>) outs(%o : tensor<?x?x64xf16>) dimensions = [2] epsilon = 1.0e-5 -> tensor<?x?x64xf16>
  return %y : tensor<?x?x64xf16>
}

// Groups are a dimension of their own; scale and shift are those of channels.
// CHECK-LABEL: func @group_norm
func.func @group_norm(%x: tensor<2x4x8x49xf32>, %w: tensor<4x8xf32>, %b: tensor<4x8xf32>) -> tensor<2x4x8x49xf32> {
  // CHECK: weight(%{{.*}} : tensor<4x8xf32>) over [1, 2] bias(%{{.*}} : tensor<4x8xf32>) over [1, 2]
  // CHECK-SAME: dimensions = [2, 3]
  %y = attn.norm layer ins(%x : tensor<2x4x8x49xf32>) weight(%w : tensor<4x8xf32>) over [1, 2] bias(%b : tensor<4x8xf32>) over [1, 2]
      outs(%x : tensor<2x4x8x49xf32>) dimensions = [2, 3] epsilon = 1.0e-5 -> tensor<2x4x8x49xf32>
  return %y : tensor<2x4x8x49xf32>
}

// CHECK-LABEL: func @on_memrefs
func.func @on_memrefs(%x: memref<1x96x56x56xf32>, %w: memref<96xf32>) {
  // CHECK: attn.norm layer ins(%{{.*}} : memref<1x96x56x56xf32>) weight(%{{.*}} : memref<96xf32>) over [1] outs(%{{.*}} : memref<1x96x56x56xf32>) dimensions = [1] epsilon = 1.000000e-05{{$}}
  attn.norm layer ins(%x : memref<1x96x56x56xf32>) weight(%w : memref<96xf32>) over [1] outs(%x : memref<1x96x56x56xf32>) dimensions = [1] epsilon = 1.0e-5
  return
}
