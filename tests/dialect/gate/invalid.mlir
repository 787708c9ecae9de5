// RUN: heed-opt %s --split-input-file --verify-diagnostics

func.func @gate_c1_init(%x: tensor<1x8x4x4xf32>, %o: tensor<1x8x4x5xf32>) {
  // expected-error @below {{init: expected the shape of x ('tensor<1x8x4x4xf32>'), got 'tensor<1x8x4x5xf32>'}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%o : tensor<1x8x4x5xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x5xf32>
  return
}

// -----

func.func @gate_c1_extra(%x: tensor<1x8x4x4xf32>, %r: tensor<1x8x4xf32>) {
  // expected-error @below {{extra 0: expected the shape of x ('tensor<1x8x4x4xf32>'), got 'tensor<1x8x4xf32>'}}
  attn.gate ins(%x, %r : tensor<1x8x4x4xf32>, tensor<1x8x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c2_no_dimensions(%x: tensor<1x8x4x4xf32>) {
  // expected-error @below {{dimensions: expected at least one, got none}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [] pools = [avg] excite {
    ^bb0(%p: tensor<1x8x4x4xf32>):
      attn.yield %p : tensor<1x8x4x4xf32>
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c2_order(%x: tensor<1x8x4x4xf32>) {
  // expected-error @below {{dimensions: expected strictly increasing values in [0, 4), got 2}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [3, 2] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c3_no_pools(%x: tensor<1x8x4x4xf32>) {
  // expected-error @below {{excite: expected 0 arguments (one per pool), got 1}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c3_arguments(%x: tensor<1x8x4x4xf32>) {
  // expected-error @below {{excite: expected 2 arguments (one per pool), got 1}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg, max] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c3_argument_type(%x: tensor<1x8x4x4xf32>, %g: tensor<1x8xf32>) {
  // expected-error @below {{excite: argument 0: expected 'tensor<1x8xf32>', got 'tensor<1x9xf32>'}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x9xf32>):
      attn.yield %g : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c4_yield(%x: tensor<1x8x4x4xf32>) {
  // expected-error @below {{excite: expected attn.yield of one 'tensor<1x8xf32>'}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p, %p : tensor<1x8xf32>, tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c5_extras_without_epilogue(%x: tensor<1x8x4x4xf32>) {
  // expected-error @below {{extras: expected none without an epilogue, got 1}}
  attn.gate ins(%x, %x : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c5_init_type(%x: tensor<1x8x4x4xf32>, %o: tensor<1x8x4x4xf16>) {
  // expected-error @below {{init: element type: expected that of x without an epilogue ('f32'), got 'f16'}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%o : tensor<1x8x4x4xf16>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } -> tensor<1x8x4x4xf16>
  return
}

// -----

func.func @gate_c5_epilogue_arguments(%x: tensor<1x8x4x4xf32>) {
  // expected-error @below {{epilogue: expected arguments ('f32', 'f32'), got ('f32')}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } epilogue {
    ^bb0(%a: f32):
      attn.yield %a : f32
    } -> tensor<1x8x4x4xf32>
  return
}

// -----

func.func @gate_c5_epilogue_yield(%x: tensor<1x8x4x4xf32>, %i: i32) {
  // expected-error @below {{epilogue: expected attn.yield of one 'f32'}}
  attn.gate ins(%x : tensor<1x8x4x4xf32>) outs(%x : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
    ^bb0(%p: tensor<1x8xf32>):
      attn.yield %p : tensor<1x8xf32>
    } epilogue {
    ^bb0(%a: f32, %b: f32):
      attn.yield %i : i32
    } -> tensor<1x8x4x4xf32>
  return
}
