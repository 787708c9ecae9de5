// lower-onednn-post-ops.mlir - activations behind a product, in many spellings.
// RUN: heed-opt %s --heed-lower-onednn --canonicalize | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>
#col = affine_map<(m, n) -> (n)>
#row = affine_map<(m, n) -> (m)>

// CHECK-LABEL: @clip
// CHECK: post_ops = [#attn.post_op<clip, -1.000000e+00, 6.000000e+00>]
func.func @clip(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %six = arith.constant 6.0 : f32
  %low = arith.constant -1.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.minimumf %six, %x : f32
    %2 = arith.maximumf %1, %low : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @leaky_relu
// CHECK: post_ops = [#attn.post_op<relu, 0.1000000{{[0-9]*}}>]
func.func @leaky_relu(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant 1.000000e-01 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.mulf %x, %k : f32
    %2 = arith.cmpf ogt, %x, %zero : f32
    %3 = arith.select %2, %x, %1 : f32
    linalg.yield %3 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @sigmoid
// CHECK: post_ops = [#attn.post_op<sigmoid>]
func.func @sigmoid(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.negf %x : f32
    %2 = math.exp %1 : f32
    %3 = arith.addf %one, %2 : f32
    %4 = arith.divf %one, %3 : f32
    linalg.yield %4 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @swish
// CHECK: post_ops = [#attn.post_op<swish, 1.000000e+00>]
func.func @swish(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.negf %x : f32
    %2 = math.exp %1 : f32
    %3 = arith.addf %2, %one : f32
    %4 = arith.divf %one, %3 : f32
    %5 = arith.mulf %4, %x : f32
    linalg.yield %5 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @hard_sigmoid
// CHECK: post_ops = [#attn.post_op<hard_sigmoid, {{2.0000000[0-9]*e-01|2.000000e-01|0.2[0-9]*}}, 5.000000e-01>]
func.func @hard_sigmoid(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant 2.000000e-01 : f32
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.mulf %x, %k : f32
    %2 = arith.addf %1, %half : f32
    %3 = arith.maximumf %2, %zero : f32
    %4 = arith.minimumf %3, %one : f32
    linalg.yield %4 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @hard_swish
// CHECK: post_ops = [#attn.post_op<hard_swish, {{0.16[0-9]*|1.6[0-9]*e-01}}, 5.000000e-01>]
func.func @hard_swish(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %three = arith.constant 3.0 : f32
  %six = arith.constant 6.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.addf %x, %three : f32
    %2 = arith.maximumf %1, %zero : f32
    %3 = arith.minimumf %2, %six : f32
    %4 = arith.mulf %x, %3 : f32
    %5 = arith.divf %4, %six : f32
    linalg.yield %5 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @gelu_erf
// CHECK: post_ops = [#attn.post_op<gelu_erf>]
func.func @gelu_erf(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %root = arith.constant 1.41421354 : f32
  %one = arith.constant 1.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.divf %x, %root : f32
    %2 = math.erf %1 : f32
    %3 = arith.addf %2, %one : f32
    %4 = arith.mulf %x, %3 : f32
    %5 = arith.mulf %4, %half : f32
    linalg.yield %5 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @gelu_tanh
// CHECK: post_ops = [#attn.post_op<gelu_tanh>]
func.func @gelu_tanh(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %three = arith.constant 3.0 : f32
  %k = arith.constant 0.044715 : f32
  %root = arith.constant 0.797884583 : f32
  %one = arith.constant 1.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = math.powf %x, %three : f32
    %2 = arith.mulf %1, %k : f32
    %3 = arith.addf %x, %2 : f32
    %4 = arith.mulf %3, %root : f32
    %5 = math.tanh %4 : f32
    %6 = arith.addf %5, %one : f32
    %7 = arith.mulf %half, %x : f32
    %8 = arith.mulf %7, %6 : f32
    linalg.yield %8 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @elu
// CHECK: post_ops = [#attn.post_op<elu, 1.000000e+00>]
func.func @elu(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = math.exp %x : f32
    %2 = arith.subf %1, %one : f32
    %3 = arith.cmpf olt, %x, %zero : f32
    %4 = arith.select %3, %2, %x : f32
    linalg.yield %4 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @difference_from_a_tensor
// CHECK: attn.primitive matmul {{.*}} post(%arg2 : tensor<2x3xf32>)
// CHECK: post_ops = [#attn.post_op<linear, -1.000000e+00>, #attn.post_op<add>, #attn.post_op<tanh>]
func.func @difference_from_a_tensor(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>, %r: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %r : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %re: f32, %o: f32):
    %1 = arith.subf %re, %x : f32
    %2 = math.tanh %1 : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @scale_of_columns
// CHECK: layouts = {{\[\[}}0, 1], [0, 1], [-1, 0], [0, 1]]
// CHECK: post_ops = [#attn.post_op<mul>, #attn.post_op<square>]
func.func @scale_of_columns(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %s : tensor<2x3xf32>, tensor<3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %se: f32, %o: f32):
    %1 = arith.mulf %se, %x : f32
    %2 = arith.mulf %1, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @front_only
// CHECK: %[[P:.*]] = attn.primitive matmul
// CHECK: post_ops = [#attn.post_op<relu>]
// CHECK: linalg.generic {{.*}} ins(%[[P]]
// CHECK-NOT: maximumf
// CHECK: math.sin
func.func @front_only(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.maximumf %x, %zero : f32
    %2 = math.sin %1 : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @no_scale_of_rows
// CHECK-NOT: post_ops
// CHECK: linalg.generic
func.func @no_scale_of_rows(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>, %s: tensor<2xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %s : tensor<2x3xf32>, tensor<2xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %se: f32, %o: f32):
    %1 = arith.mulf %se, %x : f32
    linalg.yield %1 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// The value before the activation is used, too.
// CHECK-LABEL: @no_absorption_of_a_shared_result
// CHECK-NOT: post_ops
// CHECK: linalg.generic
func.func @no_absorption_of_a_shared_result(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.maximumf %x, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<2x3xf32>
  return %p, %y : tensor<2x3xf32>, tensor<2x3xf32>
}

// Swish as two ops: the sigmoid and a product with its operand.
// CHECK-LABEL: @swish_in_two_ops
// CHECK: post_ops = [#attn.post_op<swish, 1.000000e+00>]
// CHECK-NOT: linalg.generic
func.func @swish_in_two_ops(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.negf %x : f32
    %2 = math.exp %1 : f32
    %3 = arith.addf %2, %one : f32
    %4 = arith.divf %one, %3 : f32
    linalg.yield %4 : f32
  } -> tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %s : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%x: f32, %g: f32, %o: f32):
    %1 = arith.mulf %x, %g : f32
    linalg.yield %1 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// A linear layer on tokens as an exporter writes it, rows together and apart
// again; then sequence and batch change places, and a residual is added.
// CHECK-LABEL: @rows_taken_apart
// CHECK-SAME: (%[[A:.*]]: tensor<5x2x4xf32>, %[[B:.*]]: tensor<4x3xf32>, %[[R:.*]]: tensor<2x5x3xf32>)
// CHECK: attn.primitive matmul ins(%[[A]], %[[B]] : tensor<5x2x4xf32>, tensor<4x3xf32>) post(%[[R]] : tensor<2x5x3xf32>)
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2], [-1, 0, 1], [1, 0, 2], [1, 0, 2]] post_ops = [#attn.post_op<relu>, #attn.post_op<add>]
func.func @rows_taken_apart(%a: tensor<5x2x4xf32>, %b: tensor<4x3xf32>, %r: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
  %zero = arith.constant 0.0 : f32
  %c = tensor.collapse_shape %a [[0, 1], [2]] : tensor<5x2x4xf32> into tensor<10x4xf32>
  %e = tensor.empty() : tensor<10x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<10x3xf32>) -> tensor<10x3xf32>
  %p = linalg.matmul ins(%c, %b : tensor<10x4xf32>, tensor<4x3xf32>) outs(%f : tensor<10x3xf32>) -> tensor<10x3xf32>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<10x3xf32>) outs(%e : tensor<10x3xf32>) {
  ^bb0(%x: f32, %o: f32):
    %1 = arith.maximumf %x, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<10x3xf32>
  %g = tensor.expand_shape %q [[0, 1], [2]] output_shape [5, 2, 3] : tensor<10x3xf32> into tensor<5x2x3xf32>
  %t0 = tensor.empty() : tensor<2x5x3xf32>
  %t = linalg.transpose ins(%g : tensor<5x2x3xf32>) outs(%t0 : tensor<2x5x3xf32>) permutation = [1, 0, 2]
  %y = linalg.add ins(%r, %t : tensor<2x5x3xf32>, tensor<2x5x3xf32>) outs(%t0 : tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  return %y : tensor<2x5x3xf32>
}

// Columns are taken apart into heads: a view behind the product, as it was.
// CHECK-LABEL: @columns_taken_apart
// CHECK: attn.primitive matmul {{.*}} outs({{.*}} : tensor<10x6xf32>)
// CHECK: tensor.expand_shape
func.func @columns_taken_apart(%a: tensor<10x4xf32>, %b: tensor<4x6xf32>) -> tensor<10x2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<10x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<10x6xf32>) -> tensor<10x6xf32>
  %p = linalg.matmul ins(%a, %b : tensor<10x4xf32>, tensor<4x6xf32>) outs(%f : tensor<10x6xf32>) -> tensor<10x6xf32>
  %g = tensor.expand_shape %p [[0], [1, 2]] output_shape [10, 2, 3] : tensor<10x6xf32> into tensor<10x2x3xf32>
  return %g : tensor<10x2x3xf32>
}

// Named ops: a bias by linalg.broadcast, a sum, an activation by linalg.map.
// CHECK-LABEL: @named_ops
// CHECK-SAME: %[[C:[a-z0-9]+]]: tensor<3xf32>
// CHECK: attn.primitive matmul {{.*}} post(%[[C]] : tensor<3xf32>)
// CHECK-SAME: post_ops = [#attn.post_op<add>, #attn.post_op<tanh>]
func.func @named_ops(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>, %c: tensor<3xf32>) -> tensor<2x3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %p = linalg.matmul ins(%a, %b : tensor<2x4xf32>, tensor<4x3xf32>) outs(%f : tensor<2x3xf32>) -> tensor<2x3xf32>
  %cb = linalg.broadcast ins(%c : tensor<3xf32>) outs(%e : tensor<2x3xf32>) dimensions = [0]
  %s = linalg.add ins(%p, %cb : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.map { math.tanh } ins(%s : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>)
  return %y : tensor<2x3xf32>
}
