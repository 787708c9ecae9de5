// RUN: heed-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

// A state that dies is written over: a stream needs no copy of it.
// CHECK-LABEL: func @dead_state
// CHECK-SAME: %[[A:.*]]: memref<5x2x16xf32>, %[[R:.*]]: memref<1x16x16xf32>, %[[H:.*]]: memref<1x2x16xf32>
// CHECK-NOT: memref.copy
// CHECK: attn.recurrent rnn forward ins(%[[A]] : memref<5x2x16xf32>) weights(%[[R]] : memref<1x16x16xf32>) h(%[[H]] : memref<1x2x16xf32>)
// CHECK: return %[[H]]
func.func @dead_state(%a: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32> {bufferization.writable = true}) -> tensor<1x2x16xf32> {
  %h1 = attn.recurrent rnn forward ins(%a : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}

// A state that lives on is copied: the op reads what its init holds.
// CHECK-LABEL: func @live_state
// CHECK-SAME: %[[H:[a-z0-9]+]]: memref<1x2x16xf32>) ->
// CHECK: %[[COPY:.*]] = memref.alloc() {{.*}} : memref<1x2x16xf32>
// CHECK: memref.copy %[[H]], %[[COPY]]
// CHECK: attn.recurrent {{.*}} h(%[[COPY]] : memref<1x2x16xf32>)
func.func @live_state(%a: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32> {bufferization.writable = true}) -> (tensor<1x2x16xf32>, tensor<1x2x16xf32>) {
  %h1 = attn.recurrent rnn forward ins(%a : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %h1, %h : tensor<1x2x16xf32>, tensor<1x2x16xf32>
}

// y is not read: its buffer is not filled first.
// CHECK-LABEL: func @sequence
// CHECK: %[[Y:.*]] = memref.alloc() {{.*}} : memref<5x1x2x16xf32>
// CHECK-NOT: memref.copy
// CHECK: attn.recurrent {{.*}} y(%[[Y]] : memref<5x1x2x16xf32>)
// CHECK: return %[[Y]]
func.func @sequence(%a: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %y: tensor<5x1x2x16xf32> {bufferization.writable = false}, %h: tensor<1x2x16xf32> {bufferization.writable = true}) -> tensor<5x1x2x16xf32> {
  %y1, %h1 = attn.recurrent rnn forward ins(%a : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) y(%y : tensor<5x1x2x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<5x1x2x16xf32>, tensor<1x2x16xf32>
  return %y1 : tensor<5x1x2x16xf32>
}

// Both states begin as the same zeros: they are two buffers.
// CHECK-LABEL: func @same_zeros
// CHECK: attn.recurrent lstm forward {{.*}} h(%[[ONE:.*]] : memref<1x2x16xf32>) c(%[[OTHER:.*]] : memref<1x2x16xf32>)
// CHECK: return %[[ONE]], %[[OTHER]]
func.func @same_zeros(%a: tensor<5x2x64xf32>, %r: tensor<1x64x16xf32>) -> (tensor<1x2x16xf32>, tensor<1x2x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x2x16xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  %h, %c = attn.recurrent lstm forward ins(%a : tensor<5x2x64xf32>) weights(%r : tensor<1x64x16xf32>) h(%z : tensor<1x2x16xf32>) c(%z : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>, tensor<1x2x16xf32>
  return %h, %c : tensor<1x2x16xf32>, tensor<1x2x16xf32>
}
