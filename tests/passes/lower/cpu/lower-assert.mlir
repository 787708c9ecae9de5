// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-assert | FileCheck %s

// Each assert is a branch; equal messages are one string.
// CHECK: llvm.mlir.global internal constant @[[TEXT:.*]]("batch sizes differ\00")
// CHECK-NOT: llvm.mlir.global
// CHECK-LABEL: func @two_asserts
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr, %[[A:.*]]: i1, %[[B:.*]]: i1
// CHECK: cf.cond_br %[[A]], ^[[SECOND:.*]], ^[[FAIL:.*]]
// CHECK: ^[[SECOND]]:
// CHECK: cf.cond_br %[[B]], ^[[REST:.*]], ^{{.*}}
// CHECK: ^[[REST]]:
// CHECK: return %c0_i32
// CHECK: ^[[FAIL]]:
// CHECK: %[[MESSAGE:.*]] = llvm.mlir.addressof @[[TEXT]]
// CHECK: llvm.call @heed_fail(%[[CTX]], %[[MESSAGE]])
// CHECK: %[[STATUS:.*]] = llvm.call @heed_status(%[[CTX]])
// CHECK: return %[[STATUS]] : i32
// CHECK-NOT: cf.assert
func.func @two_asserts(%ctx: !llvm.ptr, %a: i1, %b: i1) -> i32 {
  %ok = arith.constant 0 : i32
  cf.assert %a, "batch sizes differ"
  cf.assert %b, "batch sizes differ"
  return %ok : i32
}

// -----

func.func @in_a_loop(%ctx: !llvm.ptr, %a: i1, %n: index) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ok = arith.constant 0 : i32
  scf.for %i = %c0 to %n step %c1 {
    // expected-error @below {{inside a loop: expected at the level of its function}}
    cf.assert %a, "batch sizes differ"
  }
  return %ok : i32
}
