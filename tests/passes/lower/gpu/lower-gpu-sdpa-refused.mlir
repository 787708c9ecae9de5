// RUN: heed-opt %s --heed-lower-gpu-sdpa --split-input-file --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s
// CHECK-NOT: gpu.launch_func
// CHECK-COUNT-7: attn.sdpa

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_elements_are_f64(%x: memref<1x8x64x64xf64>, %o: memref<1x8x64x64xf64>) {
  // expected-remark @below {{elements: expected f16, bf16 or f32}}
  attn.sdpa ins(%x, %x, %x : memref<1x8x64x64xf64>, memref<1x8x64x64xf64>, memref<1x8x64x64xf64>)
      outs(%o : memref<1x8x64x64xf64>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_the_head_is_large(%x: memref<1x1x64x264xf16>, %o: memref<1x1x64x264xf16>) {
  // expected-remark @below {{size of d: expected a constant up to 256}}
  attn.sdpa ins(%x, %x, %x : memref<1x1x64x264xf16>, memref<1x1x64x264xf16>, memref<1x1x64x264xf16>)
      outs(%o : memref<1x1x64x264xf16>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_the_size_of_values_is_not_known(%x: memref<1x1x64x64xf16>, %v: memref<1x1x64x?xf16>, %o: memref<1x1x64x?xf16>) {
  // expected-remark @below {{size of e: expected a constant up to 256}}
  attn.sdpa ins(%x, %x, %v : memref<1x1x64x64xf16>, memref<1x1x64x64xf16>, memref<1x1x64x?xf16>)
      outs(%o : memref<1x1x64x?xf16>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_the_layout_has_no_strides(%x: memref<1x8x64x64xf16>, %v: memref<1x8x64x64xf16, affine_map<(a, b, c, d) -> (a, b, c, d floordiv 2, d mod 2)>>, %o: memref<1x8x64x64xf16>) {
  // expected-remark @below {{layout of v: expected strides}}
  attn.sdpa ins(%x, %x, %v : memref<1x8x64x64xf16>, memref<1x8x64x64xf16>, memref<1x8x64x64xf16, affine_map<(a, b, c, d) -> (a, b, c, d floordiv 2, d mod 2)>>)
      outs(%o : memref<1x8x64x64xf16>) maps = [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @no_kernel_because_the_score_needs_a_library(%x: memref<1x8x64x64xf16>, %o: memref<1x8x64x64xf16>) {
  // expected-remark @below {{score: expected loads and arithmetic of scalars, got math.erf}}
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
func.func @no_kernel_because_the_score_reads_its_own_memory(%x: memref<1x8x64x64xf16>, %o: memref<1x8x64x64xf16>) {
  // expected-remark @below {{score: expected loads and arithmetic of scalars, got memref.alloca}}
  attn.sdpa ins(%x, %x, %x : memref<1x8x64x64xf16>, memref<1x8x64x64xf16>, memref<1x8x64x64xf16>)
      outs(%o : memref<1x8x64x64xf16>) maps = [#q, #k, #v, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slopes = memref.alloca() : memref<8xf32>
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
