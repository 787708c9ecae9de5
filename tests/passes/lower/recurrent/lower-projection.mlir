// RUN: heed-opt %s --heed-lower-projection | FileCheck %s
// RUN: heed-opt %s --heed-lower-projection=onednn=true | FileCheck %s --check-prefix=LIBRARY

// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>

// One product for both directions; the bias goes with it.
// CHECK-LABEL: func @both_directions
// CHECK-SAME: (%[[X1:.*]]: tensor<?x?x8xf32>, %[[W1:.*]]: tensor<2x16x8xf32>, %[[R:.*]]: tensor<2x16x16xf32>, %[[B:.*]]: tensor<2x16xf32>, %[[H:.*]]: tensor<2x?x16xf32>)
func.func @both_directions(%x: tensor<?x?x8xf32>, %w: tensor<2x16x8xf32>, %r: tensor<2x16x16xf32>, %b: tensor<2x16xf32>, %h: tensor<2x?x16xf32>) -> tensor<2x?x16xf32> {
  // CHECK: %[[M:.*]] = tensor.collapse_shape %[[W1]] {{\[\[}}0, 1], [2]] : tensor<2x16x8xf32> into tensor<32x8xf32>
  // CHECK: %[[ROW:.*]] = tensor.collapse_shape %[[B]]
  // CHECK: %[[INIT:.*]] = linalg.broadcast ins(%[[ROW]] : tensor<32xf32>) {{.*}} dimensions = [0, 1]
  // CHECK: %[[P:.*]] = linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[A]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[X1]], %[[M]] {{.*}} outs(%[[INIT]]
  // CHECK: attn.recurrent rnn bidirectional ins(%[[P]] : tensor<?x?x32xf32>) weights(%[[R]] : tensor<2x16x16xf32>) h(%[[H]]
  %h1 = attn.recurrent rnn bidirectional ins(%x : tensor<?x?x8xf32>) input_weights(%w : tensor<2x16x8xf32>)
      weights(%r : tensor<2x16x16xf32>) bias(%b : tensor<2x16xf32>) h(%h : tensor<2x?x16xf32>) -> tensor<2x?x16xf32>
  return %h1 : tensor<2x?x16xf32>
}

// CHECK-LABEL: func @projected_already
// CHECK-NEXT: attn.recurrent rnn forward
func.func @projected_already(%a: tensor<5x2x16xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %h1 = attn.recurrent rnn forward ins(%a : tensor<5x2x16xf32>) weights(%r : tensor<1x16x16xf32>) h(%h : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}

// Both directions with the same functions: the kernel's.
// CHECK-LABEL: func @same_functions_stay
// CHECK: attn.recurrent
func.func @same_functions_stay(%a: tensor<5x2x32xf32>, %r: tensor<2x16x16xf32>, %h: tensor<2x2x16xf32>) -> tensor<2x2x16xf32> {
  %h1 = attn.recurrent rnn bidirectional ins(%a : tensor<5x2x32xf32>) weights(%r : tensor<2x16x16xf32>) h(%h : tensor<2x2x16xf32>)
      activations = ["relu", "relu"] -> tensor<2x2x16xf32>
  return %h1 : tensor<2x2x16xf32>
}

// CHECK-LABEL: func @f64_is_decomposed
// CHECK-NOT: attn.recurrent
// CHECK: scf.for
func.func @f64_is_decomposed(%a: tensor<5x2x16xf64>, %r: tensor<1x16x16xf64>, %h: tensor<1x2x16xf64>) -> tensor<1x2x16xf64> {
  %h1 = attn.recurrent rnn forward ins(%a : tensor<5x2x16xf64>) weights(%r : tensor<1x16x16xf64>) h(%h : tensor<1x2x16xf64>) -> tensor<1x2x16xf64>
  return %h1 : tensor<1x2x16xf64>
}

// CHECK-LABEL: func @two_cells_are_decomposed
// CHECK-NOT: attn.recurrent
// CHECK-COUNT-2: scf.for
func.func @two_cells_are_decomposed(%a: tensor<5x2x32xf32>, %r: tensor<2x16x16xf32>, %h: tensor<2x2x16xf32>) -> tensor<2x2x16xf32> {
  %h1 = attn.recurrent rnn bidirectional ins(%a : tensor<5x2x32xf32>) weights(%r : tensor<2x16x16xf32>) h(%h : tensor<2x2x16xf32>)
      activations = ["tanh", "relu"] -> tensor<2x2x16xf32>
  return %h1 : tensor<2x2x16xf32>
}

// A mark has a layer go to the library, if there is one and it holds the layer:
// weights must be constants, functions the usual ones.
// CHECK-LABEL: func @marked
// CHECK-NOT: library
// CHECK-LABEL: func @marked_relu
// LIBRARY-LABEL: func @marked
// LIBRARY: attn.recurrent gru forward {{.*}} input_weights({{.*}} {library}
// LIBRARY-LABEL: func @marked_relu
// LIBRARY: attn.recurrent rnn forward {{.*}} input_weights({{.*}} {library}
// LIBRARY-LABEL: func @marked_for_nothing_because_weights_are_inputs
// LIBRARY-NOT: library
// LIBRARY-LABEL: func @marked_for_nothing_because_of_clip
// LIBRARY-NOT: library
func.func @marked(%x: tensor<5x2x8xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %w = arith.constant dense<0.5> : tensor<1x48x8xf32>
  %r = arith.constant dense<0.5> : tensor<1x48x16xf32>
  %h1 = attn.recurrent gru forward ins(%x : tensor<5x2x8xf32>) input_weights(%w : tensor<1x48x8xf32>) weights(%r : tensor<1x48x16xf32>)
      h(%h : tensor<1x2x16xf32>) {library} -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}
func.func @marked_relu(%x: tensor<5x2x8xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %w = arith.constant dense<0.5> : tensor<1x16x8xf32>
  %r = arith.constant dense<0.5> : tensor<1x16x16xf32>
  %h1 = attn.recurrent rnn forward ins(%x : tensor<5x2x8xf32>) input_weights(%w : tensor<1x16x8xf32>) weights(%r : tensor<1x16x16xf32>)
      h(%h : tensor<1x2x16xf32>) activations = ["relu"] {library} -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}
func.func @marked_for_nothing_because_weights_are_inputs(%x: tensor<5x2x8xf32>, %w: tensor<1x16x8xf32>, %r: tensor<1x16x16xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %h1 = attn.recurrent rnn forward ins(%x : tensor<5x2x8xf32>) input_weights(%w : tensor<1x16x8xf32>) weights(%r : tensor<1x16x16xf32>)
      h(%h : tensor<1x2x16xf32>) {library} -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}
func.func @marked_for_nothing_because_of_clip(%x: tensor<5x2x8xf32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %w = arith.constant dense<0.5> : tensor<1x16x8xf32>
  %r = arith.constant dense<0.5> : tensor<1x16x16xf32>
  %h1 = attn.recurrent rnn forward ins(%x : tensor<5x2x8xf32>) input_weights(%w : tensor<1x16x8xf32>) weights(%r : tensor<1x16x16xf32>)
      h(%h : tensor<1x2x16xf32>) {clip = 1.0, library} -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}
