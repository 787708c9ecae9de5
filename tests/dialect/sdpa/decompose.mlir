// RUN: heed-opt %s --heed-decompose --canonicalize | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#k_gqa = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v_bshd = affine_map<(b, h, i, j, d, e) -> (b, j, h floordiv 4, e)>
#o_bshd = affine_map<(b, h, i, j, d, e) -> (b, i, h, e)>
#bias = affine_map<(b, h, i, j, d, e) -> (0, h, i, j)>
#mask = affine_map<(b, h, i, j, d, e) -> (i, j)>
#length = affine_map<(b, h, i, j, d, e) -> (b)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

// CHECK-DAG: #[[QMAP:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>
// CHECK-DAG: #[[KMAP:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>
// CHECK-DAG: #[[S:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[KGQA:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 4, d3, d4)>
// CHECK-DAG: #[[VBSHD:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d4, d1 floordiv 4, d3)>
// CHECK-DAG: #[[OBSHD:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d1, d3)>
// CHECK-DAG: #[[BIASMAP:.*]] = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3)>
// CHECK-DAG: #[[MASKMAP:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[LENMAP:.*]] = affine_map<(d0, d1, d2, d3) -> (d0)>

// The maximum is subtracted; a row without a key gives 0/0 = NaN.
// CHECK-LABEL: func @plain
// CHECK-SAME: (%[[Q:.*]]: tensor<1x8x128x64xf32>, %[[K:.*]]: tensor<1x8x128x64xf32>, %[[V:.*]]: tensor<1x8x128x64xf32>, %[[O:.*]]: tensor<1x8x128x64xf32>)
func.func @plain(%q: tensor<1x8x128x64xf32>, %k: tensor<1x8x128x64xf32>, %v: tensor<1x8x128x64xf32>, %init: tensor<1x8x128x64xf32>) -> tensor<1x8x128x64xf32> {
  // CHECK-DAG: %[[NINF:.*]] = arith.constant 0xFF800000 : f32
  // CHECK-DAG: %[[SCALE:.*]] = arith.constant 1.250000e-01 : f32
  // CHECK: %[[DOT:.*]] = linalg.generic {indexing_maps = [#[[QMAP]], #[[KMAP]], #[[S]]], {{.*}} ins(%[[Q]], %[[K]]
  // CHECK: linalg.generic {{.*}} ins(%[[DOT]]
  // CHECK: arith.mulf %{{.*}}, %[[SCALE]]
  // CHECK-NOT: arith.select
  // CHECK: linalg.fill ins(%[[NINF]]
  // CHECK: arith.maximumf
  // CHECK: %[[M:.*]] = arith.select
  // CHECK: %[[D:.*]] = arith.subf %{{.*}}, %[[M]]
  // CHECK: math.exp %[[D]]
  // CHECK: linalg.generic {{.*}}"reduction"]
  // CHECK: arith.addf
  // CHECK: arith.divf
  // CHECK-NOT: arith.select
  // CHECK: linalg.fill {{.*}} outs(%[[O]]
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[V]]
  %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>, tensor<1x8x128x64xf32>)
      outs(%init : tensor<1x8x128x64xf32>) maps = [#q, #k, #v, #o]
      {scale = 1.250000e-01 : f64} -> tensor<1x8x128x64xf32>
  return %o : tensor<1x8x128x64xf32>
}

