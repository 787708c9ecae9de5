// RUN: heed-opt %s --split-input-file --verify-diagnostics

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>

func.func @sdpa_c1_number_of_maps(%x: tensor<1x2x4x8xf32>) {
  // expected-error @below {{maps: expected 4 (one per tensor), got 3}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v] -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (h, i, e)>

func.func @sdpa_c1_rank(%x: tensor<1x2x4x8xf32>) {
  // expected-error @below {{init: map: expected six dims and 4 results, got affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d2, d5)>}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c2_dim_not_allowed(%x: tensor<1x2x4x8xf32>) {
  // expected-error @below {{k: map: expected results among b h j d, h floordiv G, got result 2 of affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d4)>}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, b, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c2_dim_twice(%x: tensor<2x2x4x8xf32>) {
  // expected-error @below {{v: map: expected distinct dims, got b twice}}
  attn.sdpa ins(%x, %x, %x : tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>)
      outs(%x : tensor<2x2x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<2x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c2_dim_missing(%x: tensor<1x2x4x8xf32>, %k: tensor<1x2x4xf32>) {
  // expected-error @below {{k: map: expected d, got affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d3)>}}
  attn.sdpa ins(%x, %k, %x : tensor<1x2x4x8xf32>, tensor<1x2x4xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#m = affine_map<(b, h, i, j, d, e) -> (0, j)>

func.func @sdpa_c2_broadcast_size(%x: tensor<1x2x4x8xf32>, %m: tensor<2x4xi1>) {
  // expected-error @below {{mask: dimension 0: expected 1 (its map is 0), got 2}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) mask(%m : tensor<2x4xi1>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #m, #o] -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (h, i, e)>

func.func @sdpa_c2_init_without_batch(%x: tensor<2x2x4x8xf32>, %o: tensor<2x4x8xf32>) {
  // expected-error @below {{init: map: expected b, got affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d2, d5)>}}
  attn.sdpa ins(%x, %x, %x : tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>)
      outs(%o : tensor<2x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c3_size(%x: tensor<1x2x4x8xf32>, %v: tensor<1x2x5x8xf32>) {
  // expected-error @below {{v: dimension 2: expected 4, got 5}}
  attn.sdpa ins(%x, %x, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x5x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c3_grouped_heads(%x: tensor<1x8x4x8xf32>, %k: tensor<1x4x4x8xf32>) {
  // expected-error @below {{k: dimension 1: expected 2, got 4}}
  attn.sdpa ins(%x, %k, %k : tensor<1x8x4x8xf32>, tensor<1x4x4x8xf32>, tensor<1x4x4x8xf32>)
      outs(%x : tensor<1x8x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<1x8x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c4_element_type(%x: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf16>) {
  // expected-error @below {{k: element type: expected 'f32', got 'f16'}}
  attn.sdpa ins(%x, %k, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf16>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#m = affine_map<(b, h, i, j, d, e) -> (i, j)>

func.func @sdpa_c4_mask_type(%x: tensor<1x2x4x8xf32>, %m: tensor<4x4xf32>) {
  // expected-error @below {{mask: element type: expected i1, got 'f32'}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) mask(%m : tensor<4x4xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #m, #o] -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c5_window(%x: tensor<1x2x4x8xf32>) {
  // expected-error @below {{window: expected entries of -1 or more, got -2}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] {window = array<i64: -2, 0>} -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c5_softcap(%x: tensor<1x2x4x8xf32>) {
  // expected-error @below {{softcap: expected more than 0, got 0}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] {softcap = 0.0 : f64} -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c6_arguments(%x: tensor<1x2x4x8xf32>) {
  // expected-error @below {{score: expected arguments (float, index, index, index, index), got ('f32', 'index')}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] score {
    ^bb0(%s: f32, %j: index):
      attn.yield %s : f32
    } -> tensor<1x2x4x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sdpa_c6_yield(%x: tensor<1x2x4x8xf32>) {
  // expected-error @below {{score: expected attn.yield of one 'f32'}}
  attn.sdpa ins(%x, %x, %x : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%x : tensor<1x2x4x8xf32>) maps = [#q, #k, #v, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      attn.yield %j : index
    } -> tensor<1x2x4x8xf32>
  return
}
