// RUN: heed-opt %s --heed-lower-gpu-gate --split-input-file --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s
// CHECK-NOT: gpu.launch_func
// CHECK-COUNT-9: attn.gate

func.func @no_kernel_because_pooled_dims_are_apart(%x: memref<2x8x4x6xf32>) {
  // expected-remark @below {{dimensions: expected all pooled dims beside each other, and all kept ones but the first}}
  attn.gate ins(%x : memref<2x8x4x6xf32>) outs(%x : memref<2x8x4x6xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8x6xf32>):
      attn.yield %p : memref<2x8x6xf32>
    }
  return
}

// -----

func.func @no_kernel_because_elements_are_f64(%x: memref<2x8x4xf64>) {
  // expected-remark @below {{elements: expected f32, f16 or bf16}}
  attn.gate ins(%x : memref<2x8x4xf64>) outs(%x : memref<2x8x4xf64>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf64>):
      attn.yield %p : memref<2x8xf64>
    }
  return
}

// -----

func.func @no_kernel_because_images_have_gaps(%x: memref<2x8x4xf32, strided<[64, 8, 1]>>) {
  // expected-remark @below {{layout: expected contiguous images}}
  attn.gate ins(%x : memref<2x8x4xf32, strided<[64, 8, 1]>>) outs(%x : memref<2x8x4xf32, strided<[64, 8, 1]>>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf32>):
      attn.yield %p : memref<2x8xf32>
    }
  return
}

// -----

func.func @no_kernel_because_g_has_gaps(%x: memref<2x8x4xf32>, %g: memref<2x8xf32, strided<[16, 2]>>) {
  // expected-remark @below {{excite: expected a contiguous result}}
  attn.gate ins(%x : memref<2x8x4xf32>) outs(%x : memref<2x8x4xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf32>):
      attn.yield %g : memref<2x8xf32, strided<[16, 2]>>
    }
  return
}

// -----

func.func @no_kernel_because_epilogue_calls_a_library(%x: memref<2x8x4xf32>) {
  // expected-remark @below {{epilogue: expected arithmetic of scalars, got math.sin}}
  attn.gate ins(%x : memref<2x8x4xf32>) outs(%x : memref<2x8x4xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf32>):
      attn.yield %p : memref<2x8xf32>
    } epilogue {
    ^bb0(%a: f32, %b: f32):
      %0 = math.sin %a : f32
      attn.yield %0 : f32
    }
  return
}

// -----

func.func @no_kernel_because_excite_has_other_ops(%x: memref<2x8x4xf32>, %v: f32) {
  // expected-remark @below {{excite: memref.store: expected linalg ops of one result}}
  attn.gate ins(%x : memref<2x8x4xf32>) outs(%x : memref<2x8x4xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf32>):
      %c0 = arith.constant 0 : index
      memref.store %v, %p[%c0, %c0] : memref<2x8xf32>
      attn.yield %p : memref<2x8xf32>
    }
  return
}

// -----

func.func @no_kernel_because_excite_calls_a_library(%x: memref<2x8x4xf32>) {
  // expected-remark @below {{excite: linalg.generic: expected arithmetic of scalars, got math.cos}}
  attn.gate ins(%x : memref<2x8x4xf32>) outs(%x : memref<2x8x4xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf32>):
      linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} outs(%p : memref<2x8xf32>) {
      ^bb0(%out: f32):
        %0 = math.cos %out : f32
        linalg.yield %0 : f32
      }
      attn.yield %p : memref<2x8xf32>
    }
  return
}

// -----

func.func @no_kernel_because_excite_is_f64_inside(%x: memref<2x8x4xf32>, %w: memref<2x8xf64>) {
  // expected-remark @below {{excite: linalg.fill: expected elements of up to 32 bits, or integers}}
  attn.gate ins(%x : memref<2x8x4xf32>) outs(%x : memref<2x8x4xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf32>):
      %zero = arith.constant 0.0 : f64
      linalg.fill ins(%zero : f64) outs(%w : memref<2x8xf64>)
      attn.yield %p : memref<2x8xf32>
    }
  return
}

// -----

#dilated = affine_map<(d0, d1, d2) -> (d0, (d1 + d2) ceildiv 2)>
func.func @no_kernel_because_indices_are_rounded_up(%x: memref<2x8x4xf32>, %w: memref<2x8xf32>, %w2: memref<3xf32>) {
  // expected-remark @below {{excite: linalg.generic: expected sums and products of indices}}
  attn.gate ins(%x : memref<2x8x4xf32>) outs(%x : memref<2x8x4xf32>) dimensions = [2] pools = [avg] excite {
    ^bb0(%p: memref<2x8xf32>):
      linalg.generic {indexing_maps = [#dilated, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%w, %w2 : memref<2x8xf32>, memref<3xf32>) outs(%p : memref<2x8xf32>) {
      ^bb0(%in: f32, %tap: f32, %out: f32):
        %0 = arith.addf %in, %out : f32
        linalg.yield %0 : f32
      }
      attn.yield %p : memref<2x8xf32>
    }
  return
}
