// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-parallel | FileCheck %s

// The scalar and the memref's descriptor are stored in a frame; constants are
// not, the body has its own.
// CHECK-LABEL: func @captures
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr, %[[X:.*]]: memref<?xf32>, %[[N:.*]]: index, %[[S:.*]]: f32
// CHECK: %[[FRAME:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(f32, struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>)>
// CHECK: %[[SPAN:.*]] = arith.subi %[[N]], %c0
// CHECK: %[[TRIPS:.*]] = arith.ceildivsi %[[SPAN]], %c1
// CHECK: llvm.getelementptr %[[FRAME]][0, 0]
// CHECK: llvm.store %[[S]], %{{.*}} : f32, !llvm.ptr
// CHECK: llvm.getelementptr %[[FRAME]][0, 1]
// CHECK: %[[COUNT:.*]] = arith.index_cast %[[TRIPS]] : index to i64
// CHECK: %[[BODY:.*]] = llvm.mlir.addressof @captures_parallel_0
// CHECK: llvm.call @heed_parallel_for(%[[CTX]], %[[COUNT]], %{{.*}}, %[[BODY]], %[[FRAME]])
// CHECK-NOT: scf.parallel
// CHECK: return
// CHECK: llvm.func internal @captures_parallel_0(%[[BEGIN:.*]]: i64, %[[END:.*]]: i64, %{{.*}}: i64, %[[FRAME:.*]]: !llvm.ptr)
// CHECK: llvm.getelementptr %[[FRAME]][0, 0]
// CHECK: %[[S:.*]] = llvm.load %{{.*}} -> f32
// CHECK: %[[D:.*]] = llvm.load %{{.*}} -> !llvm.struct<(ptr, ptr, i64
// CHECK: %[[X:.*]] = builtin.unrealized_conversion_cast %[[D]]
// CHECK: %[[LB:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[UB:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[K:.*]] = %[[LB]] to %[[UB]]
// CHECK: %[[SCALED:.*]] = arith.muli %[[K]]
// CHECK: %[[I:.*]] = arith.addi %[[SCALED]]
// CHECK: memref.store %[[S]], %[[X]][%[[I]]]
func.func @captures(%ctx: !llvm.ptr, %x: memref<?xf32>, %n: index, %s: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %s, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// Loops side by side are one region: a table of count, cost, body and frame.
// CHECK-LABEL: func @region
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr
// CHECK: %[[TABLE:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(i64, i64, ptr, ptr)>
// CHECK: %[[A:.*]] = llvm.mlir.addressof @region_parallel_0
// CHECK: %[[B:.*]] = llvm.mlir.addressof @region_parallel_1
// CHECK: %[[SLOT:.*]] = llvm.getelementptr %[[TABLE]][0, 2]
// CHECK: llvm.store %[[A]], %[[SLOT]]
// CHECK: %[[SLOT:.*]] = llvm.getelementptr %[[TABLE]][1, 2]
// CHECK: llvm.store %[[B]], %[[SLOT]]
// CHECK: %[[TWO:.*]] = llvm.mlir.constant(2 : i64) : i64
// CHECK: llvm.call @heed_parallel_region(%[[CTX]], %[[TWO]], %[[TABLE]])
// CHECK-NOT: heed_parallel
// CHECK: return
func.func @region(%ctx: !llvm.ptr, %x: memref<?xf32>, %n: index, %s: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %s, %x[%i] : memref<?xf32>
  }
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %s, %x[%c0] : memref<?xf32>
  }
  return
}

// -----

// Two dims are one count, taken apart in the body.
// CHECK-LABEL: func @two_dims
// CHECK: %[[TOTAL:.*]] = arith.muli %[[A:.*]], %[[B:.*]] : index
// CHECK: %[[COUNT:.*]] = arith.index_cast %[[TOTAL]] : index to i64
// CHECK: llvm.call @heed_parallel_for(%{{.*}}, %[[COUNT]],
// CHECK: llvm.func internal @two_dims_parallel_0
// CHECK: scf.for %[[K:.*]] =
// CHECK-DAG: arith.remui %[[K]], %[[SIZE:.*]] : index
// CHECK-DAG: arith.divui %[[K]], %[[SIZE]] : index
func.func @two_dims(%ctx: !llvm.ptr, %x: memref<?x?xf32>, %m: index, %n: index, %s: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  scf.parallel (%i, %j) = (%c0, %c1) to (%m, %n) step (%c2, %c1) {
    memref.store %s, %x[%i, %j] : memref<?x?xf32>
  }
  return
}

// -----

// One level of threads: the inner loop stays in the body.
// CHECK-LABEL: func @nested_stays_serial
// CHECK-COUNT-1: llvm.call @heed_parallel_for
// CHECK-NOT: llvm.call @heed_parallel_for
// CHECK: llvm.func internal @nested_stays_serial_parallel_0
// CHECK: scf.for
// CHECK: scf.parallel
func.func @nested_stays_serial(%ctx: !llvm.ptr, %x: memref<?x?xf32>, %n: index, %s: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    scf.parallel (%j) = (%c0) to (%n) step (%c1) {
      memref.store %s, %x[%i, %j] : memref<?x?xf32>
    }
  }
  return
}

