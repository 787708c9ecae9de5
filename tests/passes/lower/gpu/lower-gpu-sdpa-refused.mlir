// RUN: heed-opt %s --heed-lower-gpu-sdpa --split-input-file --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s
// CHECK-NOT: gpu.launch_func
// CHECK-COUNT-8: attn.sdpa

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_elements_are_f32(%x: memref<1x8x64x64xf32>, %o: memref<1x8x64x64xf32>) {
  // expected-remark @below {{elements: expected f16 or bf16}}
  attn.sdpa ins(%x, %x, %x : memref<1x8x64x64xf32>, memref<1x8x64x64xf32>, memref<1x8x64x64xf32>)
      outs(%o : memref<1x8x64x64xf32>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_the_head_is_large(%x: memref<1x1x64x264xf16>, %o: memref<1x1x64x264xf16>) {
  // expected-remark @below {{size of d: expected a constant multiple of 8 up to 256}}
  attn.sdpa ins(%x, %x, %x : memref<1x1x64x264xf16>, memref<1x1x64x264xf16>, memref<1x1x64x264xf16>)
      outs(%o : memref<1x1x64x264xf16>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_values_are_no_multiple_of_8(%x: memref<1x1x64x64xf16>, %v: memref<1x1x64x20xf16>, %o: memref<1x1x64x20xf16>) {
  // expected-remark @below {{size of e: expected a constant multiple of 8 up to 256}}
  attn.sdpa ins(%x, %x, %v : memref<1x1x64x64xf16>, memref<1x1x64x64xf16>, memref<1x1x64x20xf16>)
      outs(%o : memref<1x1x64x20xf16>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, d, j)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_keys_are_transposed(%x: memref<1x8x64x64xf16>, %o: memref<1x8x64x64xf16>) {
  // expected-remark @below {{layout of k: expected contiguous rows that begin at multiples of 16 bytes}}
  attn.sdpa ins(%x, %x, %x : memref<1x8x64x64xf16>, memref<1x8x64x64xf16>, memref<1x8x64x64xf16>)
      outs(%o : memref<1x8x64x64xf16>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_rows_begin_anywhere(%x: memref<1x8x64x64xf16>, %v: memref<1x8x64x64xf16, strided<[?, ?, 65, 1]>>, %o: memref<1x8x64x64xf16>) {
  // expected-remark @below {{layout of v: expected contiguous rows}}
  attn.sdpa ins(%x, %x, %v : memref<1x8x64x64xf16>, memref<1x8x64x64xf16>, memref<1x8x64x64xf16, strided<[?, ?, 65, 1]>>)
      outs(%o : memref<1x8x64x64xf16>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_the_score_needs_a_library(%x: memref<1x8x64x64xf16>, %o: memref<1x8x64x64xf16>) {
  // expected-remark @below {{score: expected arithmetic of scalars, got math.erf}}
  attn.sdpa ins(%x, %x, %x : memref<1x8x64x64xf16>, memref<1x8x64x64xf16>, memref<1x8x64x64xf16>)
      outs(%o : memref<1x8x64x64xf16>) maps = [#q, #k, #v, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %y = math.erf %s : f32
      attn.yield %y : f32
    }
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_the_score_reads_memory(%x: memref<1x8x64x64xf16>, %slopes: memref<8xf32>, %o: memref<1x8x64x64xf16>) {
  // expected-remark @below {{score: expected arithmetic of scalars, got memref.load}}
  attn.sdpa ins(%x, %x, %x : memref<1x8x64x64xf16>, memref<1x8x64x64xf16>, memref<1x8x64x64xf16>)
      outs(%o : memref<1x8x64x64xf16>) maps = [#q, #k, #v, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slope = memref.load %slopes[%h] : memref<8xf32>
      %y = arith.mulf %s, %slope : f32
      attn.yield %y : f32
    }
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_it_is_no_buffer(%x: tensor<1x8x64x64xf16>) -> tensor<1x8x64x64xf16> {
  %o = attn.sdpa ins(%x, %x, %x : tensor<1x8x64x64xf16>, tensor<1x8x64x64xf16>, tensor<1x8x64x64xf16>)
      outs(%x : tensor<1x8x64x64xf16>) maps = [#q, #k, #v, #o] -> tensor<1x8x64x64xf16>
  return %o : tensor<1x8x64x64xf16>
}
