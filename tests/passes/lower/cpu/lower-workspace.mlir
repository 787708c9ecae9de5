// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-workspace | FileCheck %s

llvm.func @heed_input(!llvm.ptr, i64) -> !llvm.ptr
llvm.func @heed_input_dim(!llvm.ptr, i64, i64) -> i64
llvm.func @heed_arena(!llvm.ptr, i64) -> !llvm.ptr
llvm.func @heed_arena_part(!llvm.ptr, i64, i64) -> !llvm.ptr

// The arithmetic on sizes is copied; no input is read.
// CHECK-LABEL: func @main
// CHECK-LABEL: func @heed_workspace
// CHECK-SAME: (%[[CTX:.*]]: !llvm.ptr) -> i32
// CHECK-NOT: heed_input(
// CHECK: %[[ONE:.*]] = arith.constant 1 : i64
// CHECK: %[[N:.*]] = llvm.call @heed_input_dim(%[[CTX]]
// CHECK: %[[BYTES:.*]] = llvm.mul %[[N]], %{{.*}} : i64
// CHECK: llvm.call @heed_count_arena(%[[CTX]], %{{.*}}, %[[BYTES]])
// CHECK: llvm.call @heed_count_arena(%[[CTX]], %[[ONE]], %{{.*}})
// CHECK: llvm.call @heed_status(%[[CTX]])
func.func @main(%ctx: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c4 = llvm.mlir.constant(4 : i64) : i64
  %ok = arith.constant 0 : i32
  %x = llvm.call @heed_input(%ctx, %c0) : (!llvm.ptr, i64) -> !llvm.ptr
  %v = llvm.load %x : !llvm.ptr -> f32
  %n = llvm.call @heed_input_dim(%ctx, %c0, %c1) : (!llvm.ptr, i64, i64) -> i64
  %bytes = llvm.mul %n, %c4 : i64
  %arena = llvm.call @heed_arena(%ctx, %bytes) : (!llvm.ptr, i64) -> !llvm.ptr
  llvm.store %v, %arena : f32, !llvm.ptr
  %part = llvm.call @heed_arena_part(%ctx, %c1, %c4) : (!llvm.ptr, i64, i64) -> !llvm.ptr
  return %ok : i32
}

// -----

