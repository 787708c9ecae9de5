// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-arena | FileCheck %s

func.func private @use(memref<16xf32>)

// CHECK-LABEL: func @disjoint_lives_share_bytes
// CHECK: %[[BYTES:.*]] = arith.index_cast %c64 : index to i64
// CHECK: llvm.call @heed_arena(%{{.*}}, %[[BYTES]])
// CHECK: %[[FIRST:.*]] = arith.constant 0 : index
// CHECK: memref.view %[[ARENA:.*]][%[[FIRST]]][]
// CHECK: %[[SECOND:.*]] = arith.constant 0 : index
// CHECK: memref.view %[[ARENA]][%[[SECOND]]][]
// CHECK-NOT: memref.alloc
func.func @disjoint_lives_share_bytes(%ctx: !llvm.ptr) {
  %a = memref.alloc() : memref<16xf32>
  func.call @use(%a) : (memref<16xf32>) -> ()
  %b = memref.alloc() : memref<16xf32>
  func.call @use(%b) : (memref<16xf32>) -> ()
  return
}

// CHECK-LABEL: func @overlapping_lives_do_not
// CHECK: arith.index_cast %c128 : index to i64
// CHECK: %[[FIRST:.*]] = arith.constant 0 : index
// CHECK: memref.view %[[ARENA:.*]][%[[FIRST]]][]
// CHECK: %[[SECOND:.*]] = arith.constant 64 : index
// CHECK: memref.view %[[ARENA]][%[[SECOND]]][]
func.func @overlapping_lives_do_not(%ctx: !llvm.ptr) {
  %a = memref.alloc() : memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  func.call @use(%a) : (memref<16xf32>) -> ()
  func.call @use(%b) : (memref<16xf32>) -> ()
  return
}

// A view keeps its buffer alive.
// CHECK-LABEL: func @a_view_counts
// CHECK: arith.index_cast %c128 : index to i64
func.func @a_view_counts(%ctx: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %f = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<16xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [4, 4] : memref<16xf32> into memref<4x4xf32>
  %b = memref.alloc() : memref<16xf32>
  func.call @use(%b) : (memref<16xf32>) -> ()
  memref.store %f, %v[%c0, %c0] : memref<4x4xf32>
  return
}

// %a is dead before the loop; %b is used in it, so it lives through all of it.
// CHECK-LABEL: func @a_loop_is_one_use
// CHECK: arith.index_cast %c128 : index to i64
// CHECK: memref.view %{{.*}}[%[[A:.*]]][] : memref<?xi8> to memref<16xf32>
// CHECK: %[[B:.*]] = arith.constant 0 : index
// CHECK: memref.view %{{.*}}[%[[B]]][] : memref<?xi8> to memref<16xf32>
// CHECK: %[[C:.*]] = arith.constant 64 : index
// CHECK: memref.view %{{.*}}[%[[C]]][] : memref<?xi8> to memref<16xf32>
func.func @a_loop_is_one_use(%ctx: !llvm.ptr, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<16xf32>
  func.call @use(%a) : (memref<16xf32>) -> ()
  %b = memref.alloc() : memref<16xf32>
  %c = memref.alloc() : memref<16xf32>
  scf.for %i = %c0 to %n step %c1 {
    func.call @use(%b) : (memref<16xf32>) -> ()
    func.call @use(%c) : (memref<16xf32>) -> ()
  }
  return
}

// %a and %b are never alive together: one slot, as large as the larger one,
// rounded up to 64 bytes. %c overlaps %b and lies behind. The size of %b is
// computed before the arena is asked for.
// CHECK-LABEL: func @dynamic_sizes_are_slots
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr, %[[N:.*]]: index
// CHECK: %[[NN:.*]] = arith.muli %[[N]], %[[N]] : index
// CHECK: %[[BASE:.*]] = arith.constant 0 : index
// CHECK: %[[A:.*]] = arith.muli %{{.*}}, %[[N]] : index
// CHECK: %[[B:.*]] = arith.muli %{{.*}}, %[[NN]] : index
// CHECK: %[[LARGEST:.*]] = arith.maxui %[[A]], %[[B]] : index
// CHECK: %[[UP:.*]] = arith.addi %[[LARGEST]], %c63
// CHECK: %[[SLOT:.*]] = arith.andi %[[UP]], %c-64
// CHECK: %[[SECOND:.*]] = arith.addi %[[BASE]], %[[SLOT]] : index
// CHECK: %[[TOTAL:.*]] = arith.addi %[[SECOND]], %{{.*}} : index
// CHECK: %[[BYTES:.*]] = arith.index_cast %[[TOTAL]] : index to i64
// CHECK: llvm.call @heed_arena(%[[CTX]], %[[BYTES]])
// CHECK: memref.view %{{.*}}[%[[BASE]]][%[[N]]]
// CHECK: memref.view %{{.*}}[%[[BASE]]][%[[NN]]]
// CHECK: memref.view %{{.*}}[%[[SECOND]]][%[[N]]]
func.func @dynamic_sizes_are_slots(%ctx: !llvm.ptr, %n: index) {
  %c0 = arith.constant 0 : index
  %f = arith.constant 0.0 : f32
  %a = memref.alloc(%n) : memref<?xf32>
  memref.store %f, %a[%c0] : memref<?xf32>
  %nn = arith.muli %n, %n : index
  %b = memref.alloc(%nn) : memref<?xf32>
  memref.store %f, %b[%c0] : memref<?xf32>
  %c = memref.alloc(%n) : memref<?xf32>
  memref.store %f, %c[%c0] : memref<?xf32>
  memref.store %f, %b[%c0] : memref<?xf32>
  return
}

