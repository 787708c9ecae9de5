// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-loops | FileCheck %s

#vector = affine_map<(i) -> (i)>
#matrix = affine_map<(i, j) -> (i, j)>
#transposed = affine_map<(i, j) -> (j, i)>
#rows = affine_map<(i, j) -> (i)>
#columns = affine_map<(i, j) -> (j)>
#cube = affine_map<(i, j, k) -> (i, j, k)>

// Contiguous dims that all operands walk alike are one.
// CHECK-LABEL: func @merged_dims
// CHECK-SAME: %[[X:.*]]: memref<4x8x16xf32>, %[[Y:.*]]: memref<4x8x16xf32>
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %[[X]] {{\[}}[0, 1, 2]] : memref<4x8x16xf32> into memref<512xf32>
// CHECK: %[[OUT:.*]] = memref.collapse_shape %[[Y]]
// CHECK: scf.parallel (%[[I:.*]]) = (%c0) to (%c512) step (%c1)
// CHECK:   %[[A:.*]] = memref.load %[[FLAT]][%[[I]]]
// CHECK:   %[[N:.*]] = arith.negf %[[A]]
// CHECK:   memref.store %[[N]], %[[OUT]][%[[I]]]
func.func @merged_dims(%x: memref<4x8x16xf32>, %y: memref<4x8x16xf32>) {
  linalg.generic {indexing_maps = [#cube, #cube], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<4x8x16xf32>) outs(%y : memref<4x8x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  return
}

// Not contiguous: outer dims in one parallel loop, the last one inside.
// CHECK-LABEL: func @strided_is_not_merged
// CHECK: %[[N:.*]] = memref.dim
// CHECK: %[[TOTAL:.*]] = arith.muli %[[N]], %c8
// CHECK: scf.parallel (%[[R:.*]]) = (%{{.*}}) to (%[[TOTAL]])
// CHECK-DAG: %[[J:.*]] = arith.remui %[[R]], %c8
// CHECK-DAG: %[[I:.*]] = arith.divui %[[R]], %c8
// CHECK:   scf.for %[[K:.*]] = %{{.*}} to %c16
// CHECK:     memref.load %{{.*}}[%[[I]], %[[J]], %[[K]]]
func.func @strided_is_not_merged(%x: memref<?x8x16xf32, strided<[?, 32, 2]>>, %y: memref<?x8x16xf32>) {
  linalg.generic {indexing_maps = [#cube, #cube], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<?x8x16xf32, strided<[?, 32, 2]>>) outs(%y : memref<?x8x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  return
}

// A sum of each row: rows in parallel, the accumulator in a register, and the
// addition may be reordered.
// CHECK-LABEL: func @row_sum
// CHECK-SAME: %[[X:.*]]: memref<4x16xf32>, %[[Y:.*]]: memref<4xf32>
// CHECK: scf.parallel (%[[I:.*]]) = (%{{.*}}) to (%c4)
// CHECK:   %[[OLD:.*]] = memref.load %[[Y]][%[[I]]]
// CHECK:   %[[SUM:.*]] = scf.for %[[J:.*]] = %{{.*}} to %c16 step %{{.*}} iter_args(%[[ACC:.*]] = %[[OLD]])
// CHECK-NEXT: %[[A:.*]] = memref.load %[[X]][%[[I]], %[[J]]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.addf %[[A]], %[[ACC]] fastmath<reassoc,nsz,contract>
// CHECK-NEXT: scf.yield %[[NEXT]]
// CHECK:   memref.store %[[SUM]], %[[Y]][%[[I]]]
func.func @row_sum(%x: memref<4x16xf32>, %y: memref<4xf32>) {
  linalg.generic {indexing_maps = [#matrix, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<4x16xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// A sum of each column: the inner loop walks the row, nothing is reordered.
// CHECK-LABEL: func @column_sum
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %c4
// CHECK:   scf.for %[[J:.*]] = %{{.*}} to %c16
// CHECK:     memref.load %{{.*}}[%[[J]]] : memref<16xf32>
// CHECK:     memref.load %{{.*}}[%[[I]], %[[J]]]
// CHECK:     arith.addf {{.*}} fastmath<contract>
// CHECK:     memref.store
func.func @column_sum(%x: memref<4x16xf32>, %y: memref<16xf32>) {
  linalg.generic {indexing_maps = [#matrix, #columns], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<4x16xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// Rows in parallel, then the reduction, innermost the dim of both y and z.
// CHECK-LABEL: func @matmul
// CHECK: scf.parallel (%[[M:.*]]) = (%{{.*}}) to (%c4)
// CHECK:   scf.for %[[K:.*]] = %{{.*}} to %c16
// CHECK:     scf.for %[[N:.*]] = %{{.*}} to %c8
// CHECK:       memref.load %{{.*}}[%[[M]], %[[N]]] : memref<4x8xf32>
// CHECK:       memref.load %{{.*}}[%[[M]], %[[K]]] : memref<4x16xf32>
// CHECK:       memref.load %{{.*}}[%[[K]], %[[N]]] : memref<16x8xf32>
func.func @matmul(%x: memref<4x16xf32>, %y: memref<16x8xf32>, %z: memref<4x8xf32>) {
  linalg.matmul ins(%x, %y : memref<4x16xf32>, memref<16x8xf32>) outs(%z : memref<4x8xf32>)
  return
}

// The writes are contiguous, the reads are not. The old value is not read.
// CHECK-LABEL: func @transpose
// CHECK: scf.parallel (%[[I:.*]]) = (%{{.*}}) to (%c16)
// CHECK:   scf.for %[[J:.*]] = %{{.*}} to %c4
// CHECK-NEXT: memref.load %{{.*}}[%[[J]], %[[I]]] : memref<4x16xf32>
// CHECK-NEXT: memref.store %{{.*}}[%[[I]], %[[J]]] : memref<16x4xf32>
func.func @transpose(%x: memref<4x16xf32>, %y: memref<16x4xf32>) {
  linalg.generic {indexing_maps = [#transposed, #matrix], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<4x16xf32>) outs(%y : memref<16x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// linalg.index is the loop's variable, so dims are not merged.
// CHECK-LABEL: func @index
// CHECK: scf.parallel (%[[I:.*]]) =
// CHECK:   scf.for %[[J:.*]] =
// CHECK:     arith.addi %[[I]], %[[J]]
func.func @index(%y: memref<4x8xindex>) {
  linalg.generic {indexing_maps = [#matrix], iterator_types = ["parallel", "parallel"]} outs(%y : memref<4x8xindex>) {
  ^bb0(%b: index):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %0 = arith.addi %i, %j : index
    linalg.yield %0 : index
  }
  return
}

// CHECK-LABEL: func @rank_0
// CHECK-NOT: scf.
// CHECK: memref.load
// CHECK: memref.store
func.func @rank_0(%x: memref<f32>, %y: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%x : memref<f32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// CHECK-LABEL: func @copy
// CHECK: scf.parallel
// CHECK-NOT: memref.copy
func.func @copy(%x: memref<4x8xf32>, %y: memref<4x8xf32, strided<[16, 1]>>) {
  memref.copy %x, %y : memref<4x8xf32> to memref<4x8xf32, strided<[16, 1]>>
  return
}

// -----

func.func @tensors(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected memref operands; bufferise first}}
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
