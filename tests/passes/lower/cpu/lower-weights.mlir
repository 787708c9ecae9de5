// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-weights | FileCheck %s

// Large constants and resources go into the table, once each; small ones stay.
// CHECK: module attributes {attn.weights = [dense<1.000000e+00> : tensor<512xf32>, dense_resource<resource> : tensor<2xf32>]}
// CHECK-NOT: memref.global {{.*}} @large
// CHECK-NOT: memref.global {{.*}} @resource
// CHECK: memref.global "private" constant @small
memref.global "private" constant @large : memref<512xf32> = dense<1.0>
memref.global "private" constant @small : memref<4xf32> = dense<2.0>
memref.global "private" constant @resource : memref<2xf32> = dense_resource<resource>

// CHECK-LABEL: func @table
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr
// CHECK: %[[ONE:.*]] = arith.constant 1 : i64
// CHECK: llvm.call @heed_weight(%[[CTX]], %[[ONE]])
// CHECK: %[[RESOURCE:.*]] = memref.view %{{.*}} : memref<?xi8> to memref<2xf32>
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK: llvm.call @heed_weight(%[[CTX]], %[[ZERO]])
// CHECK: %[[LARGE:.*]] = memref.view %{{.*}} : memref<?xi8> to memref<512xf32>
// CHECK-NOT: llvm.call @heed_weight
// CHECK: %[[SMALL:.*]] = memref.get_global @small
// CHECK: memref.load %[[LARGE]]
// CHECK: memref.load %[[SMALL]]
// CHECK: memref.load %[[RESOURCE]]
// CHECK: memref.load %[[LARGE]]
func.func @table(%ctx: !llvm.ptr) -> (f32, f32, f32, f32) {
  %c0 = arith.constant 0 : index
  %large = memref.get_global @large : memref<512xf32>
  %small = memref.get_global @small : memref<4xf32>
  %resource = memref.get_global @resource : memref<2xf32>
  %again = memref.get_global @large : memref<512xf32>
  %0 = memref.load %large[%c0] : memref<512xf32>
  %1 = memref.load %small[%c0] : memref<4xf32>
  %2 = memref.load %resource[%c0] : memref<2xf32>
  %3 = memref.load %again[%c0] : memref<512xf32>
  return %0, %1, %2, %3 : f32, f32, f32, f32
}

{-# dialect_resources: { builtin: { resource: "0x040000000000803F00000040" } } #-}

// -----

// Memory that is written is no constant.
// CHECK: module attributes {attn.weights = []}
// CHECK: memref.global "private" @state
memref.global "private" @state : memref<512xf32> = dense<1.0>
func.func @variable(%ctx: !llvm.ptr) -> memref<512xf32> {
  %0 = memref.get_global @state : memref<512xf32>
  return %0 : memref<512xf32>
}

// -----

memref.global "private" constant @large : memref<512xf32> = dense<1.0>
func.func @no_context() -> memref<512xf32> {
  // expected-error @below {{expected a lowered entry (heed-lower-entry) around it}}
  %0 = memref.get_global @large : memref<512xf32>
  return %0 : memref<512xf32>
}

// -----

// The weights of a layer stand in rows, one for each call. The bias is used
// twice: it stays an argument.
// CHECK: module attributes {attn.weights = [dense<1.000000e+00> : tensor<4xf32>, dense<2.000000e+00> : tensor<8xf32>, dense<3.000000e+00> : tensor<4xf32>, dense<4.000000e+00> : tensor<8xf32>]}
memref.global "private" constant @v0 : memref<4xf32> = dense<1.0>
memref.global "private" constant @w0 : memref<8xf32> = dense<2.0>
memref.global "private" constant @v1 : memref<4xf32> = dense<3.0>
memref.global "private" constant @w1 : memref<8xf32> = dense<4.0>
memref.global "private" constant @bias : memref<4xf32> = dense<5.0>

// CHECK-LABEL: func private @layer
// CHECK-SAME: (%[[CTX:.*]]: !llvm.ptr, %[[BIAS:.*]]: memref<4xf32>, %[[ROW:.*]]: i64)
// CHECK: %[[FIRST:.*]] = arith.addi %[[ROW]], %c0_i64
// CHECK: llvm.call @heed_weight(%[[CTX]], %[[FIRST]])
// CHECK: %[[V:.*]] = memref.view %{{.*}} : memref<?xi8> to memref<4xf32>
// CHECK: %[[SECOND:.*]] = arith.addi %[[ROW]], %c1_i64
// CHECK: llvm.call @heed_weight(%[[CTX]], %[[SECOND]])
// CHECK: %[[W:.*]] = memref.view %{{.*}} : memref<?xi8> to memref<8xf32>
// CHECK: memref.copy %[[BIAS]], %[[V]]
// CHECK: memref.copy %[[W]], %[[W]]
func.func private @layer(%ctx: !llvm.ptr, %v: memref<4xf32>, %bias: memref<4xf32>, %w: memref<8xf32>) -> i32 {
  %ok = arith.constant 0 : i32
  memref.copy %bias, %v : memref<4xf32> to memref<4xf32>
  memref.copy %w, %w : memref<8xf32> to memref<8xf32>
  return %ok : i32
}
// CHECK-LABEL: func @main
// CHECK: %[[BIAS:.*]] = memref.get_global @bias
// CHECK: call @layer(%{{.*}}, %[[BIAS]], %c0_i64)
// CHECK: call @layer(%{{.*}}, %[[BIAS]], %c2_i64)
func.func @main(%ctx: !llvm.ptr) {
  %v0 = memref.get_global @v0 : memref<4xf32>
  %w0 = memref.get_global @w0 : memref<8xf32>
  %v1 = memref.get_global @v1 : memref<4xf32>
  %w1 = memref.get_global @w1 : memref<8xf32>
  %bias = memref.get_global @bias : memref<4xf32>
  call @layer(%ctx, %v0, %bias, %w0) : (!llvm.ptr, memref<4xf32>, memref<4xf32>, memref<8xf32>) -> i32
  call @layer(%ctx, %v1, %bias, %w1) : (!llvm.ptr, memref<4xf32>, memref<4xf32>, memref<8xf32>) -> i32
  return
}
