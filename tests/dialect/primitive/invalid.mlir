// RUN: heed-opt %s --split-input-file --verify-diagnostics

// primitive_c1
func.func @no_weights(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{weights: expected, got none}}
  %0 = attn.primitive matmul ins(%x : tensor<2x3xf32>) outs(%y : tensor<2x4xf32>) layouts = [[0, 1], [0, 1]] -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @too_few_layouts(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{layouts: expected 2 (one an operand), got 1}}
  %0 = attn.primitive reorder ins(%x : tensor<2x3xf32>) outs(%y : tensor<2x3xf32>) layouts = [[0, 1]] -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @layout_too_short(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{weights: expected a layout of 2 logical dims, got 3}}
  %0 = attn.primitive matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%y : tensor<2x4xf32>)
      layouts = [[0, 1], [-1, 0, 1], [0, 1]] -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @mixed_types(%x: tensor<2x3xf64>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{operand 0: expected a ranked shape of 'f32', got 'tensor<2x3xf64>'}}
  %0 = attn.primitive reorder ins(%x : tensor<2x3xf64>) outs(%y : tensor<2x3xf32>) layouts = [[0, 1], [0, 1]] -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// primitive_c2
func.func @dim_twice(%x: tensor<3x3xf32>, %y: tensor<3x3xf32>) -> tensor<3x3xf32> {
  // expected-error @below {{layouts: entry 0: dimension 0 of a shape of rank 2 is out of range or named twice}}
  %0 = attn.primitive reorder ins(%x : tensor<3x3xf32>) outs(%y : tensor<3x3xf32>) layouts = [[0, 0], [0, 1]] -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

func.func @dim_forgotten(%x: tensor<3x3xf32>, %y: tensor<3x3xf32>) -> tensor<3x3xf32> {
  // expected-error @below {{layouts: entry 0: expected all 2 dimensions to be named}}
  %0 = attn.primitive reorder ins(%x : tensor<3x3xf32>) outs(%y : tensor<3x3xf32>) layouts = [[0, -1], [0, 1]] -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

// primitive_c3
func.func @no_strides(%x: tensor<1x4x8xf32>, %y: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // expected-error @below {{strides: expected 1 entries, got 0}}
  %0 = attn.primitive pool_max ins(%x : tensor<1x4x8xf32>) outs(%y : tensor<1x4x4xf32>) layouts = [[0, 1, 2], [0, 1, 2]] -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}

// -----

func.func @negative_pad(%x: tensor<1x4x8xf32>, %y: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // expected-error @below {{pad_low: expected at least 0, got -1}}
  %0 = attn.primitive pool_max ins(%x : tensor<1x4x8xf32>) outs(%y : tensor<1x4x4xf32>) layouts = [[0, 1, 2], [0, 1, 2]]
      {dilations = array<i64: 1>, kernel = array<i64: 2>, pad_high = array<i64: 0>, pad_low = array<i64: -1>, strides = array<i64: 2>} -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}

// -----

// primitive_c4
func.func @reduction_sizes(%x: tensor<2x3xf32>, %w: tensor<5x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{weights: dim k: expected 3, got 5}}
  %0 = attn.primitive matmul ins(%x, %w : tensor<2x3xf32>, tensor<5x4xf32>) outs(%y : tensor<2x4xf32>)
      layouts = [[0, 1], [0, 1], [0, 1]] -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @spatial_size(%x: tensor<1x4x8xf32>, %y: tensor<1x4x5xf32>) -> tensor<1x4x5xf32> {
  // expected-error @below {{init: spatial dim 0: expected 4, got 5}}
  %0 = attn.primitive pool_max ins(%x : tensor<1x4x8xf32>) outs(%y : tensor<1x4x5xf32>) layouts = [[0, 1, 2], [0, 1, 2]]
      {dilations = array<i64: 1>, kernel = array<i64: 2>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 2>} -> tensor<1x4x5xf32>
  return %0 : tensor<1x4x5xf32>
}

// -----

func.func @groups(%x: tensor<1x4x8xf32>, %w: tensor<2x3x1x1xf32>, %y: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  // expected-error @below {{src: dim c: expected 2, got 4}}
  %0 = attn.primitive convolution ins(%x, %w : tensor<1x4x8xf32>, tensor<2x3x1x1xf32>) outs(%y : tensor<1x6x8xf32>)
      layouts = [[0, 1, 2], [0, 1, 2, 3], [0, 1, 2]]
      {dilations = array<i64: 1>, kernel = array<i64: 1>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 1>} -> tensor<1x6x8xf32>
  return %0 : tensor<1x6x8xf32>
}

// -----

func.func @post_size(%x: tensor<1x4x8xf32>, %r: tensor<5xf32>, %y: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // expected-error @below {{post: dim 1: expected 4, got 5}}
  %0 = attn.primitive pool_max ins(%x : tensor<1x4x8xf32>) post(%r : tensor<5xf32>) outs(%y : tensor<1x4x4xf32>)
      layouts = [[0, 1, 2], [-1, 0, -1], [0, 1, 2]] post_ops = [#attn.post_op<add>]
      {dilations = array<i64: 1>, kernel = array<i64: 2>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 2>} -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}

// -----

// primitive_c5
func.func @post_count(%x: tensor<1x4x8xf32>, %y: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // expected-error @below {{post: expected 1 tensors (one a binary post-op), got 0}}
  %0 = attn.primitive pool_max ins(%x : tensor<1x4x8xf32>) outs(%y : tensor<1x4x4xf32>)
      layouts = [[0, 1, 2], [0, 1, 2]] post_ops = [#attn.post_op<add>]
      {dilations = array<i64: 1>, kernel = array<i64: 2>, pad_high = array<i64: 0>, pad_low = array<i64: 0>, strides = array<i64: 2>} -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}

// -----

func.func @post_of_reorder(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{post_ops: expected none, got 1}}
  %0 = attn.primitive reorder ins(%x : tensor<2x3xf32>) outs(%y : tensor<2x3xf32>)
      layouts = [[0, 1], [0, 1]] post_ops = [#attn.post_op<relu>] -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// expected-error @below {{post-op: unknown kind 'softplus'}}
func.func private @post_op_kind() attributes {attn.a = #attn.post_op<softplus>}
