// RUN: heed-opt %s --heed-lower-recurrent=mcpu=haswell --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-recurrent=mcpu=znver4 --canonicalize | FileCheck %s --check-prefix=AVX512
// RUN: not heed-opt %s --heed-lower-recurrent=mcpu=nope 2>&1 | FileCheck %s --check-prefix=MCPU
// MCPU: error: mcpu: expected a CPU that llc knows, got nope

// One row: two blocks of units at a time, four gates of each. The constant
// weights are packed, and gone.
// CHECK: memref.global "private" constant @heed_packed_0 : memref<1024xf32> = dense_resource
// CHECK-NOT: memref.global {{.*}} @weights
memref.global "private" constant @weights : memref<1x64x16xf32> = dense<0.5>

// CHECK-LABEL: func @lstm_of_one_row
// CHECK-SAME: %[[A:.*]]: memref<10x1x64xf32>, %[[Y:.*]]: memref<10x1x1x16xf32>, %[[H:.*]]: memref<1x1x16xf32>, %[[C:.*]]: memref<1x1x16xf32>
// CHECK: %[[P:.*]] = memref.get_global @heed_packed_0
// CHECK: %[[S:.*]] = memref.alloc() : memref<2x1x1x16xf32>
// CHECK-NOT: scf.parallel
// CHECK: scf.for %[[T:.*]] = %c0 to %c10 step %c1 {
// CHECK-NOT: memref.alloc
// CHECK: scf.for %[[K:.*]] = %c0 to %c16 step %c1 iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{[^,]*}})
// CHECK: memref.load %[[S]]
// CHECK-COUNT-8: math.fma
// CHECK: scf.yield
// CHECK-COUNT-8: vector.store
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8 {
// CHECK: vector.load %[[C]]
// CHECK: vector.store %{{.*}}, %[[C]]
// CHECK: vector.store %{{.*}}, %[[S]]
// CHECK: vector.store %{{.*}}, %[[Y]][%[[T]]
// AVX512-LABEL: func @lstm_of_one_row
// AVX512: vector<16xf32>
func.func @lstm_of_one_row(%a: memref<10x1x64xf32>, %y: memref<10x1x1x16xf32>, %h: memref<1x1x16xf32>, %c: memref<1x1x16xf32>) {
  %r = memref.get_global @weights : memref<1x64x16xf32>
  attn.recurrent lstm forward ins(%a : memref<10x1x64xf32>) weights(%r : memref<1x64x16xf32>)
      y(%y : memref<10x1x1x16xf32>) h(%h : memref<1x1x16xf32>) c(%c : memref<1x1x16xf32>)
  return
}

// Rows and directions in parallel, six rows and two blocks in a tile; the
// weights of the program are packed by it, with zeros for units that are none.
// CHECK-LABEL: func @rnn_of_many_rows
// CHECK: %[[P:.*]] = memref.alloc() : memref<352xf32>
// CHECK: linalg.fill {{.*}} outs(%[[P]]
// CHECK: scf.parallel
// CHECK: memref.store %{{.*}}, %[[P]]
// CHECK: scf.parallel {{.*}} to (%c2)
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1
// CHECK: arith.select
// CHECK: scf.for %{{.*}} = %c0 to %c11 step %c1 iter_args
// CHECK-COUNT-12: math.fma
// CHECK: scf.yield
// CHECK-COUNT-12: vector.store
// CHECK: vector.maskedload %arg0
// CHECK: attn.cost
func.func @rnn_of_many_rows(%a: memref<4x6x22xf32>, %r: memref<2x11x11xf32>, %h: memref<2x6x11xf32>) {
  attn.recurrent rnn bidirectional ins(%a : memref<4x6x22xf32>) weights(%r : memref<2x11x11xf32>) h(%h : memref<2x6x11xf32>)
  return
}

// What is reset before its product takes two walks over the units.
// CHECK-LABEL: func @gru_resets_first
// CHECK: memref.alloc() : memref<2x1x1x16xf32>
// CHECK: %[[KEPT:.*]] = memref.alloc() : memref<1x1x16xf32>
// CHECK: vector.store %{{.*}}, %[[KEPT]]
// CHECK: memref.load %[[KEPT]]
func.func @gru_resets_first(%a: memref<4x1x48xf32>, %r: memref<1x48x16xf32>, %h: memref<1x1x16xf32>) {
  attn.recurrent gru forward ins(%a : memref<4x1x48xf32>) weights(%r : memref<1x48x16xf32>) h(%h : memref<1x1x16xf32>)
  return
}

// A state that is strided in its last dim is copied, and back.
// CHECK-LABEL: func @strided_state
// CHECK: memref.copy %[[H:.*]], %[[COPY:.*]] : memref<1x1x16xf32, strided<[32, 32, 2]>> to memref<1x1x16xf32>
// CHECK: memref.copy %[[COPY]], %[[H]]
func.func @strided_state(%a: memref<4x1x16xf32>, %r: memref<1x16x16xf32>, %h: memref<1x1x16xf32, strided<[32, 32, 2]>>) {
  attn.recurrent rnn forward ins(%a : memref<4x1x16xf32>) weights(%r : memref<1x16x16xf32>) h(%h : memref<1x1x16xf32, strided<[32, 32, 2]>>)
  return
}