llvm.func @callee(!llvm.ptr, !llvm.ptr)

// The address of %a lies in a frame that a later call reads: %a lives to the
// call, and %b may not have its bytes.
// CHECK-LABEL: func @an_address_in_a_frame_counts
// CHECK: arith.index_cast %c128 : index to i64
// CHECK: %[[FIRST:.*]] = arith.constant 0 : index
// CHECK: memref.view %{{.*}}[%[[FIRST]]][]
// CHECK: %[[SECOND:.*]] = arith.constant 64 : index
// CHECK: memref.view %{{.*}}[%[[SECOND]]][]
func.func @an_address_in_a_frame_counts(%ctx: !llvm.ptr) {
  %one = llvm.mlir.constant(1 : i64) : i64
  %frame = llvm.alloca %one x !llvm.struct<(ptr)> : (i64) -> !llvm.ptr
  %a = memref.alloc() : memref<16xf32>
  %i = memref.extract_aligned_pointer_as_index %a : memref<16xf32> -> index
  %j = arith.index_cast %i : index to i64
  %p = llvm.inttoptr %j : i64 to !llvm.ptr
  %slot = llvm.getelementptr %frame[0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(ptr)>
  llvm.store %p, %slot : !llvm.ptr, !llvm.ptr
  %b = memref.alloc() : memref<16xf32>
  func.call @use(%b) : (memref<16xf32>) -> ()
  llvm.call @callee(%ctx, %frame) : (!llvm.ptr, !llvm.ptr) -> ()
  return
}

// CHECK-LABEL: func @deallocations_go
// CHECK-NOT: memref.dealloc
func.func @deallocations_go(%ctx: !llvm.ptr) {
  %a = memref.alloc() : memref<16xf32>
  memref.dealloc %a : memref<16xf32>
  return
}

// Without allocations there is no arena and no need for a context.
// CHECK-LABEL: func @nothing_to_plan
// CHECK-NOT: heed_arena
// CHECK: return
func.func @nothing_to_plan() {
  return
}

// Serial loops may ask for a buffer: it is made once, in front of them.
// CHECK-LABEL: func @buffers_of_a_loop_body
// CHECK: memref.view %{{.*}} : memref<?xi8> to memref<16xf32>
// CHECK: memref.view %{{.*}}[%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?xf32>
// CHECK: scf.for
// CHECK: scf.for
// CHECK-NOT: memref.alloc
func.func private @use_both(memref<16xf32>, memref<?xf32>)
func.func @buffers_of_a_loop_body(%ctx: !llvm.ptr, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %a = memref.alloc() : memref<16xf32>
    scf.for %j = %c0 to %n step %c1 {
      %twice = arith.addi %n, %n : index
      %b = memref.alloc(%twice) : memref<?xf32>
      func.call @use_both(%a, %b) : (memref<16xf32>, memref<?xf32>) -> ()
    }
  }
  return
}

// A branch's buffer is made once, in front of it, even if the branch gives it
// out; it lives as long as what the branch gave.
// CHECK-LABEL: func @buffers_of_branches
// CHECK: memref.view %{{.*}} : memref<?xi8> to memref<16xf32>
// CHECK: scf.if
// CHECK-NOT: heed_block
// CHECK: return
func.func private @use_one(memref<16xf32>)
func.func @buffers_of_branches(%ctx: !llvm.ptr, %flag: i1, %other: memref<16xf32>) {
  %r = scf.if %flag -> (memref<16xf32>) {
    %a = memref.alloc() : memref<16xf32>
    func.call @use_one(%a) : (memref<16xf32>) -> ()
    scf.yield %a : memref<16xf32>
  } else {
    scf.yield %other : memref<16xf32>
  }
  func.call @use_one(%r) : (memref<16xf32>) -> ()
  return
}

