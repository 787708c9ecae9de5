// RUN: heed-opt %s --heed-lower-rope=mcpu=haswell --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-rope=mcpu=znver4 --canonicalize | FileCheck %s --check-prefix=AVX512
// RUN: not heed-opt %s --heed-lower-rope=mcpu=nope 2>&1 | FileCheck %s --check-prefix=MCPU
// MCPU: error: mcpu: expected a CPU that llc knows, got nope

// Heads share their tables: a loop in each position. In place; both elements of
// a pair are read before either is written.
// CHECK-LABEL: func @half_split
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<512x32x128xf32>, %[[C:[a-z0-9]+]]: memref<512x64xf32>, %[[S:[a-z0-9]+]]: memref<512x64xf32>
// CHECK: scf.parallel (%[[I:.*]]) = (%c0) to (%c512)
// CHECK:   scf.for %[[H:.*]] = %c0 to %c32
// CHECK:     scf.for %[[K:.*]] = %c0 to %c64 step %c8 {
// CHECK:       %[[A:.*]] = vector.load %[[X]][%[[I]], %[[H]], %[[K]]] {{.*}} vector<8xf32>
// CHECK:       %[[KB:.*]] = arith.addi %[[K]], %c64
// CHECK:       %[[B:.*]] = vector.load %[[X]][%[[I]], %[[H]], %[[KB]]]
// CHECK:       %[[COS:.*]] = vector.load %[[C]][%[[I]], %[[K]]]
// CHECK:       %[[SIN:.*]] = vector.load %[[S]][%[[I]], %[[K]]]
// CHECK:       %[[AC:.*]] = arith.mulf %[[A]], %[[COS]]
// CHECK:       %[[BS:.*]] = arith.mulf %[[B]], %[[SIN]]
// CHECK:       %[[YA:.*]] = arith.subf %[[AC]], %[[BS]]
// CHECK:       %[[BC:.*]] = arith.mulf %[[B]], %[[COS]]
// CHECK:       %[[AS:.*]] = arith.mulf %[[A]], %[[SIN]]
// CHECK:       %[[YB:.*]] = arith.addf %[[BC]], %[[AS]]
// CHECK:       vector.store %[[YA]], %[[X]][%[[I]], %[[H]], %[[K]]]
// CHECK:       vector.store %[[YB]], %[[X]][%[[I]], %[[H]], %[[KB]]]
// CHECK-NOT: vector.masked
// AVX512-LABEL: func @half_split
// AVX512: vector<16xf32>
func.func @half_split(%x: memref<512x32x128xf32>, %c: memref<512x64xf32>, %s: memref<512x64xf32>) {
  attn.rope ins(%x : memref<512x32x128xf32>) cos(%c : memref<512x64xf32>) over [0, 2] sin(%s : memref<512x64xf32>) over [0, 2]
      outs(%x : memref<512x32x128xf32>) dimension = 2 rotated = 128
  return
}

// Pairs of neighbours are taken apart in registers, and a table with a number
// for each element, too; the last vector has 2 pairs. What passes through is
// copied.
// CHECK-LABEL: func @interleaved_partial
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<4x32xf32>, %[[C:[a-z0-9]+]]: memref<4x20xf32>, %[[S:[a-z0-9]+]]: memref<4x10xf32>, %[[Y:[a-z0-9]+]]: memref<4x32xf32>
// CHECK: scf.parallel (%[[I:.*]]) = (%c0) to (%c4)
// CHECK:   %[[ALL:.*]] = vector.load %[[X]][%[[I]], %c0] {{.*}} vector<16xf32>
// CHECK:   %[[A:.*]], %[[B:.*]] = vector.deinterleave %[[ALL]] : vector<16xf32> -> vector<8xf32>
// CHECK:   %[[CALL:.*]] = vector.load %[[C]][%[[I]], %c0] {{.*}} vector<16xf32>
// CHECK:   %[[CA:.*]], %[[CB:.*]] = vector.deinterleave %[[CALL]]
// CHECK:   vector.load %[[S]][%[[I]], %c0] {{.*}} vector<8xf32>
// CHECK:   arith.mulf %[[A]], %[[CA]]
// CHECK:   arith.mulf %[[B]], %[[CB]]
// CHECK:   %[[YALL:.*]] = vector.interleave
// CHECK:   vector.store %[[YALL]], %[[Y]][%[[I]], %c0]
// CHECK:   vector.maskedload %[[X]][%[[I]], %c16]
// CHECK:   vector.maskedload %[[S]][%[[I]], %c8]
// CHECK:   vector.maskedstore %[[Y]][%[[I]], %c16]
// CHECK:   vector.load %[[X]][%[[I]], %c20]
// CHECK:   vector.store %{{.*}}, %[[Y]][%[[I]], %c20]
func.func @interleaved_partial(%x: memref<4x32xf32>, %c: memref<4x20xf32>, %s: memref<4x10xf32>, %y: memref<4x32xf32>) {
  attn.rope ins(%x : memref<4x32xf32>) cos(%c : memref<4x20xf32>) over [0, 1] sin(%s : memref<4x10xf32>) over [0, 1]
      outs(%y : memref<4x32xf32>) dimension = 1 rotated = 20 interleaved
  return
}

// What is not contiguous is read number by number.
// CHECK-LABEL: func @strided
// CHECK-NOT: vector.load
// CHECK: memref.load
// CHECK: memref.store
func.func @strided(%x: memref<4x8xf32>, %c: memref<4x4xf32, strided<[1, 4]>>, %s: memref<4x4xf32>) {
  attn.rope ins(%x : memref<4x8xf32>) cos(%c : memref<4x4xf32, strided<[1, 4]>>) over [0, 1] sin(%s : memref<4x4xf32>) over [0, 1]
      outs(%x : memref<4x8xf32>) dimension = 1 rotated = 8
  return
}

// Many rows of one head, few others: all rows in parallel.
// CHECK-LABEL: func @rows
// CHECK: scf.parallel (%{{.*}}, %{{.*}}) = (%c0, %c0) to (%c2, %c512)
func.func @rows(%x: memref<2x512x16xf32>, %c: memref<512x8xf32>) {
  attn.rope ins(%x : memref<2x512x16xf32>) cos(%c : memref<512x8xf32>) over [1, 2] sin(%c : memref<512x8xf32>) over [1, 2]
      outs(%x : memref<2x512x16xf32>) dimension = 2 rotated = 16
  return
}
