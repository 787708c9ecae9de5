// RUN: heed-opt %s | heed-opt | FileCheck %s

// CHECK-LABEL: func @lstm_with_all_results
func.func @lstm_with_all_results(%x: tensor<10x1x8xf32>, %w: tensor<1x64x8xf32>, %r: tensor<1x64x16xf32>, %b: tensor<1x64xf32>,
                                 %e: tensor<10x1x1x16xf32>, %h: tensor<1x1x16xf32>, %c: tensor<1x1x16xf32>)
    -> (tensor<10x1x1x16xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>) {
  // CHECK: attn.recurrent lstm forward ins(%{{.*}} : tensor<10x1x8xf32>) input_weights(%{{.*}} : tensor<1x64x8xf32>) weights(%{{.*}} : tensor<1x64x16xf32>) bias(%{{.*}} : tensor<1x64xf32>)
  // CHECK-SAME: y(%{{.*}} : tensor<10x1x1x16xf32>) h(%{{.*}} : tensor<1x1x16xf32>) c(%{{.*}} : tensor<1x1x16xf32>) -> tensor<10x1x1x16xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>
  %y, %h1, %c1 = attn.recurrent lstm forward ins(%x : tensor<10x1x8xf32>) input_weights(%w : tensor<1x64x8xf32>)
      weights(%r : tensor<1x64x16xf32>) bias(%b : tensor<1x64xf32>) y(%e : tensor<10x1x1x16xf32>)
      h(%h : tensor<1x1x16xf32>) c(%c : tensor<1x1x16xf32>) -> tensor<10x1x1x16xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>
  return %y, %h1, %c1 : tensor<10x1x1x16xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>
}

// The input's product is made already; every size but H is dynamic.
// CHECK-LABEL: func @projected_lstm_with_peepholes_and_lengths
func.func @projected_lstm_with_peepholes_and_lengths(%a: tensor<?x?x128xf32>, %r: tensor<2x64x16xf32>, %p: tensor<2x48xf32>, %l: tensor<?xi32>,
                                                     %h: tensor<2x?x16xf32>, %c: tensor<2x?x16xf32>) -> tensor<2x?x16xf32> {
  // CHECK: attn.recurrent lstm bidirectional ins(%{{.*}} : tensor<?x?x128xf32>) weights(%{{.*}} : tensor<2x64x16xf32>) peephole(%{{.*}} : tensor<2x48xf32>) lengths(%{{.*}} : tensor<?xi32>)
  // CHECK-SAME: {clip = 3.000000e+00 : f64, coupled}
  %h1, %c1 = attn.recurrent lstm bidirectional ins(%a : tensor<?x?x128xf32>) weights(%r : tensor<2x64x16xf32>)
      peephole(%p : tensor<2x48xf32>) lengths(%l : tensor<?xi32>)
      h(%h : tensor<2x?x16xf32>) c(%c : tensor<2x?x16xf32>) {clip = 3.0 : f64, coupled} -> tensor<2x?x16xf32>, tensor<2x?x16xf32>
  return %h1 : tensor<2x?x16xf32>
}

// CHECK-LABEL: func @gru_with_activations
func.func @gru_with_activations(%a: tensor<5x2x48xf32>, %r: tensor<1x48x16xf32>, %n: tensor<1x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  // CHECK: attn.recurrent gru reverse {{.*}} reset_bias(%{{.*}} : tensor<1x16xf32>) h(
  // CHECK-SAME: activations = ["hard_sigmoid", "softsign"] {alphas = array<f64: 2.000000e-01, 0.000000e+00>, betas = array<f64: 5.000000e-01, 0.000000e+00>, linear_before_reset}
  %h1 = attn.recurrent gru reverse ins(%a : tensor<5x2x48xf32>) weights(%r : tensor<1x48x16xf32>) reset_bias(%n : tensor<1x16xf32>)
      h(%h : tensor<1x2x16xf32>) activations = ["hard_sigmoid", "softsign"]
      {alphas = array<f64: 0.2, 0.0>, betas = array<f64: 0.5, 0.0>, linear_before_reset} -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}

// CHECK-LABEL: func @on_memrefs
func.func @on_memrefs(%a: memref<5x2x16xf32>, %r: memref<1x16x16xf32>, %h: memref<1x2x16xf32>) {
  // CHECK: attn.recurrent rnn forward ins(%{{.*}} : memref<5x2x16xf32>) weights(%{{.*}} : memref<1x16x16xf32>) h(%{{.*}} : memref<1x2x16xf32>){{$}}
  attn.recurrent rnn forward ins(%a : memref<5x2x16xf32>) weights(%r : memref<1x16x16xf32>) h(%h : memref<1x2x16xf32>)
  return
}
