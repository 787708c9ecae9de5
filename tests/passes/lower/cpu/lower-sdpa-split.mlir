// RUN: heed-opt %s --heed-lower-entry --heed-lower-sdpa=mcpu=znver4 --canonicalize --cse | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Three tasks: the keys of each in parts, as many as the threads ask for, each
// with sums of its own; then the sums of the parts together.
// CHECK-LABEL: func @main
// CHECK: %[[THREADS:.*]] = arith.index_cast
// CHECK: arith.remui %c3, %[[THREADS]]
// CHECK: %[[COUNT:.*]] = arith.maxsi
// CHECK: %[[M:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x1xf32>
// CHECK: %[[L:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x1x16xf32>
// CHECK: %[[O:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x1x64xf32>
// CHECK: scf.parallel (%{{.*}}, %[[PART:.*]]) = (%c0, %c0) to (%c3, %[[COUNT]])
// CHECK: memref.subview %[[M]]
// CHECK: %[[BEGIN:.*]] = arith.muli %[[PART]]
// CHECK: %[[SUM:.*]] = arith.addi %[[BEGIN]]
// CHECK: %[[END:.*]] = arith.minsi %[[SUM]], %c4096
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]] step %c512
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%c3)
// CHECK: scf.for %{{.*}} = %c0 to %[[COUNT]]
// CHECK: memref.load %[[M]]
// CHECK: vector.load %[[L]]
// CHECK-COUNT-4: vector.load %[[O]]
// CHECK: arith.divf
func.func @main(%q: memref<1x3x1x64xf32>, %k: memref<1x3x4096x64xf32>) -> memref<1x3x1x64xf32> {
  %o = memref.alloc() : memref<1x3x1x64xf32>
  attn.sdpa ins(%q, %k, %k : memref<1x3x1x64xf32>, memref<1x3x4096x64xf32>, memref<1x3x4096x64xf32>)
      outs(%o : memref<1x3x1x64xf32>) maps = [#q, #k, #v, #o]
  return %o : memref<1x3x1x64xf32>
}
