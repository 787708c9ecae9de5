// RUN: heed-opt %s --heed-decompose --canonicalize | FileCheck %s

// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[LAST:.*]] = affine_map<(d0, d1) -> (d1)>

// Halves of a number a pair; the rest of x passes through.
// CHECK-LABEL: func @half_split
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>, %[[C:.*]]: tensor<4x3xf32>, %[[S:.*]]: tensor<3xf32>, %[[O:.*]]: tensor<4x8xf32>)
func.func @half_split(%x: tensor<4x8xf32>, %c: tensor<4x3xf32>, %s: tensor<3xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: %[[A:.*]] = tensor.extract_slice %[[X]][0, 0] [4, 3] [1, 1]
  // CHECK: %[[B:.*]] = tensor.extract_slice %[[X]][0, 3] [4, 3] [1, 1]
  // CHECK: %[[YA:.*]] = linalg.generic {indexing_maps = [#[[ID]], #[[ID]], #[[ID]], #[[LAST]], #[[ID]]], iterator_types = ["parallel", "parallel"]} ins(%[[A]], %[[B]], %[[C]], %[[S]]
  // CHECK: ^bb0(%[[A1:.*]]: f32, %[[B1:.*]]: f32, %[[C1:.*]]: f32, %[[S1:.*]]: f32, %{{.*}}: f32):
  // CHECK: %[[L:.*]] = arith.mulf %[[A1]], %[[C1]]
  // CHECK: %[[R:.*]] = arith.mulf %[[B1]], %[[S1]]
  // CHECK: arith.subf %[[L]], %[[R]]
  // CHECK: %[[Y1:.*]] = tensor.insert_slice %[[YA]] into %[[O]][0, 0] [4, 3] [1, 1]
  // CHECK: %[[YB:.*]] = linalg.generic {{.*}} ins(%[[B]], %[[A]], %[[C]], %[[S]]
  // CHECK: arith.addf
  // CHECK: %[[Y2:.*]] = tensor.insert_slice %[[YB]] into %[[Y1]][0, 3] [4, 3] [1, 1]
  // CHECK: %[[P:.*]] = tensor.extract_slice %[[X]][0, 6] [4, 2] [1, 1]
  // CHECK: %[[Y:.*]] = tensor.insert_slice %[[P]] into %[[Y2]][0, 6] [4, 2] [1, 1]
  // CHECK: return %[[Y]]
  %y = attn.rope ins(%x : tensor<4x8xf32>) cos(%c : tensor<4x3xf32>) over [0, 1] sin(%s : tensor<3xf32>) over [1]
      outs(%o : tensor<4x8xf32>) dimension = 1 rotated = 6 -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// Every second element, also of a table that has a number for each; half
// precision is computed in f32.
// CHECK-LABEL: func @interleaved_in_half
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf16>, %[[C:.*]]: tensor<?x8xf16>, %[[S:.*]]: tensor<4xf32>)
func.func @interleaved_in_half(%x: tensor<?x8xf16>, %c: tensor<?x8xf16>, %s: tensor<4xf32>) -> tensor<?x8xf16> {
  // CHECK: tensor.extract_slice %[[X]][0, 0] [%{{.*}}, 4] [1, 2]
  // CHECK: tensor.extract_slice %[[X]][0, 1] [%{{.*}}, 4] [1, 2]
  // CHECK: %[[CA:.*]] = tensor.extract_slice %[[C]][0, 0] [%{{.*}}, 4] [1, 2]
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[CA]], %[[S]]
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  // CHECK: tensor.insert_slice %{{.*}} into %[[X]][0, 0] [%{{.*}}, 4] [1, 2]
  // CHECK: tensor.extract_slice %[[C]][0, 1] [%{{.*}}, 4] [1, 2]
  %y = attn.rope ins(%x : tensor<?x8xf16>) cos(%c : tensor<?x8xf16>) over [0, 1] sin(%s : tensor<4xf32>) over [1]
      outs(%x : tensor<?x8xf16>) dimension = 1 rotated = 8 interleaved -> tensor<?x8xf16>
  return %y : tensor<?x8xf16>
}
