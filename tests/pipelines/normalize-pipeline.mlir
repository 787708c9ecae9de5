// RUN: heed-opt %s --heed-normalize-pipeline | FileCheck %s

// The contract of normalize: no tosa, shape arithmetic folded, one value for
// equal things.
// CHECK-NOT: tosa.

// CHECK-LABEL: func @tosa_gate
// CHECK: linalg.
func.func @tosa_gate(%x: tensor<2x6x8x16xf32>) -> tensor<2x6x8x16xf32> {
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %n = "tosa.const"() <{values = dense<0.125> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %0 = tosa.reduce_sum %x {axis = 2 : i32} : (tensor<2x6x8x16xf32>) -> tensor<2x6x1x16xf32>
  %1 = tosa.mul %0, %n, %shift : (tensor<2x6x1x16xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<2x6x1x16xf32>
  %2 = tosa.sigmoid %1 : (tensor<2x6x1x16xf32>) -> tensor<2x6x1x16xf32>
  %3 = tosa.mul %x, %2, %shift : (tensor<2x6x8x16xf32>, tensor<2x6x1x16xf32>, tensor<1xi8>) -> tensor<2x6x8x16xf32>
  return %3 : tensor<2x6x8x16xf32>
}

// CHECK-LABEL: func @tosa_attention
// CHECK: linalg.batch_matmul
// CHECK: math.exp
// CHECK: linalg.batch_matmul
func.func @tosa_attention(%q: tensor<8x16x64xf32>, %k: tensor<8x64x16xf32>, %v: tensor<8x16x64xf32>) -> tensor<8x16x64xf32> {
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s = tosa.matmul %q, %k, %zero, %zero : (tensor<8x16x64xf32>, tensor<8x64x16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<8x16x16xf32>
  %m = tosa.reduce_max %s {axis = 2 : i32} : (tensor<8x16x16xf32>) -> tensor<8x16x1xf32>
  %d = tosa.sub %s, %m : (tensor<8x16x16xf32>, tensor<8x16x1xf32>) -> tensor<8x16x16xf32>
  %e = tosa.exp %d : (tensor<8x16x16xf32>) -> tensor<8x16x16xf32>
  %n = tosa.reduce_sum %e {axis = 2 : i32} : (tensor<8x16x16xf32>) -> tensor<8x16x1xf32>
  %r = tosa.reciprocal %n : (tensor<8x16x1xf32>) -> tensor<8x16x1xf32>
  %p = tosa.mul %e, %r, %shift : (tensor<8x16x16xf32>, tensor<8x16x1xf32>, tensor<1xi8>) -> tensor<8x16x16xf32>
  %o = tosa.matmul %p, %v, %zero, %zero : (tensor<8x16x16xf32>, tensor<8x16x64xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<8x16x64xf32>
  return %o : tensor<8x16x64xf32>
}

// CHECK-LABEL: func @equal_reshapes_are_one
// CHECK: %[[E:.*]] = tensor.expand_shape
// CHECK-NOT: tensor.expand_shape
// CHECK: return %[[E]], %[[E]]
func.func @equal_reshapes_are_one(%x: tensor<8xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %0 = tensor.expand_shape %x [[0, 1]] output_shape [2, 4] : tensor<8xf32> into tensor<2x4xf32>
  %1 = tensor.expand_shape %x [[0, 1]] output_shape [2, 4] : tensor<8xf32> into tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: func @sizes_are_folded
// CHECK-NOT: arith.muli
// CHECK: return %c32
func.func @sizes_are_folded(%x: tensor<4x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = tensor.dim %x, %c0 : tensor<4x8xf32>
  %b = tensor.dim %x, %c1 : tensor<4x8xf32>
  %0 = arith.muli %a, %b : index
  return %0 : index
}

// An activation in a function of its own is inlined: what it is part of shows.
// CHECK-LABEL: func @function_of_its_own
// CHECK-NEXT: tensor.empty
// CHECK-NEXT: linalg.tanh
// CHECK-NOT: call
// CHECK-NOT: func
func.func @function_of_its_own(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = call @activation(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func private @activation(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.tanh ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
