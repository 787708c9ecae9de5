// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-entry | FileCheck %s

// The input's size is asked from the runtime; the result is written where it
// belongs, without a copy.
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[CTX:.*]]: !llvm.ptr) -> i32
// CHECK: %[[DIMS:.*]] = llvm.alloca
// CHECK: %[[IN:.*]] = llvm.call @heed_input(%[[CTX]], %c0_i64)
// CHECK: %[[D:.*]] = llvm.call @heed_input_dim(%[[CTX]], %{{.*}}, %{{.*}})
// CHECK: %[[N:.*]] = arith.index_cast %[[D]] : i64 to index
// CHECK: %[[X:.*]] = memref.view %{{.*}}[%{{.*}}][%[[N]]] : memref<?xi8> to memref<?x4xf32>
// CHECK: %[[M:.*]] = memref.dim %[[X]]
// CHECK: llvm.getelementptr %[[DIMS]][0]
// CHECK: llvm.getelementptr %[[DIMS]][1]
// CHECK: %[[OUT:.*]] = llvm.call @heed_output(%[[CTX]], %{{.*}}, %{{.*}}, %[[DIMS]])
// CHECK: cf.assert %{{.*}}, "out of memory"
// CHECK: %[[Y:.*]] = memref.view %{{.*}}[%{{.*}}][%[[M]]] : memref<?xi8> to memref<?x4xf32>
// CHECK-NOT: memref.alloc
// CHECK: linalg.exp ins(%[[X]] : memref<?x4xf32>) outs(%[[Y]] : memref<?x4xf32>)
// CHECK-NOT: memref.copy
// CHECK: %[[STATUS:.*]] = llvm.call @heed_status(%[[CTX]])
// CHECK: return %[[STATUS]] : i32
func.func @main(%x: memref<?x4xf32> {attn.name = "x"}) -> (memref<?x4xf32> {attn.name = "y"}) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %y = memref.alloc(%n) : memref<?x4xf32>
  linalg.exp ins(%x : memref<?x4xf32>) outs(%y : memref<?x4xf32>)
  return %y : memref<?x4xf32>
}

// -----

// An input that is returned, and a buffer that is returned twice, are copied.
// CHECK-LABEL: func @main
// CHECK: %[[X:.*]] = memref.view
// CHECK: llvm.call @heed_output
// CHECK: %[[Y:.*]] = memref.view
// CHECK: linalg.exp ins(%[[X]] : memref<4xf32>) outs(%[[Y]] : memref<4xf32>)
// CHECK: llvm.call @heed_output
// CHECK: %[[Z:.*]] = memref.view
// CHECK: memref.copy %[[X]], %[[Z]]
// CHECK: llvm.call @heed_output
// CHECK: %[[AGAIN:.*]] = memref.view
// CHECK: memref.copy %[[Y]], %[[AGAIN]]
func.func @main(%x: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>) {
  %y = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return %y, %x, %y : memref<4xf32>, memref<4xf32>, memref<4xf32>
}

// -----

// A scalar has no dims, but the runtime still gets a valid pointer.
// CHECK-LABEL: func @main
// CHECK: llvm.alloca
// CHECK: %[[RANK:.*]] = arith.constant 0 : i64
// CHECK: llvm.call @heed_output
// CHECK: memref.view %{{.*}} : memref<?xi8> to memref<f32>
func.func @main(%x: memref<f32>) -> memref<f32> {
  return %x : memref<f32>
}

// -----

// expected-error @below {{expected a function @main with a body}}
module {
  func.func @other() {
    return
  }
}

// -----

// expected-error @below {{@main: expected one block, got 2}}
func.func @main() {
  cf.br ^next
^next:
  return
}

// -----

// expected-error @below {{expected ranked tensors or contiguous memrefs as arguments and results, got 'f32'}}
func.func @main(%x: f32) {
  return
}

// -----

// expected-error @below {{expected ranked tensors or contiguous memrefs as arguments and results, got 'memref<4xf32, strided<[2]>>'}}
func.func @main(%x: memref<4xf32, strided<[2]>>) {
  return
}

// -----

// A layer gets the context and gives the status, at which its caller stops.
// CHECK-LABEL: func private @layer
// CHECK-SAME: (%[[CTX:.*]]: !llvm.ptr, %{{.*}}: memref<4xf32>, %{{.*}}: memref<4xf32>) -> i32
// CHECK-SAME: llvm.linkage = #llvm.linkage<internal>
// CHECK: %[[STATUS:.*]] = llvm.call @heed_status(%[[CTX]])
// CHECK: return %[[STATUS]] : i32
func.func private @layer(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[CTX:.*]]: !llvm.ptr) -> i32
// CHECK: %[[STATUS:.*]] = call @layer(%[[CTX]], %{{.*}}, %{{.*}})
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK: %[[OK:.*]] = arith.cmpi eq, %[[STATUS]], %[[ZERO]]
// CHECK: cf.assert %[[OK]]
func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
  %y = memref.alloc() : memref<4xf32>
  call @layer(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  return %y : memref<4xf32>
}
