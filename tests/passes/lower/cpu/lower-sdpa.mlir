// RUN: heed-opt %s --heed-lower-sdpa=mcpu=sapphirerapids --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-sdpa=mcpu=haswell --canonicalize --cse | FileCheck %s --check-prefix=AVX2

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#q_bshd = affine_map<(b, h, i, j, d, e) -> (b, i, h, d)>
#k_gqa = affine_map<(b, h, i, j, d, e) -> (b, j, h floordiv 4, d)>
#v_gqa = affine_map<(b, h, i, j, d, e) -> (b, j, h floordiv 4, e)>
#o_bshd = affine_map<(b, h, i, j, d, e) -> (b, i, h, e)>
#ij = affine_map<(b, h, i, j, d, e) -> (i, j)>

// One block of keys: tiles of 6 x 4 vectors for 120 queries, 4 x 4 for 8; no
// S x S buffer, no rescaling of o, no masking.
// CHECK-LABEL: func @one_block
// CHECK-SAME: %[[Q:[a-z0-9]+]]: {{[^,]*}}, %[[K:[a-z0-9]+]]: {{[^,]*}}, %[[V:[a-z0-9]+]]
// CHECK-NOT: attn.sdpa
// CHECK: %[[KT:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x8x2x64x64xf32>
// CHECK: scf.parallel ({{.*}}) = (%c0, %c0) to (%c8, %c2)
// CHECK-COUNT-64: vector.shuffle
// CHECK: scf.parallel ({{.*}}) = (%c0) to (%c8)
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<128x144xf32>
// CHECK-DAG: %[[INVERSE:.*]] = memref.alloca() {alignment = 64 : i64} : memref<128xf32>
// CHECK-NOT: memref<128x64xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c120 step %c6
// CHECK: scf.for %{{.*}} = %c0 to %c64 step %c1 iter_args
// CHECK-COUNT-4: vector.load %[[KT]]
// CHECK-COUNT-24: math.fma {{.*}} vector<16xf32>
// CHECK-NOT: math.fma
// CHECK: scf.for %{{.*}} = %c120 to %c128 step %c4
// CHECK-COUNT-16: math.fma {{.*}} vector<16xf32>
// CHECK-NOT: scf.if
// CHECK: vector.shuffle
// All maxima, then all exponentials, whose exponents are one multiply-add.
// CHECK: scf.for %{{.*}} = %c0 to %c128 step %c1
// CHECK: %[[M:.*]] = arith.negf %{{.*}} : vector<16xf32>
// CHECK: math.fma %{{.*}}, %{{.*}}, %[[M]] : vector<16xf32>
// CHECK: arith.shli
// CHECK: vector.reduction <add>
// CHECK: arith.divf
// o needs no buffer: the tiles divide by l and write the output.
// CHECK: scf.for %{{.*}} = %c0 to %c120 step %c6
// CHECK: scf.for %{{.*}} = %c0 to %c128 step %c1 iter_args
// CHECK-COUNT-4: vector.load %[[V]]
// AVX2-LABEL: func @one_block
// AVX2: memref.alloc() {alignment = 64 : i64} : memref<1x8x8x64x16xf32>
// AVX2: scf.for %{{.*}} = %c0 to %c120 step %c6
// AVX2-COUNT-12: math.fma {{.*}} vector<8xf32>
// AVX2-NOT: math.fma
// AVX2: scf.yield
func.func @one_block(%q: memref<1x8x128x64xf32>, %k: memref<1x8x128x64xf32>, %v: memref<1x8x128x64xf32>, %o: memref<1x8x128x64xf32>) {
  attn.sdpa ins(%q, %k, %v : memref<1x8x128x64xf32>, memref<1x8x128x64xf32>, memref<1x8x128x64xf32>)
      outs(%o : memref<1x8x128x64xf32>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
  return
}

// Grouped heads: keys and values are packed once for 4 query heads; blocks
// above the diagonal are not visited, mixed ones masked.
// CHECK-LABEL: func @causal_grouped_heads
// CHECK: memref.alloc({{.*}}) {alignment = 64 : i64} : memref<?x2x?x64x64xf32>
// CHECK: memref.alloc({{.*}}) {alignment = 64 : i64} : memref<?x2x?x64xf32>
// CHECK: scf.parallel ({{.*}}) = (%c0, %c0, %c0) to (%{{.*}}, %c8, %{{.*}})
// CHECK: %[[HK:.*]] = arith.divui %{{.*}}, %c4
// Blocks from both ends in turn, so that halves of them are equal work.
// CHECK: arith.shrui %{{.*}}, %c1
// CHECK: scf.for %{{.*}} = %c0 to %{{.*}} step %c512
// CHECK: scf.if
// CHECK: } else {
// CHECK: arith.cmpi slt, %{{.*}} : vector<16xi32>
func.func @causal_grouped_heads(%q: memref<?x?x8x64xf32>, %k: memref<?x?x2x64xf32>, %o: memref<?x?x8x64xf32>) {
  attn.sdpa ins(%q, %k, %k : memref<?x?x8x64xf32>, memref<?x?x2x64xf32>, memref<?x?x2x64xf32>)
      outs(%o : memref<?x?x8x64xf32>) maps = [#q_bshd, #k_gqa, #v_gqa, #o_bshd] {causal = #attn.causal<top_left>}
  return
}

// The score region, bias and mask are vectors along the keys; a boolean is read as a byte.
// The difference before the factor: huge scores leave no rounding.
// CHECK-LABEL: func @score_stage
// CHECK: vector.load %{{.*}} : memref<64x64xf32>, vector<16xf32>
// CHECK: llvm.load %{{.*}} -> vector<16xi8>
// CHECK: arith.mulf %{{.*}} : vector<16xf32>
// CHECK: arith.select %{{.*}} : vector<16xi1>, vector<16xf32>
func.func @score_stage(%q: memref<1x8x64x64xf32>, %bias: memref<64x64xf32>, %mask: memref<64x64xi1>, %slope: f32, %o: memref<1x8x64x64xf32>) {
  attn.sdpa ins(%q, %q, %q : memref<1x8x64x64xf32>, memref<1x8x64x64xf32>, memref<1x8x64x64xf32>)
      bias(%bias : memref<64x64xf32>) mask(%mask : memref<64x64xi1>)
      outs(%o : memref<1x8x64x64xf32>) maps = [#q, #k, #v, #ij, #ij, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %t = arith.mulf %s, %slope : f32
      attn.yield %t : f32
    }
  return
}

// A region that reads memory is evaluated element by element.
// CHECK-LABEL: func @score_reads_memory
// CHECK-SAME: %[[SLOPES:[a-z0-9]+]]: memref<8xf32>
// CHECK: memref.load %[[SLOPES]]
func.func @score_reads_memory(%slopes: memref<8xf32>, %q: memref<1x8x64x64xf32>, %o: memref<1x8x64x64xf32>) {
  attn.sdpa ins(%q, %q, %q : memref<1x8x64x64xf32>, memref<1x8x64x64xf32>, memref<1x8x64x64xf32>)
      outs(%o : memref<1x8x64x64xf32>) maps = [#q, #k, #v, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slope = memref.load %slopes[%h] : memref<8xf32>
      %t = arith.mulf %s, %slope : f32
      attn.yield %t : f32
    }
  return
}

// One query: nothing is packed; 16 keys at a time, in the order of memory, and
// asked for before, summed into one vector.
// CHECK-LABEL: func @decode
// CHECK-SAME: %{{[a-z0-9]+}}: {{[^,]*}}, %[[K:[a-z0-9]+]]: {{[^,]*}}, %[[V:[a-z0-9]+]]
// CHECK-NOT: memref.alloc({{.*}}x8x
// CHECK: scf.parallel
// CHECK-COUNT-64: memref.prefetch %[[K]]
// CHECK-COUNT-64: vector.load %[[K]]
// CHECK-COUNT-30: vector.shuffle
// CHECK: vector.load %[[V]]
// CHECK: return
func.func @decode(%q: memref<1x8x1x64xf32>, %k: memref<1x8x?x64xf32>, %v: memref<1x8x?x64xf32>, %o: memref<1x8x1x64xf32>) {
  attn.sdpa ins(%q, %k, %v : memref<1x8x1x64xf32>, memref<1x8x?x64xf32>, memref<1x8x?x64xf32>)
      outs(%o : memref<1x8x1x64xf32>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
  return
}
