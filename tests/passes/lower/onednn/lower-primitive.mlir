// RUN: heed-opt %s --heed-lower-primitive --split-input-file --verify-diagnostics | FileCheck %s

// The record: version 1, matmul, no spatial dims, four operands, one post-op;
// then each operand's role, whether it is constant, its rank and its layout.
// CHECK: memref.global "private" constant @heed_site_0 : memref<33xi64> = dense<[1, 0, 0, 4, 1,
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

func.func @no_context(%a: memref<2x3xf32>, %b: memref<3x2xf32>) {
  // expected-error @below {{expected a function whose argument 0 is the runtime's context}}
  attn.primitive reorder ins(%a : memref<2x3xf32>) outs(%b : memref<3x2xf32>) layouts = [[0, 1], [1, 0]]
  return
}