// What one iteration hands to the next has memory of its own.
// CHECK-LABEL: func @handed_on
// CHECK: scf.for
// CHECK: llvm.call @heed_block
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @handed_on(%ctx: !llvm.ptr, %n: index, %x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%old = %x) -> (memref<?xf32>) {
    %size = memref.dim %old, %c0 : memref<?xf32>
    %more = arith.addi %size, %c1 : index
    %new = memref.alloc(%more) : memref<?xf32>
    scf.yield %new : memref<?xf32>
  }
  return
}

// So has a buffer whose size is only known in its iteration.
// CHECK-LABEL: func @size_of_an_iteration
// CHECK: scf.for
// CHECK: llvm.call @heed_block
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @size_of_an_iteration(%ctx: !llvm.ptr, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %a = memref.alloc(%i) : memref<?xf32>
  }
  return
}

// The size of %b is an element of %a: %b and %c, which has the same size, lie in
// a part of their own, asked for there. %d does not depend on data and lies in
// the arena as ever. Data can say anything: its sizes are checked.
// CHECK-LABEL: func @sizes_from_data
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr, %[[N:.*]]: index
// CHECK-NOT: cf.assert %{{.*}}, "a size that
// CHECK: llvm.call @heed_arena(%[[CTX]], %{{.*}})
// CHECK: %[[M:.*]] = memref.load
// CHECK-NOT: memref.view
// CHECK: %[[POSITIVE:.*]] = arith.cmpi sge, %[[M]]
// CHECK: %[[FITS:.*]] = arith.cmpf olt
// CHECK: %[[VALID:.*]] = arith.andi %[[POSITIVE]], %[[FITS]]
// CHECK: cf.assert %[[VALID]], "a size that the model computes from data is negative or too large"
// CHECK: %[[PART:.*]] = arith.constant 1 : i64
// CHECK: llvm.call @heed_arena_part(%[[CTX]], %[[PART]], %{{.*}})
// CHECK: memref.view %[[LATER:.*]][%{{.*}}][%[[M]]]
// CHECK: memref.view %{{.*}}[%{{.*}}][%[[N]]]
// CHECK: memref.view %[[LATER]][%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?xi8>
// CHECK-NOT: heed_arena
func.func @sizes_from_data(%ctx: !llvm.ptr, %n: index) {
  %c0 = arith.constant 0 : index
  %a = memref.alloc(%n) : memref<?xindex>
  %m = memref.load %a[%c0] : memref<?xindex>
  %b = memref.alloc(%m) : memref<?xf32>
  %d = memref.alloc(%n) : memref<?xf32>
  %mm = arith.muli %m, %m : index
  %c = memref.alloc(%mm) : memref<?xi8>
  memref.dealloc %b : memref<?xf32>
  memref.dealloc %c : memref<?xi8>
  return
}

// Sizes that follow one from the other: a part for each.
// CHECK-LABEL: func @a_chain_of_sizes
// CHECK: llvm.call @heed_arena(
// CHECK: arith.constant 1 : i64
// CHECK: llvm.call @heed_arena_part(
// CHECK: arith.constant 2 : i64
// CHECK: llvm.call @heed_arena_part(
func.func @a_chain_of_sizes(%ctx: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %a = memref.alloc() : memref<1xindex>
  %m = memref.load %a[%c0] : memref<1xindex>
  %b = memref.alloc(%m) : memref<?xindex>
  %k = memref.load %b[%c0] : memref<?xindex>
  %c = memref.alloc(%k) : memref<?xindex>
  memref.store %k, %c[%c0] : memref<?xindex>
  return
}

// -----

func.func @no_context() { // expected-error {{expected a lowered entry (heed-lower-entry)}}
  %a = memref.alloc() : memref<16xf32>
  return
}

// -----

func.func @in_a_parallel_loop(%ctx: !llvm.ptr, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    // expected-error @below {{allocates inside a region; kernels never allocate}}
    %a = memref.alloc() : memref<16xf32>
  }
  return
}

// -----

func.func @returned(%ctx: !llvm.ptr) -> memref<16xf32> {
  %a = memref.alloc() : memref<16xf32>
  // expected-error @below {{returns a planned buffer; run heed-lower-entry first}}
  return %a : memref<16xf32>
}