llvm.func @heed_arena(!llvm.ptr, i64) -> !llvm.ptr
func.func private @heed_onednn_primitive(!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
memref.global "private" constant @heed_site_0 : memref<6xi64> = dense<[1, 6, 0, 2, 0, 0]>

// A primitive: the words of its call without the two pointers, whatever they
// are; a size is that of a view of the arena.
// CHECK-LABEL: func @heed_workspace
// CHECK: %[[CALL:.*]] = memref.alloca() : memref<4xi64>
// CHECK: llvm.call @heed_count_arena
// CHECK: %[[RECORD:.*]] = memref.get_global @heed_site_0
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK: memref.store %[[ZERO]], %[[CALL]][%{{.*}}]
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK: memref.store %[[ZERO]], %[[CALL]][%{{.*}}]
// CHECK: %[[SIZE:.*]] = arith.constant 16 : i64
// CHECK: memref.store %[[SIZE]], %[[CALL]][%{{.*}}]
// CHECK: memref.store %{{.*}}, %[[CALL]][%{{.*}}]
// CHECK: llvm.call @heed_onednn_count(%{{.*}}, %{{.*}}, %{{.*}})
// CHECK-NOT: heed_onednn_primitive
func.func @main(%ctx: !llvm.ptr) -> i32 {
  %call = memref.alloca() : memref<4xi64>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %size = arith.constant 16 : i64
  %bytes = arith.constant 64 : i64
  %arena = llvm.call @heed_arena(%ctx, %bytes) : (!llvm.ptr, i64) -> !llvm.ptr
  %address = llvm.ptrtoint %arena : !llvm.ptr to i64
  %word = llvm.load %arena : !llvm.ptr -> i64
  %record = memref.get_global @heed_site_0 : memref<6xi64>
  %r = memref.extract_aligned_pointer_as_index %record : memref<6xi64> -> index
  %ri = arith.index_cast %r : index to i64
  %rp = llvm.inttoptr %ri : i64 to !llvm.ptr
  %k = memref.extract_aligned_pointer_as_index %call : memref<4xi64> -> index
  %ki = arith.index_cast %k : index to i64
  %kp = llvm.inttoptr %ki : i64 to !llvm.ptr
  memref.store %address, %call[%c0] : memref<4xi64>
  memref.store %word, %call[%c1] : memref<4xi64>
  memref.store %size, %call[%c2] : memref<4xi64>
  memref.store %bytes, %call[%c3] : memref<4xi64>
  %status = func.call @heed_onednn_primitive(%ctx, %rp, %kp) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  return %status : i32
}

// -----

llvm.func @heed_input(!llvm.ptr, i64) -> !llvm.ptr
llvm.func @heed_arena(!llvm.ptr, i64) -> !llvm.ptr

// An element of an input says how much: there is no function.
// CHECK-LABEL: func @main
// CHECK: llvm.call @heed_arena
// CHECK-NOT: heed_workspace
func.func @main(%ctx: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : i64
  %ok = arith.constant 0 : i32
  %x = llvm.call @heed_input(%ctx, %c0) : (!llvm.ptr, i64) -> !llvm.ptr
  %n = llvm.load %x : !llvm.ptr -> i64
  %arena = llvm.call @heed_arena(%ctx, %n) : (!llvm.ptr, i64) -> !llvm.ptr
  return %ok : i32
}

// -----

// expected-error @below {{expected a lowered entry (heed-lower-entry)}}
module {
  func.func @main(%x: memref<4xf32>) {
    return
  }
}

// -----

llvm.func @heed_arena(!llvm.ptr, i64) -> !llvm.ptr
llvm.func @heed_input_dim(!llvm.ptr, i64, i64) -> i64
func.func private @heed_onednn_primitive(!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
memref.global "private" constant @heed_site_0 : memref<6xi64> = dense<[1, 6, 0, 1, 0, 0]>

// What a layer's primitive asks for is counted at each call of the layer, with
// the sizes of that call.
// CHECK-LABEL: func private @layer
// CHECK-LABEL: func @main
// CHECK-LABEL: func @heed_workspace_layer
// CHECK-SAME: (%[[CTX:.*]]: !llvm.ptr, %[[N:.*]]: i64) -> i32
// CHECK: memref.store %[[N]], %{{.*}}[%{{.*}}]
// CHECK: llvm.call @heed_onednn_count(%[[CTX]]
// CHECK-LABEL: func @heed_workspace(
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr) -> i32
// CHECK: %[[N:.*]] = llvm.call @heed_input_dim
// CHECK: call @heed_workspace_layer(%[[CTX]], %[[N]])
// CHECK: call @heed_workspace_layer(%[[CTX]], %{{.*}})
func.func private @layer(%ctx: !llvm.ptr, %size: i64) -> i32 {
  %call = memref.alloca() : memref<2xi64>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %record = memref.get_global @heed_site_0 : memref<6xi64>
  %r = memref.extract_aligned_pointer_as_index %record : memref<6xi64> -> index
  %ri = arith.index_cast %r : index to i64
  %rp = llvm.inttoptr %ri : i64 to !llvm.ptr
  %k = memref.extract_aligned_pointer_as_index %call : memref<2xi64> -> index
  %ki = arith.index_cast %k : index to i64
  %kp = llvm.inttoptr %ki : i64 to !llvm.ptr
  memref.store %ri, %call[%c0] : memref<2xi64>
  memref.store %size, %call[%c1] : memref<2xi64>
  %status = func.call @heed_onednn_primitive(%ctx, %rp, %kp) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  return %status : i32
}
func.func @main(%ctx: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : i64
  %c64 = arith.constant 64 : i64
  %arena = llvm.call @heed_arena(%ctx, %c64) : (!llvm.ptr, i64) -> !llvm.ptr
  %n = llvm.call @heed_input_dim(%ctx, %c0, %c0) : (!llvm.ptr, i64, i64) -> i64
  %a = call @layer(%ctx, %n) : (!llvm.ptr, i64) -> i32
  %b = call @layer(%ctx, %c64) : (!llvm.ptr, i64) -> i32
  return %b : i32
}

// -----

llvm.func @heed_arena(!llvm.ptr, i64) -> !llvm.ptr
llvm.func @heed_block(!llvm.ptr, i64) -> !llvm.ptr

// A layer asks for memory as often as its data say: nothing can be counted.
// CHECK-NOT: @heed_workspace
func.func private @layer(%ctx: !llvm.ptr) -> i32 {
  %c64 = arith.constant 64 : i64
  %ok = arith.constant 0 : i32
  %block = llvm.call @heed_block(%ctx, %c64) : (!llvm.ptr, i64) -> !llvm.ptr
  return %ok : i32
}
func.func @main(%ctx: !llvm.ptr) -> i32 {
  %c64 = arith.constant 64 : i64
  %arena = llvm.call @heed_arena(%ctx, %c64) : (!llvm.ptr, i64) -> !llvm.ptr
  %a = call @layer(%ctx) : (!llvm.ptr) -> i32
  return %a : i32
}

// -----

llvm.func @heed_arena(!llvm.ptr, i64) -> !llvm.ptr
func.func private @elsewhere()

// What a function without a body asks for cannot be counted.
// CHECK-LABEL: func @main
// CHECK-NOT: @heed_workspace
func.func @main(%ctx: !llvm.ptr) -> i32 {
  %c64 = arith.constant 64 : i64
  %ok = arith.constant 0 : i32
  %arena = llvm.call @heed_arena(%ctx, %c64) : (!llvm.ptr, i64) -> !llvm.ptr
  call @elsewhere() : () -> ()
  return %ok : i32
}
