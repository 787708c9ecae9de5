// RUN: heed-opt %s --split-input-file --verify-diagnostics

func.func @rank(%k: memref<1x1x1x1x8x64xbf16>) {
  // expected-error@+1 {{source: expected 1 to 5 dims, got 6}}
  %map = hopper.tensor_map %k box = [1, 1, 1, 1, 8, 64] : memref<1x1x1x1x8x64xbf16> -> !llvm.array<128 x i8>
  return
}

// -----

func.func @last_dim(%k: memref<8x64xbf16, strided<[1, 8]>>) {
  // expected-error@+1 {{source: expected a contiguous last dim, got 'memref<8x64xbf16, strided<[1, 8]>>'}}
  %map = hopper.tensor_map %k box = [8, 64] : memref<8x64xbf16, strided<[1, 8]>> -> !llvm.array<128 x i8>
  return
}

// -----

func.func @element(%k: memref<8x64xf32>) {
  // expected-error@+1 {{source: expected elements f16 or bf16, got 'f32'}}
  %map = hopper.tensor_map %k box = [8, 64] : memref<8x64xf32> -> !llvm.array<128 x i8>
  return
}

// -----

func.func @box_rank(%k: memref<8x64xf16>) {
  // expected-error@+1 {{box: expected 2 sizes, got 1}}
  %map = hopper.tensor_map %k box = [64] : memref<8x64xf16> -> !llvm.array<128 x i8>
  return
}

// -----

func.func @box_size(%k: memref<1024x64xf16>) {
  // expected-error@+1 {{box: expected sizes of 1 to 256, got 512}}
  %map = hopper.tensor_map %k box = [512, 64] : memref<1024x64xf16> -> !llvm.array<128 x i8>
  return
}

// -----

func.func @box_row(%k: memref<8x128xf16>) {
  // expected-error@+1 {{box: expected rows of 64 elements, got 128}}
  %map = hopper.tensor_map %k box = [8, 128] : memref<8x128xf16> -> !llvm.array<128 x i8>
  return
}

// -----

func.func @product_element(%q: i64) {
  // expected-error@+1 {{element: expected f16 or bf16, got 'f32'}}
  %s:4 = hopper.wgmma f32 a(%q : i64) b(%q : i64) : f32, f32, f32, f32
  return
}

// -----

func.func @no_step() {
  // expected-error@+1 {{b: expected one descriptor at least}}
  %s:4 = "hopper.wgmma"() <{element = f16, operandSegmentSizes = array<i32: 0, 0, 0>}> : () -> (f32, f32, f32, f32)
  return
}

// -----

func.func @steps(%q: i64) {
  // expected-error@+1 {{a: expected one i64 or four i32 for each of 2 steps, got 1 operands}}
  %s:4 = hopper.wgmma f16 a(%q : i64) b(%q, %q : i64, i64) : f32, f32, f32, f32
  return
}

// -----

func.func @columns(%q: i64) {
  // expected-error@+1 {{d: expected the half of a multiple of 8 up to 256, got 3 elements}}
  %s:3 = hopper.wgmma f16 a(%q : i64) b(%q : i64) : f32, f32, f32
  return
}

// -----

func.func @sums(%q: i64, %c: f32) {
  // expected-error@+1 {{c: expected none or 4 elements, got 1}}
  %s:4 = hopper.wgmma f16 a(%q : i64) b(%q : i64) c(%c : f32) : f32, f32, f32, f32
  return
}

// -----

func.func @results(%s: f32) {
  // expected-error@+1 {{expected 1 results, got 2}}
  %done:2 = hopper.wait 0 (%s : f32) : f32, f32
  return
}

// -----

func.func @pending(%s: f32) {
  // expected-error@+1 {{pending: expected 0 to 7, got 8}}
  %done = hopper.wait 8 (%s : f32) : f32
  return
}