// -----

// Stack buffers: once a call, in front of the loop.
// CHECK-LABEL: llvm.func internal @stack_buffers_parallel_0
// CHECK: memref.alloca() : memref<8xf32>
// CHECK: scf.for
// CHECK-NOT: memref.alloca
func.func @stack_buffers(%ctx: !llvm.ptr, %n: index, %s: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %a = memref.alloca() : memref<8xf32>
    memref.store %s, %a[%c0] : memref<8xf32>
  }
  return
}

// -----

// The cost of one iteration follows the trip count of the loop inside.
// CHECK-LABEL: func @cost_of_inner_loop
// CHECK-SAME: %[[N:[^:]*]]: index
// CHECK: %[[SPAN:.*]] = arith.subi %[[N]], %c0
// CHECK: %[[TRIPS:.*]] = arith.ceildivsi %[[SPAN]]
// CHECK: %[[LOOP:.*]] = arith.muli %[[TRIPS]], %{{.*}} : index
// CHECK: %[[ALL:.*]] = arith.addi %[[LOOP]], %{{.*}} : index
// CHECK: %[[COST:.*]] = arith.index_cast %[[ALL]] : index to i64
// CHECK: llvm.call @heed_parallel_for(%{{.*}}, %{{.*}}, %[[COST]],
func.func @cost_of_inner_loop(%ctx: !llvm.ptr, %x: memref<?xf32>, %n: index, %s: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    scf.for %j = %c0 to %n step %c1 {
      memref.store %s, %x[%j] : memref<?xf32>
    }
  }
  return
}

// -----

func.func @no_context(%x: memref<?xf32>, %n: index, %s: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{expected a lowered entry (heed-lower-entry)}}
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %s, %x[%i] : memref<?xf32>
  }
  return
}

// -----

func.func @tensor_captured(%ctx: !llvm.ptr, %t: tensor<4xf32>, %x: memref<?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{captures a value of type 'tensor<4xf32>'}}
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %s = tensor.extract %t[%i] : tensor<4xf32>
    memref.store %s, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// Equal bodies are one function: the buffers differ by capture only.
// CHECK-LABEL: func @two_layers
// CHECK: llvm.mlir.addressof @[[BODY:two_layers_parallel_0]]
// CHECK: llvm.mlir.addressof @[[BODY]]
// CHECK: llvm.mlir.addressof @[[OTHER:two_layers_parallel_1]]
// CHECK: llvm.func internal @[[BODY]]
// CHECK: arith.addf
// CHECK: llvm.func internal @[[OTHER]]
// CHECK: arith.mulf
// CHECK-NOT: llvm.func internal
func.func @two_layers(%ctx: !llvm.ptr, %x: memref<?xf32>, %y: memref<?xf32>, %n: index, %s: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %v = memref.load %x[%i] : memref<?xf32>
    %w = arith.addf %v, %s : f32
    memref.store %w, %x[%i] : memref<?xf32>
  }
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %v = memref.load %y[%i] : memref<?xf32>
    %w = arith.addf %v, %s : f32
    memref.store %w, %y[%i] : memref<?xf32>
  }
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %v = memref.load %y[%i] : memref<?xf32>
    %w = arith.mulf %v, %s : f32
    memref.store %w, %y[%i] : memref<?xf32>
  }
  return
}

// -----

// The weights of two layers are captured, so that the body is one; the taps of a
// convolution are copied into it.
memref.global "private" constant @gamma0 : memref<32xf32> = dense<1.0>
memref.global "private" constant @gamma1 : memref<32xf32> = dense<2.0>
memref.global "private" constant @taps : memref<3xf32> = dense<3.0>
// CHECK-LABEL: func @weights
// CHECK: llvm.mlir.addressof @[[BODY:weights_parallel_0]]
// CHECK: llvm.mlir.addressof @[[BODY]]
// CHECK: llvm.func internal @[[BODY]]
// CHECK-NOT: @gamma
// CHECK: memref.get_global @taps
// CHECK-NOT: llvm.func internal
func.func @weights(%ctx: !llvm.ptr, %x: memref<32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 32 : index
  %gamma0 = memref.get_global @gamma0 : memref<32xf32>
  %gamma1 = memref.get_global @gamma1 : memref<32xf32>
  %taps = memref.get_global @taps : memref<3xf32>
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %v = memref.load %gamma0[%i] : memref<32xf32>
    %t = memref.load %taps[%c0] : memref<3xf32>
    %w = arith.mulf %v, %t : f32
    memref.store %w, %x[%i] : memref<32xf32>
  }
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %v = memref.load %gamma1[%i] : memref<32xf32>
    %t = memref.load %taps[%c0] : memref<3xf32>
    %w = arith.mulf %v, %t : f32
    memref.store %w, %x[%i] : memref<32xf32>
  }
  return
}
