// RUN: heed-opt %s --split-input-file --verify-diagnostics

func.func @norm_c1_shape(%x: tensor<4x8xf32>, %o: tensor<4x9xf32>) {
  // expected-error @below {{init: expected the shape and elements of x ('tensor<4x8xf32>'), got 'tensor<4x9xf32>'}}
  attn.norm layer ins(%x : tensor<4x8xf32>) outs(%o : tensor<4x9xf32>) dimensions = [1] epsilon = 0.0 -> tensor<4x9xf32>
  return
}

// -----

func.func @norm_c1_elements(%x: tensor<4x8xf32>, %o: tensor<4x8xf16>) {
  // expected-error @below {{init: expected the shape and elements of x ('tensor<4x8xf32>'), got 'tensor<4x8xf16>'}}
  attn.norm layer ins(%x : tensor<4x8xf32>) outs(%o : tensor<4x8xf16>) dimensions = [1] epsilon = 0.0 -> tensor<4x8xf16>
  return
}

// -----

func.func @norm_x_rank(%x: tensor<f32>) {
  // expected-error @below {{x: expected a ranked shape of rank 1 or more, got 'tensor<f32>'}}
  attn.norm layer ins(%x : tensor<f32>) outs(%x : tensor<f32>) dimensions = [0] epsilon = 0.0 -> tensor<f32>
  return
}

// -----

func.func @norm_x_elements(%x: tensor<4xi32>) {
  // expected-error @below {{x: element type: expected a float, got 'i32'}}
  attn.norm layer ins(%x : tensor<4xi32>) outs(%x : tensor<4xi32>) dimensions = [0] epsilon = 0.0 -> tensor<4xi32>
  return
}

// -----

func.func @norm_c2_none(%x: tensor<4x8xf32>) {
  // expected-error @below {{dimensions: expected at least one, got none}}
  attn.norm layer ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) dimensions = [] epsilon = 0.0 -> tensor<4x8xf32>
  return
}

// -----

func.func @norm_c2_order(%x: tensor<4x8xf32>) {
  // expected-error @below {{dimensions: expected strictly increasing values in [0, 2), got 2}}
  attn.norm layer ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) dimensions = [1, 2] epsilon = 0.0 -> tensor<4x8xf32>
  return
}

// -----

func.func @norm_c3_elements(%x: tensor<4x8xf32>, %w: tensor<8xi32>) {
  // expected-error @below {{weight: expected a ranked shape of floats, got 'tensor<8xi32>'}}
  attn.norm rms ins(%x : tensor<4x8xf32>) weight(%w : tensor<8xi32>) over [1] outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 0.0 -> tensor<4x8xf32>
  return
}

// -----

func.func @norm_c3_count(%x: tensor<4x8xf32>, %w: tensor<8xf32>) {
  // expected-error @below {{weight: expected one dim of x for each of its 1 dims, got 2}}
  attn.norm rms ins(%x : tensor<4x8xf32>) weight(%w : tensor<8xf32>) over [0, 1] outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 0.0 -> tensor<4x8xf32>
  return
}

// -----

func.func @norm_c3_order(%x: tensor<4x8xf32>, %b: tensor<8x4xf32>) {
  // expected-error @below {{bias: expected strictly increasing values in [0, 2), got 0}}
  attn.norm rms ins(%x : tensor<4x8xf32>) bias(%b : tensor<8x4xf32>) over [1, 0] outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 0.0 -> tensor<4x8xf32>
  return
}

// -----

func.func @norm_c3_sizes(%x: tensor<4x8xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{bias: expected the sizes [8] of x, got 'tensor<4xf32>'}}
  attn.norm rms ins(%x : tensor<4x8xf32>) bias(%b : tensor<4xf32>) over [1] outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 0.0 -> tensor<4x8xf32>
  return
}

// -----

func.func @norm_c3_without_operand(%x: tensor<4x8xf32>) {
  // expected-error @below {{bias: expected an operand for its dims}}
  attn.norm rms ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = 0.0 {bias_dimensions = array<i64: 1>} -> tensor<4x8xf32>
  return
}

// -----

func.func @norm_c4(%x: tensor<4x8xf32>) {
  // expected-error @below {{epsilon: expected 0 or more, got -1}}
  attn.norm rms ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) dimensions = [1] epsilon = -1.0 -> tensor<4x8xf32>
  return
}
