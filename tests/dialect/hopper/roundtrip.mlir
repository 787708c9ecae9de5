// RUN: heed-opt %s | heed-opt | FileCheck %s

// CHECK-LABEL: func @map
// CHECK: hopper.tensor_map %{{.*}} box = [1, 1, 128, 64] : memref<2x8x512x128xbf16> -> !llvm.array<128 x i8>
func.func @map(%k: memref<2x8x512x128xbf16>) {
  %map = hopper.tensor_map %k box = [1, 1, 128, 64] : memref<2x8x512x128xbf16> -> !llvm.array<128 x i8>
  return
}

// Rows at any distance, of sizes known at run time.
// CHECK-LABEL: func @strided
// CHECK: hopper.tensor_map %{{.*}} box = [64, 64] : memref<?x?xf16, strided<[?, 1]>>
func.func @strided(%k: memref<?x?xf16, strided<[?, 1]>>) {
  %map = hopper.tensor_map %k box = [64, 64] : memref<?x?xf16, strided<[?, 1]>> -> !llvm.array<128 x i8>
  return
}

// Both factors in shared memory, from 0 on; then the elements.
// CHECK-LABEL: func @product
// CHECK: %[[S:.*]]:4 = hopper.wgmma bf16 a(%{{.*}}, %{{.*}} : i64, i64) b(%{{.*}}, %{{.*}} : i64, i64) : f32, f32, f32, f32
// CHECK: hopper.wait 0(%[[S]]#0, %[[S]]#1, %[[S]]#2, %[[S]]#3 : f32, f32, f32, f32) : f32, f32, f32, f32
func.func @product(%q: i64, %k: i64) {
  %s:4 = hopper.wgmma bf16 a(%q, %q : i64, i64) b(%k, %k : i64, i64) : f32, f32, f32, f32
  %done:4 = hopper.wait 0 (%s#0, %s#1, %s#2, %s#3 : f32, f32, f32, f32) : f32, f32, f32, f32
  return
}

// The first factor in registers, the second by columns.
// CHECK-LABEL: func @registers
// CHECK: hopper.wgmma f16 columns a(%{{.*}} : i32, i32, i32, i32) b(%{{.*}} : i64) c(%{{.*}} : f32, f32, f32, f32) : f32, f32, f32, f32
func.func @registers(%p: i32, %v: i64, %o: f32) {
  %d:4 = hopper.wgmma f16 columns a(%p, %p, %p, %p : i32, i32, i32, i32) b(%v : i64) c(%o, %o, %o, %o : f32, f32, f32, f32) : f32, f32, f32, f32
  return
}
