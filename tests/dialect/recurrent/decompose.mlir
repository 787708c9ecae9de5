// RUN: heed-opt %s --heed-decompose --canonicalize --cse | FileCheck %s

// One product in front of the loop, for all steps, and one in it.
// CHECK-LABEL: func @lstm
// CHECK-SAME: (%[[X:.*]]: tensor<5x2x8xf32>, %[[W:.*]]: tensor<1x64x8xf32>
func.func @lstm(%x: tensor<5x2x8xf32>, %w: tensor<1x64x8xf32>, %r: tensor<1x64x16xf32>, %b: tensor<1x64xf32>, %y: tensor<5x1x2x16xf32>, %h: tensor<1x2x16xf32>, %c: tensor<1x2x16xf32>)
    -> (tensor<5x1x2x16xf32>, tensor<1x2x16xf32>, tensor<1x2x16xf32>) {
  // CHECK: %[[A:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[X]]
  // CHECK: linalg.generic {{.*}} ins(%[[A]], %{{.*}} : tensor<5x2x64xf32>, tensor<64xf32>)
  // CHECK: arith.addf
  // CHECK: %[[LOOP:.*]]:3 = scf.for %[[T:.*]] = %c0 to %c5 step %c1
  // CHECK: tensor.extract_slice %{{.*}}[%[[T]], 0, 0] [1, 2, 64]
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
  // The new c of i, f and the candidate, then h of o and c.
  // CHECK: linalg.generic
  // CHECK: math.exp
  // CHECK: math.tanh
  // CHECK: math.exp
  // CHECK: linalg.generic
  // CHECK: math.tanh
  // CHECK: math.exp
  // CHECK: tensor.insert_slice %{{.*}}[%[[T]], 0, 0, 0] [1, 1, 2, 16]
  // CHECK: scf.yield
  // CHECK: return %[[LOOP]]#2, %[[LOOP]]#0, %[[LOOP]]#1
  %y1, %h1, %c1 = attn.recurrent lstm forward ins(%x : tensor<5x2x8xf32>) input_weights(%w : tensor<1x64x8xf32>)
      weights(%r : tensor<1x64x16xf32>) bias(%b : tensor<1x64xf32>) y(%y : tensor<5x1x2x16xf32>)
      h(%h : tensor<1x2x16xf32>) c(%c : tensor<1x2x16xf32>) -> tensor<5x1x2x16xf32>, tensor<1x2x16xf32>, tensor<1x2x16xf32>
  return %y1, %h1, %c1 : tensor<5x1x2x16xf32>, tensor<1x2x16xf32>, tensor<1x2x16xf32>
}

// In reverse the first step is the last in time; rows end at their lengths.
// CHECK-LABEL: func @reverse_with_lengths
func.func @reverse_with_lengths(%a: tensor<?x2x16xf32>, %r: tensor<1x16x16xf32>, %l: tensor<2xi32>, %y: tensor<?x1x2x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<?x1x2x16xf32> {
  // CHECK: %[[STEPS:.*]] = tensor.dim
  // CHECK: %[[LAST:.*]] = arith.subi %[[STEPS]], %c1
  // CHECK: scf.for %[[S:.*]] = %c0 to %[[STEPS]]
  // CHECK: %[[T:.*]] = arith.subi %[[LAST]], %[[S]]
  // CHECK: arith.index_cast %[[T]] : index to i32
  // CHECK: arith.cmpi slt
  // CHECK: arith.select
  %y1, %h1 = attn.recurrent rnn reverse ins(%a : tensor<?x2x16xf32>) weights(%r : tensor<1x16x16xf32>) lengths(%l : tensor<2xi32>)
      y(%y : tensor<?x1x2x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<?x1x2x16xf32>, tensor<1x2x16xf32>
  return %y1 : tensor<?x1x2x16xf32>
}

// What is reset before the product needs a second one.
// CHECK-LABEL: func @gru_resets_first
// CHECK: scf.for
// CHECK-COUNT-2: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-NOT: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-LABEL: func @gru_resets_behind
// CHECK: scf.for
// CHECK-COUNT-1: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-NOT: iterator_types = ["parallel", "parallel", "reduction"]
func.func @gru_resets_first(%a: tensor<5x2x48xf32>, %r: tensor<1x48x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %h1 = attn.recurrent gru forward ins(%a : tensor<5x2x48xf32>) weights(%r : tensor<1x48x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}
func.func @gru_resets_behind(%a: tensor<5x2x48xf32>, %r: tensor<1x48x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %h1 = attn.recurrent gru forward ins(%a : tensor<5x2x48xf32>) weights(%r : tensor<1x48x16xf32>) h(%h : tensor<1x2x16xf32>) {linear_before_reset} -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}

// A loop for each direction; half precision is computed in f32.
// CHECK-LABEL: func @both_directions_in_half
// CHECK-COUNT-2: scf.for {{.*}} -> (tensor<1x2x16xf32>)
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @both_directions_in_half(%a: tensor<5x2x32xf16>, %r: tensor<2x16x16xf16>, %h: tensor<2x2x16xf16>) -> tensor<2x2x16xf16> {
  %h1 = attn.recurrent rnn bidirectional ins(%a : tensor<5x2x32xf16>) weights(%r : tensor<2x16x16xf16>) h(%h : tensor<2x2x16xf16>) -> tensor<2x2x16xf16>
  return %h1 : tensor<2x2x16xf16>
}
