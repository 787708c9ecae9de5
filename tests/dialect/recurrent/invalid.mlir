// RUN: heed-opt %s --split-input-file --verify-diagnostics

func.func @recurrent_c1_x(%x: tensor<5x2x16xi32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{x: expected floats of rank 3, got 'tensor<5x2x16xi32>'}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xi32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c1_hidden(%x: tensor<5x2x16xf32>, %r: tensor<1x16x?xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{weights: expected rank 3 and a constant last size, got 'tensor<1x16x?xf32>'}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x?xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c1_projected(%x: tensor<5x2x8xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{x: expected the elements of x of the sizes [5, 2, 16], got 'tensor<5x2x8xf32>'}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x8xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c1_directions(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{x: expected the elements of x of the sizes [5, 2, 32], got 'tensor<5x2x16xf32>'}}
  attn.recurrent rnn bidirectional ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c1_input_weights(%x: tensor<5x2x8xf32>, %w: tensor<1x16x9xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{input_weights: expected the elements of x of the sizes [1, 16, 8], got 'tensor<1x16x9xf32>'}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x8xf32>) input_weights(%w : tensor<1x16x9xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c1_elements(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf16>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{weights: expected the elements of x of the sizes [1, 16, 16], got 'tensor<1x16x16xf16>'}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf16>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c1_lengths(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %l: tensor<2xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{lengths: expected integers of the sizes [2], got 'tensor<2xf32>'}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) lengths(%l : tensor<2xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c1_y(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %y: tensor<4x1x2x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{y: expected the elements of x of the sizes [5, 1, 2, 16], got 'tensor<4x1x2x16xf32>'}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) y(%y : tensor<4x1x2x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<4x1x2x16xf32>, tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c2_no_c(%x: tensor<5x2x64xf32>, %r: tensor<1x64x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{c: expected one for an lstm, and for it alone}}
  attn.recurrent lstm forward ins(%x : tensor<5x2x64xf32>) weights(%r : tensor<1x64x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c2_peephole(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %p: tensor<1x48xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{peephole, coupled: expected for an lstm alone}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) peephole(%p : tensor<1x48xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c2_reset(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{linear_before_reset: expected for a gru alone}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) {linear_before_reset} -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c2_reset_bias(%x: tensor<5x2x48xf32>, %r: tensor<1x48x16xf32>, %b: tensor<1x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{reset_bias: expected with linear_before_reset alone}}
  attn.recurrent gru forward ins(%x : tensor<5x2x48xf32>) weights(%r : tensor<1x48x16xf32>) reset_bias(%b : tensor<1x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c3(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %b: tensor<1x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{bias: expected with input_weights alone}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) bias(%b : tensor<1x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c4(%x: tensor<5x2x48xf32>, %r: tensor<1x48x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{activations: expected 2, got 1}}
  attn.recurrent gru forward ins(%x : tensor<5x2x48xf32>) weights(%r : tensor<1x48x16xf32>) h(%h : tensor<1x2x16xf32>) activations = ["tanh"] -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c5(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{clip: expected more than 0, got 0}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) {clip = 0.0 : f64} -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c6(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{library: expected with input_weights alone}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) {library} -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c4_unknown(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{activations: unknown kind "cosine"}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) activations = ["cosine"] -> tensor<1x2x16xf32>
  return
}

// -----

func.func @recurrent_c4_constants(%x: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) {
  // expected-error @below {{alphas, betas: expected 1, got 2}}
  attn.recurrent rnn forward ins(%x : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) activations = ["elu"] {alphas = array<f64: 1.0, 2.0>} -> tensor<1x2x16xf32>
  return
}
