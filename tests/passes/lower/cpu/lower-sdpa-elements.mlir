// RUN: heed-opt %s --heed-lower-sdpa=mcpu=znver4 --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-sdpa=mcpu=haswell --canonicalize --cse | FileCheck %s --check-prefix=AVX2

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Pairs of bf16 where the CPU multiplies them: 32 pairs of d, 65 of keys, whose
// last has a zero. p is rounded in the place of s, o where it is stored.
// CHECK-LABEL: func @bf16
// CHECK: %[[K:.*]] = memref.alloc() {{.*}} : memref<1x8x3x32x64xi32>
// CHECK: vector.load {{.*}} vector<32xbf16>
// CHECK: %[[V:.*]] = memref.alloc() {{.*}} : memref<1x8x65x64xi32>
// CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : vector<16xbf16>
// CHECK: %[[BYTES:.*]] = memref.alloca() {{.*}}xi8>
// CHECK: %[[S:.*]] = memref.view %[[BYTES]]{{.*}}xf32>
// CHECK: %[[P:.*]] = memref.view %[[BYTES]]{{.*}}xbf16>
// CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK: arith.truncf {{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK: vector.store {{.*}}, %[[P]]
// CHECK: vector.load %[[P]]{{.*}} vector<2xbf16>
// CHECK: vector.load %[[V]]{{.*}} vector<16xi32>
// Widened where they are packed, else; so are the rows of q.
// AVX2-LABEL: func @bf16
// AVX2: memref.alloc() {{.*}} : memref<1x8x9x64x16xf32>
// AVX2: vector.load {{.*}} vector<8xbf16>
// AVX2: arith.extf {{.*}} : vector<8xbf16> to vector<8xf32>
// AVX2: %[[Q:.*]] = memref.alloca() {{.*}} : memref<100x64xf32>
// AVX2: vector.store {{.*}}, %[[Q]]
// AVX2: memref.load %[[Q]]
// AVX2-NOT: dpbf16ps
func.func @bf16(%q: memref<1x8x100x64xbf16>, %k: memref<1x8x129x64xbf16>, %v: memref<1x8x129x64xbf16>, %o: memref<1x8x100x64xbf16>) {
  attn.sdpa ins(%q, %k, %v : memref<1x8x100x64xbf16>, memref<1x8x129x64xbf16>, memref<1x8x129x64xbf16>)
      outs(%o : memref<1x8x100x64xbf16>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
  return
}

// f16 is widened everywhere: its products are f32.
// CHECK-LABEL: func @f16
// CHECK: memref.alloc() {{.*}} : memref<1x8x2x64x64xf32>
// CHECK: arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
// CHECK: math.fma
// CHECK: arith.truncf {{.*}} : vector<16xf32> to vector<16xf16>
func.func @f16(%q: memref<1x8x100x64xf16>, %k: memref<1x8x128x64xf16>, %v: memref<1x8x128x64xf16>, %o: memref<1x8x100x64xf16>) {
  attn.sdpa ins(%q, %k, %v : memref<1x8x100x64xf16>, memref<1x8x128x64xf16>, memref<1x8x128x64xf16>)
      outs(%o : memref<1x8x100x64xf16>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
  return
}
