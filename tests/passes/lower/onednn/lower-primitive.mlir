// RUN: heed-opt %s --heed-lower-primitive --split-input-file --verify-diagnostics | FileCheck %s

// The record: version 2, matmul, f32, no spatial dims, four operands, one post-op;
// then each operand's role, whether it is constant, its rank and its layout.
// CHECK: memref.global "private" constant @heed_site_0 : memref<34xi64> = dense<[2, 0, 0, 0, 4, 1,
// CHECK-SAME: 0, 0, 2, 2, 0, 1,
// CHECK-SAME: 1, 1, 2, 2, 0, 1,
// CHECK-SAME: 3, 0, 1, 2, -1, 0,
// CHECK-SAME: 4, 0, 2, 2, 0, 1,
// CHECK-SAME: 16, 0, 0, 2]>
// CHECK: func.func private @heed_onednn_primitive(!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[CONTEXT:.*]]: !llvm.ptr, %[[A:.*]]: memref<?x8xf32, strided<[?, 1], offset: ?>>
// CHECK: %[[CALL:.*]] = memref.alloca() : memref<18xi64>
// CHECK: %[[BASE:.*]], %[[OFFSET:.*]], %[[SIZES:.*]]:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[A]]
// CHECK: memref.store %{{.*}}, %[[CALL]][%c0]
// CHECK: call @heed_onednn_primitive(%[[CONTEXT]], %{{.*}}, %{{.*}})
// CHECK-NOT: attn.primitive
memref.global "private" constant @weights : memref<8x4xf32> = dense<1.0>
func.func @main(%context: !llvm.ptr, %a: memref<?x8xf32, strided<[?, 1], offset: ?>>, %s: memref<4xf32>, %c: memref<?x4xf32>) {
  %w = memref.get_global @weights : memref<8x4xf32>
  attn.primitive matmul ins(%a, %w : memref<?x8xf32, strided<[?, 1], offset: ?>>, memref<8x4xf32>) post(%s : memref<4xf32>) outs(%c : memref<?x4xf32>)
      layouts = [[0, 1], [0, 1], [-1, 0], [0, 1]] post_ops = [#attn.post_op<sub>]
  return
}

// -----

// Of f16, on a GPU where it has a library.
// CHECK: memref.global "private" constant @heed_site_0 : memref<24xi64> = dense<[2, 0, 1, 0, 3, 0,
// CHECK-LABEL: func.func @device
// CHECK: call @heed_cuda_primitive
// CHECK-NOT: attn.primitive
func.func @device(%context: !llvm.ptr, %a: memref<4x8xf16>, %w: memref<8x16xf16>, %c: memref<4x16xf16>) {
  attn.primitive matmul ins(%a, %w : memref<4x8xf16>, memref<8x16xf16>) outs(%c : memref<4x16xf16>) layouts = [[0, 1], [0, 1], [0, 1]] {device}
  return
}

// -----

func.func @no_context(%a: memref<2x3xf32>, %b: memref<3x2xf32>) {
  // expected-error @below {{expected a function whose argument 0 is the runtime's context}}
  attn.primitive reorder ins(%a : memref<2x3xf32>) outs(%b : memref<3x2xf32>) layouts = [[0, 1], [1, 0]]
  return
}

// -----

// A layer is one call for each direction: 9 operands, a stride of 1 through
// time and of -1; gates are exchanged in the weights.
// CHECK-DAG: memref.global "private" constant @heed_site_0 : memref<83xi64> = dense<[2, 7, 0, 1, 9, 0, 1, 1, 0, 0, 1, 0, 0, 3, 3, 0, 1, 2,
// CHECK-DAG: memref.global "private" constant @heed_site_1 : memref<83xi64> = dense<[2, 7, 0, 1, 9, 0, -1, 1, 0, 0, 1,
// CHECK-LABEL: func.func @lstm_of_the_library
// CHECK-COUNT-2: call @heed_onednn_primitive
// CHECK-NOT: attn.recurrent
memref.global "private" constant @w : memref<2x64x8xf32> = dense<1.0>
memref.global "private" constant @r : memref<2x64x16xf32> = dense<1.0>
func.func @lstm_of_the_library(%context: !llvm.ptr, %x: memref<5x2x8xf32>, %y: memref<5x2x2x16xf32>, %h: memref<2x2x16xf32>, %c: memref<2x2x16xf32>) {
  %w = memref.get_global @w : memref<2x64x8xf32>
  %r = memref.get_global @r : memref<2x64x16xf32>
  attn.recurrent lstm bidirectional ins(%x : memref<5x2x8xf32>) input_weights(%w : memref<2x64x8xf32>) weights(%r : memref<2x64x16xf32>)
      y(%y : memref<5x2x2x16xf32>) h(%h : memref<2x2x16xf32>) c(%c : memref<2x2x16xf32>) {library}
  return
}

// -----

func.func @no_call_because_weights_are_no_constants(%context: !llvm.ptr, %x: memref<5x2x8xf32>, %w: memref<1x16x8xf32>, %r: memref<1x16x16xf32>, %h: memref<1x2x16xf32>) {
  // expected-error @below {{expected weights and biases that are constants}}
  attn.recurrent rnn forward ins(%x : memref<5x2x8xf32>) input_weights(%w : memref<1x16x8xf32>) weights(%r : memref<1x16x16xf32>)
      h(%h : memref<1x2x16xf32>) {library}
  return
}
