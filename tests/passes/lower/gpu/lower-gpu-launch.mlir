// RUN: heed-opt %s --heed-lower-gpu-launch --split-input-file --verify-diagnostics | FileCheck %s

module attributes {gpu.container_module} {
// Sizes and arguments in a frame at the entry, the kernels as text that ends in
// a zero.
// CHECK: llvm.mlir.global internal constant @[[NAME:heed_text_.*]]("k\00")
// CHECK: llvm.mlir.global internal constant @heed_kernels_image("gpu.module @heed_kernels {{.*}}\00")
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr, %[[N:.*]]: index, %[[P:.*]]: !llvm.ptr, %[[I:.*]]: i32
// CHECK: %[[COUNT:.*]] = llvm.mlir.constant(13 : i64)
// CHECK: %[[FRAME:.*]] = llvm.alloca %[[COUNT]] x i64
// CHECK: scf.for
// CHECK: %[[N64:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK: %[[GRID:.*]] = llvm.getelementptr %[[FRAME]][0]
// CHECK: llvm.store %[[N64]], %[[GRID]]
// CHECK: %[[ARGUMENT:.*]] = llvm.getelementptr %[[FRAME]][11]
// CHECK: llvm.store %[[P]], %[[ARGUMENT]]
// CHECK: %[[INT:.*]] = llvm.getelementptr %[[FRAME]][12]
// CHECK: llvm.store %[[I]], %[[INT]]
// CHECK: %[[STATUS:.*]] = llvm.call @heed_cuda_launch(%[[CTX]], %{{.*}}, %{{.*}}, %[[FRAME]], %{{.*}})
// CHECK: arith.cmpi eq, %[[STATUS]]
// CHECK: cf.assert
// CHECK-NOT: gpu.{{launch|module}}
// CHECK: return
func.func @main(%context: !llvm.ptr, %n: index, %p: !llvm.ptr, %i: i32) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %shared = arith.constant 1024 : i32
  %ok = arith.constant 0 : i32
  scf.for %j = %c0 to %n step %c1 {
    gpu.launch_func @heed_kernels::@k blocks in (%n, %c1, %c1) threads in (%c1, %c1, %c1)
        dynamic_shared_memory_size %shared args(%p : !llvm.ptr, %i : i32)
  }
  return %ok : i32
}
gpu.module @heed_kernels {
  llvm.func @k(%a: !llvm.ptr, %b: i32) attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
}

// -----

module attributes {gpu.container_module} {
// Blocks of a cluster are words of their own.
// CHECK-LABEL: func.func @main
// CHECK: llvm.getelementptr %{{.*}}[6]
// CHECK-NEXT: llvm.store %[[TWO:.*]], %{{.*}}
func.func @main(%context: !llvm.ptr) -> i32 {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %ok = arith.constant 0 : i32
  gpu.launch_func @heed_kernels::@k clusters in (%c2, %c1, %c1) blocks in (%c2, %c1, %c1) threads in (%c1, %c1, %c1)
  return %ok : i32
}
gpu.module @heed_kernels {
  llvm.func @k() attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
}

// -----

module attributes {gpu.container_module} {
func.func @main() {
  %c1 = arith.constant 1 : index
  // expected-error @below {{expected a lowered entry (heed-lower-entry) around it}}
  gpu.launch_func @heed_kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1)
  return
}
gpu.module @heed_kernels {
  llvm.func @k() attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
}
