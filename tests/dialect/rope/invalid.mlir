// RUN: heed-opt %s --split-input-file --verify-diagnostics

func.func @rope_x(%x: tensor<4x8xi32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xi32>) {
  // expected-error @below {{x: expected a ranked shape of floats, got 'tensor<4x8xi32>'}}
  attn.rope ins(%x : tensor<4x8xi32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xi32>) dimension = 1 rotated = 8 -> tensor<4x8xi32>
  return
}

// -----

func.func @rope_c1_shape(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x9xf32>) {
  // expected-error @below {{init: expected the shape and elements of x ('tensor<4x8xf32>'), got 'tensor<4x9xf32>'}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x9xf32>) dimension = 1 rotated = 8 -> tensor<4x9xf32>
  return
}

// -----

func.func @rope_c1_elements(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf16>) {
  // expected-error @below {{init: expected the shape and elements of x ('tensor<4x8xf32>'), got 'tensor<4x8xf16>'}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf16>) dimension = 1 rotated = 8 -> tensor<4x8xf16>
  return
}

// -----

func.func @rope_c2_range(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{dimension: expected one of x, of static size, got 2}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 2 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c2_static(%x: tensor<4x?xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x?xf32>) {
  // expected-error @below {{dimension: expected one of x, of static size, got 1}}
  attn.rope ins(%x : tensor<4x?xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x?xf32>) dimension = 1 rotated = 8 -> tensor<4x?xf32>
  return
}

// -----

func.func @rope_c3_odd(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{rotated: expected an even number in [2, 8], got 7}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 7 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c3_large(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{rotated: expected an even number in [2, 8], got 10}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 10 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c3_none(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{rotated: expected an even number in [2, 8], got 0}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 0 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_elements(%x: tensor<4x8xf32>, %c: tensor<4x4xi32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{cos: expected a ranked shape of floats, got 'tensor<4x4xi32>'}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xi32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_count(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{cos: expected one dim of x for each of its 2 dims, got 1}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_twice(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{cos: expected different dims of x in [0, 2), got 1}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [1, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_range(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{cos: expected different dims of x in [0, 2), got 2}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [2, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_pairs(%x: tensor<4x8xf32>, %c: tensor<4x6xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{cos: dimension 1: expected 4 or 8, got 6}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x6xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_dynamic_pairs(%x: tensor<4x8xf32>, %c: tensor<4x?xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{cos: dimension 1: expected 4 or 8, got a dynamic size}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x?xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_size(%x: tensor<4x8xf32>, %c: tensor<5x4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{cos: dimension 0: expected 4 of x, got 5}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<5x4xf32>) over [0, 1] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_rotated(%x: tensor<4x8xf32>, %c: tensor<4xf32>, %s: tensor<4x4xf32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{cos: expected the rotated dimension 1 among its dims}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4xf32>) over [0] sin(%s : tensor<4x4xf32>) over [0, 1] outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}

// -----

func.func @rope_c4_sine(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>, %s: tensor<5x4xf32>) {
  // expected-error @below {{sin: dimension 0: expected 4 of x, got 5}}
  attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x4xf32>) over [0, 1] sin(%s : tensor<5x4xf32>) over [0, 1] outs(%x : tensor<4x8xf32>) dimension = 1 rotated = 8 -> tensor<4x8xf32>
  return
}
