// RUN: heed-opt %s --split-input-file --remarks-filter='heed-lower' --verify-diagnostics --heed-lower-layers | FileCheck %s

// A layer that is called twice stays a function.
// CHECK-LABEL: func private @layer
// CHECK-SAME: attributes {no_inline}
func.func private @layer(%x: tensor<4xf32>, %w: tensor<4xf32> {attn.constant}) -> tensor<4xf32> {
  %0 = arith.mulf %x, %w : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @layer(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = call @layer(%0, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func private @once
// CHECK-NOT: no_inline
// expected-remark @below {{expected a layer that is called again, got one call}}
func.func private @once(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @once(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func private @in_a_loop
// CHECK-NOT: no_inline
// expected-remark @below {{expected calls outside of loops and of other layers}}
func.func private @in_a_loop(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = call @in_a_loop(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = scf.for %i = %c0 to %n step %c1 iter_args(%y = %0) -> tensor<4xf32> {
    %2 = func.call @in_a_loop(%y) : (tensor<4xf32>) -> tensor<4xf32>
    scf.yield %2 : tensor<4xf32>
  }
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func private @convolution
// CHECK-NOT: no_inline
// expected-remark @below {{expected a layer without convolutions and pools}}
func.func private @convolution(%x: tensor<1x9xf32>, %w: tensor<1xf32>) -> tensor<1x9xf32> {
  %e = tensor.empty() : tensor<1x9xf32>
  %k = tensor.expand_shape %w [[0, 1, 2]] output_shape [1, 1, 1] : tensor<1xf32> into tensor<1x1x1xf32>
  %i = tensor.expand_shape %x [[0], [1, 2]] output_shape [1, 1, 9] : tensor<1x9xf32> into tensor<1x1x9xf32>
  %o = tensor.expand_shape %e [[0], [1, 2]] output_shape [1, 1, 9] : tensor<1x9xf32> into tensor<1x1x9xf32>
  %0 = linalg.conv_1d_ncw_fcw ins(%i, %k : tensor<1x1x9xf32>, tensor<1x1x1xf32>) outs(%o : tensor<1x1x9xf32>) -> tensor<1x1x9xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2]] : tensor<1x1x9xf32> into tensor<1x9xf32>
  return %1 : tensor<1x9xf32>
}
func.func @main(%x: tensor<1x9xf32>, %w: tensor<1xf32>) -> tensor<1x9xf32> {
  %0 = call @convolution(%x, %w) : (tensor<1x9xf32>, tensor<1xf32>) -> tensor<1x9xf32>
  %1 = call @convolution(%0, %w) : (tensor<1x9xf32>, tensor<1xf32>) -> tensor<1x9xf32>
  return %1 : tensor<1x9xf32>
}
