// RUN: heed-opt %s --canonicalize | FileCheck %s

// The sequence of states is not asked for: it is not written.
// CHECK-LABEL: func @unused_sequence_dropped
// CHECK: %[[H:.*]]:2 = attn.recurrent lstm forward ins(%{{.*}}) weights(%{{.*}}) h(
// CHECK: return %[[H]]#1
func.func @unused_sequence_dropped(%a: tensor<5x2x64xf32>, %r: tensor<1x64x16xf32>, %y: tensor<5x1x2x16xf32>, %h: tensor<1x2x16xf32>, %c: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %y1, %h1, %c1 = attn.recurrent lstm forward ins(%a : tensor<5x2x64xf32>) weights(%r : tensor<1x64x16xf32>) y(%y : tensor<5x1x2x16xf32>)
      h(%h : tensor<1x2x16xf32>) c(%c : tensor<1x2x16xf32>) -> tensor<5x1x2x16xf32>, tensor<1x2x16xf32>, tensor<1x2x16xf32>
  return %c1 : tensor<1x2x16xf32>
}

// CHECK-LABEL: func @used_sequence_stays
// CHECK: y(%{{.*}} : tensor<5x1x2x16xf32>)
func.func @used_sequence_stays(%a: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %y: tensor<5x1x2x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<5x1x2x16xf32> {
  %y1, %h1 = attn.recurrent rnn forward ins(%a : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) y(%y : tensor<5x1x2x16xf32>)
      h(%h : tensor<1x2x16xf32>) -> tensor<5x1x2x16xf32>, tensor<1x2x16xf32>
  return %y1 : tensor<5x1x2x16xf32>
}

// CHECK-LABEL: func @neutral_parameters_dropped
// CHECK: weights(%{{.*}} : tensor<1x48x16xf32>) h(
func.func @neutral_parameters_dropped(%x: tensor<5x2x8xf32>, %w: tensor<1x48x8xf32>, %r: tensor<1x48x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %b = arith.constant dense<0.0> : tensor<1x48xf32>
  %n = arith.constant dense<0.0> : tensor<1x16xf32>
  %h1 = attn.recurrent gru forward ins(%x : tensor<5x2x8xf32>) input_weights(%w : tensor<1x48x8xf32>) weights(%r : tensor<1x48x16xf32>)
      bias(%b : tensor<1x48xf32>) reset_bias(%n : tensor<1x16xf32>) h(%h : tensor<1x2x16xf32>) {linear_before_reset} -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}

// CHECK-LABEL: func @other_bias_stays
// CHECK: bias(%{{.*}} : tensor<1x16xf32>)
func.func @other_bias_stays(%x: tensor<5x2x8xf32>, %w: tensor<1x16x8xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %b = arith.constant dense<1.0> : tensor<1x16xf32>
  %h1 = attn.recurrent rnn forward ins(%x : tensor<5x2x8xf32>) input_weights(%w : tensor<1x16x8xf32>) weights(%r : tensor<1x16x16xf32>)
      bias(%b : tensor<1x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}

// CHECK-LABEL: func @default_activations_dropped
// CHECK-NOT: activations
// CHECK-LABEL: func @other_activations_stay
// CHECK: activations = ["tanh", "relu"]
func.func @default_activations_dropped(%a: tensor<5x2x96xf32>, %r: tensor<2x48x16xf32>, %h: tensor<2x2x16xf32>) -> tensor<2x2x16xf32> {
  %h1 = attn.recurrent gru bidirectional ins(%a : tensor<5x2x96xf32>) weights(%r : tensor<2x48x16xf32>) h(%h : tensor<2x2x16xf32>)
      activations = ["sigmoid", "tanh", "sigmoid", "tanh"] -> tensor<2x2x16xf32>
  return %h1 : tensor<2x2x16xf32>
}
func.func @other_activations_stay(%a: tensor<5x2x32xf32>, %r: tensor<2x16x16xf32>, %h: tensor<2x2x16xf32>) -> tensor<2x2x16xf32> {
  %h1 = attn.recurrent rnn bidirectional ins(%a : tensor<5x2x32xf32>) weights(%r : tensor<2x16x16xf32>) h(%h : tensor<2x2x16xf32>)
      activations = ["tanh", "relu"] -> tensor<2x2x16xf32>
  return %h1 : tensor<2x2x16xf32>
}
