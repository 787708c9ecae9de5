// RUN: heed-opt %s --heed-fuse-parallel --split-input-file | FileCheck %s

// What a gate is: two loops, and one thread's work between them.
// CHECK-LABEL: func @gate
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%[[N:.*]]) step (%c1)
// CHECK-NEXT: memref.store
// CHECK: }
// CHECK-NEXT: scf.parallel (%{{.*}}) = (%c0_{{.*}}) to (%c1_{{.*}}) step (%c1_{{.*}}) {
// CHECK-NEXT: memref.load
// CHECK-NEXT: memref.store
// CHECK-NEXT: scf.for
// CHECK: scf.reduce
// CHECK-NEXT: }
// CHECK-NEXT: scf.parallel (%{{.*}}) = (%c0) to (%[[N]]) step (%c1)
// CHECK-NOT: scf.parallel
// CHECK: memref.store
// CHECK: memref.store
// CHECK-NEXT: return
func.func @gate(%pool: memref<?xf32>, %y: memref<?xf32>, %n: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %pool[%i] : memref<?xf32>
  }
  %p = memref.load %pool[%c0] : memref<?xf32>
  memref.store %p, %pool[%c1] : memref<?xf32>
  scf.for %i = %c0 to %n step %c1 {
    memref.store %v, %pool[%i] : memref<?xf32>
  }
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %y[%i] : memref<?xf32>
  }
  // Behind the last loop there is nobody to wait.
  memref.store %v, %y[%c0] : memref<?xf32>
  return
}

// -----

// Pure ops go in front, those behind the last loop too.
// CHECK-LABEL: func @pure
// CHECK: %[[VIEW:.*]] = memref.subview
// CHECK: %[[LAST:.*]] = memref.subview
// CHECK: scf.parallel
// CHECK: }
// CHECK-NEXT: scf.parallel
// CHECK-NEXT: memref.store %{{.*}}, %[[VIEW]]
// CHECK: }
// CHECK-NEXT: memref.store %{{.*}}, %[[LAST]]
func.func @pure(%x: memref<16xf32>, %n: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %x[%i] : memref<16xf32>
  }
  %view = memref.subview %x[8] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1], offset: 8>>
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %view[%i] : memref<8xf32, strided<[1], offset: 8>>
  }
  %last = memref.subview %x[12] [4] [1] : memref<16xf32> to memref<4xf32, strided<[1], offset: 12>>
  memref.store %v, %last[%c0] : memref<4xf32, strided<[1], offset: 12>>
  return
}

// -----

// A branch is loops of no iteration where it is not taken.
// CHECK-LABEL: func @branch
// CHECK-SAME: %[[C:.*]]: i1
// CHECK: %[[THEN:.*]] = arith.select %[[C]], %[[N:.*]], %c0
// CHECK: %[[WORK:.*]] = arith.select %[[C]], %c1_{{.*}}, %c0_{{.*}} :
// CHECK: %[[ELSE:.*]] = arith.select %[[C]], %c0, %[[N]]
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%[[N]])
// CHECK: }
// CHECK-NEXT: scf.parallel (%{{.*}}) = (%c0) to (%[[THEN]])
// CHECK: }
// CHECK-NEXT: scf.parallel (%{{.*}}) = (%c0_{{.*}}) to (%[[WORK]])
// CHECK-NEXT: memref.store
// CHECK: }
// CHECK-NEXT: scf.parallel (%{{.*}}) = (%c0) to (%[[ELSE]])
// CHECK: }
// CHECK-NEXT: return
func.func @branch(%c: i1, %x: memref<?xf32>, %n: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  scf.if %c {
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      memref.store %v, %x[%i] : memref<?xf32>
    }
    memref.store %v, %x[%c1] : memref<?xf32>
  } else {
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      memref.store %v, %x[%i] : memref<?xf32>
    }
  }
  return
}

// -----

// Two ways that are never both taken are two loops, but never two at a time.
// CHECK-LABEL: func @either
// CHECK: scf.if
// CHECK-NOT: arith.select
// CHECK: return
func.func @either(%c: i1, %x: memref<?xf32>, %n: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.if %c {
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      memref.store %v, %x[%i] : memref<?xf32>
    }
  } else {
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      memref.store %v, %x[%i] : memref<?xf32>
    }
  }
  return
}

// -----

// A value from between the loops that the second one needs ends the run; the
// next begins behind it.
// CHECK-LABEL: func @needed
// CHECK: scf.parallel
// CHECK: }
// CHECK-NEXT: %[[P:.*]] = memref.load
// CHECK: scf.parallel
// CHECK-NEXT: memref.store %[[P]]
// CHECK: }
// CHECK-NEXT: scf.parallel
// CHECK-NEXT: memref.store
// CHECK-NEXT: scf.reduce
// CHECK-NEXT: }
// CHECK-NEXT: scf.parallel
func.func @needed(%x: memref<?xf32>, %n: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  %p = memref.load %x[%c0] : memref<?xf32>
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %p, %x[%i] : memref<?xf32>
  }
  memref.store %v, %x[%c0] : memref<?xf32>
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// A call may have threads of its own.
// CHECK-LABEL: func @calls
// CHECK: scf.parallel
// CHECK: }
// CHECK-NEXT: call @library
// CHECK-NEXT: scf.parallel
func.func private @library()
func.func @calls(%x: memref<?xf32>, %n: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  func.call @library() : () -> ()
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// So does a division that may have no result: it is not done in front.
// CHECK-LABEL: func @divides
// CHECK: scf.parallel
// CHECK: }
// CHECK-NEXT: %[[Q:.*]] = arith.divui
// CHECK-NEXT: scf.parallel (%{{.*}}) = (%c0) to (%[[Q]])
func.func @divides(%x: memref<?xf32>, %n: index, %m: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  %q = arith.divui %n, %m : index
  scf.parallel (%i) = (%c0) to (%q) step (%c1) {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  return
}