// CHECK-LABEL: func @everything
// CHECK-SAME: (%[[Q:.*]]: tensor<?x8x?x64xf32>, %[[K:.*]]: tensor<?x2x?x64xf32>, %[[V:.*]]: tensor<?x?x2x64xf32>
func.func @everything(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x?x2x64xf32>, %bias: tensor<1x8x?x?xf32>,
                      %m: tensor<?x?xi1>, %n: tensor<?xi64>, %slope: f32, %init: tensor<?x?x8x64xf32>, %l: tensor<?x8x?xf32>)
    -> (tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) {
  // CHECK-DAG: %[[SQ:.*]] = tensor.dim %[[Q]], %c2
  // CHECK-DAG: %[[SK:.*]] = tensor.dim %[[K]], %c2
  // CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[KGQA]], #{{.*}}]
  // CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[BIASMAP]], #[[MASKMAP]], #[[LENMAP]], #{{.*}}]
  // CHECK-NEXT: ^bb0(%[[DOT:.*]]: f32, %[[B:.*]]: f32, %[[M:.*]]: i1, %[[N:.*]]: i64, %{{.*}}: f32):
  // CHECK: math.tanh
  // CHECK: %[[BIASED:.*]] = arith.addf %{{.*}}, %[[B]]
  // CHECK: %[[SCORE:.*]] = arith.mulf %[[BIASED]],
  // CHECK: %[[LEN:.*]] = arith.index_cast %[[N]]
  // CHECK: %[[OFF:.*]] = arith.subi %[[SK]], %[[SQ]]
  // CHECK: %[[DIAG:.*]] = arith.addi %{{.*}}, %[[OFF]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[DIAG]], %c1
  // CHECK: %[[END:.*]] = arith.minsi %[[LEN]], %[[NEXT]]
  // CHECK: %[[BEGIN:.*]] = arith.subi %[[DIAG]], %c64
  // CHECK: arith.cmpi sge, %{{.*}}, %[[BEGIN]]
  // CHECK: arith.andi %[[M]],
  // CHECK: arith.cmpi slt, %{{.*}}, %[[END]]
  // CHECK: arith.select %{{.*}}, %[[SCORE]],
  // CHECK: arith.divf
  // CHECK: arith.cmpf oeq
  // CHECK: arith.select
  // CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[VBSHD]], #[[OBSHD]]]
  // CHECK: math.log
  %o:2 = attn.sdpa ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x?x2x64xf32>)
      bias(%bias : tensor<1x8x?x?xf32>) mask(%m : tensor<?x?xi1>) kv_length(%n : tensor<?xi64>)
      outs(%init : tensor<?x?x8x64xf32>) lse(%l : tensor<?x8x?xf32>)
      maps = [#q, #k_gqa, #v_bshd, #bias, #mask, #length, #o_bshd, #lse]
      {scale = 0.125 : f64, softcap = 30.0 : f64, causal = #attn.causal<bottom_right>, window = array<i64: 64, -1>,
       masked_rows = #attn.masked_rows<zero>} score {
    ^bb0(%x: f32, %b: index, %h: index, %i: index, %j: index):
      %y = arith.mulf %x, %slope : f32
      attn.yield %y : f32
    } -> tensor<?x?x8x64xf32>, tensor<?x8x?xf32>
  return %o#0, %o#1 : tensor<?x?x8x64xf32>, tensor<?x8x?xf32>
}

// Half precision is computed in f32; uniform rows are the mean of v.
// CHECK-LABEL: func @half_uniform
func.func @half_uniform(%q: tensor<1x8x16x64xf16>, %k: tensor<1x8x16x64xf16>, %v: tensor<1x8x16x64xf16>, %m: tensor<16x16xi1>, %init: tensor<1x8x16x64xf16>) -> tensor<1x8x16x64xf16> {
  // CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: %[[NOKEY:.*]] = arith.cmpf oeq
  // CHECK: math.exp
  // CHECK: arith.select %[[NOKEY]], %[[ONE]]
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x16x64xf16>, tensor<1x8x16x64xf16>, tensor<1x8x16x64xf16>)
      mask(%m : tensor<16x16xi1>) outs(%init : tensor<1x8x16x64xf16>) maps = [#q, #k, #v, #mask, #o]
      {masked_rows = #attn.masked_rows<uniform>} -> tensor<1x8x16x64xf16>
  return %o : tensor<1x8x16x64xf16>
}
