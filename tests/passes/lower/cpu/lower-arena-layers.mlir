// RUN: heed-opt %s --split-input-file --heed-lower-arena | FileCheck %s

func.func private @use(memref<?xf32>)

// The scratch memory of a layer is a buffer of its caller, with a size that is
// computed there; it shares bytes between the calls.
// CHECK-LABEL: func private @layer
// CHECK-SAME: (%{{.*}}: !llvm.ptr, %[[X:.*]]: memref<?xf32>, %[[SCRATCH:.*]]: memref<?xi8>)
// CHECK: %[[N:.*]] = memref.dim %[[X]]
// CHECK: memref.view %[[SCRATCH]][%{{.*}}][%[[N]]] : memref<?xi8> to memref<?xf32>
// CHECK-NOT: memref.alloc
func.func private @layer(%ctx: !llvm.ptr, %x: memref<?xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %ok = arith.constant 0 : i32
  %n = memref.dim %x, %c0 : memref<?xf32>
  %t = memref.alloc(%n) : memref<?xf32>
  func.call @use(%t) : (memref<?xf32>) -> ()
  return %ok : i32
}
// CHECK-LABEL: func @main
// CHECK: memref.dim %[[A:.*]], %{{.*}} : memref<?xf32>
// CHECK: %[[BYTES:.*]] = arith.muli
// CHECK: %[[LARGEST:.*]] = arith.maxui
// CHECK: llvm.call @heed_arena(
// CHECK: %[[FIRST:.*]] = memref.view %{{.*}}[%[[OFFSET:.*]]][%{{.*}}] : memref<?xi8> to memref<?xi8>
// CHECK: call @layer(%{{.*}}, %[[A]], %[[FIRST]])
// CHECK: %[[SECOND:.*]] = memref.view %{{.*}}[%[[OFFSET]]][%{{.*}}] : memref<?xi8> to memref<?xi8>
// CHECK: call @layer(%{{.*}}, %[[A]], %[[SECOND]])
func.func @main(%ctx: !llvm.ptr, %x: memref<?xf32>) {
  call @layer(%ctx, %x) : (!llvm.ptr, memref<?xf32>) -> i32
  call @layer(%ctx, %x) : (!llvm.ptr, memref<?xf32>) -> i32
  return
}

// -----

func.func private @use(memref<16xf32>)

// A constant size is part of the type.
// CHECK-LABEL: func private @layer
// CHECK-SAME: (%{{.*}}: !llvm.ptr, %[[SCRATCH:.*]]: memref<64xi8>)
// CHECK: memref.view %[[SCRATCH]][%{{.*}}][] : memref<64xi8> to memref<16xf32>
func.func private @layer(%ctx: !llvm.ptr) -> i32 {
  %ok = arith.constant 0 : i32
  %t = memref.alloc() : memref<16xf32>
  func.call @use(%t) : (memref<16xf32>) -> ()
  return %ok : i32
}
// CHECK-LABEL: func @main
// CHECK: %[[BYTES:.*]] = arith.index_cast %c64
// CHECK: llvm.call @heed_arena(%{{.*}}, %[[BYTES]])
// CHECK: memref.view %{{.*}} : memref<?xi8> to memref<64xi8>
func.func @main(%ctx: !llvm.ptr) {
  call @layer(%ctx) : (!llvm.ptr) -> i32
  return
}

// -----

func.func private @use(memref<?xf32>)

// A size that only the layer can compute: it is written out in its caller.
// CHECK-NOT: func private @layer
// CHECK-LABEL: func @main
// CHECK: llvm.call @heed_arena
// CHECK-NOT: call @layer
func.func private @layer(%ctx: !llvm.ptr, %x: memref<1xindex>) -> i32 {
  %c0 = arith.constant 0 : index
  %ok = arith.constant 0 : i32
  %n = memref.load %x[%c0] : memref<1xindex>
  %t = memref.alloc(%n) : memref<?xf32>
  func.call @use(%t) : (memref<?xf32>) -> ()
  return %ok : i32
}
func.func @main(%ctx: !llvm.ptr, %x: memref<1xindex>) {
  call @layer(%ctx, %x) : (!llvm.ptr, memref<1xindex>) -> i32
  return
}

// -----

func.func private @use(memref<?xf32>)

// A layer cannot know where a number comes from: its sizes are checked.
// CHECK-LABEL: func private @layer
// CHECK: arith.cmpi sge
// CHECK: cf.assert %{{.*}}, "a size that the model computes from data is negative or too large"
func.func private @layer(%ctx: !llvm.ptr, %n: index) -> i32 {
  %ok = arith.constant 0 : i32
  %t = memref.alloc(%n) : memref<?xf32>
  func.call @use(%t) : (memref<?xf32>) -> ()
  return %ok : i32
}
func.func @main(%ctx: !llvm.ptr, %n: index) {
  call @layer(%ctx, %n) : (!llvm.ptr, index) -> i32
  return
}
