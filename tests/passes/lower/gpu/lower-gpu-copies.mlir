// RUN: heed-opt %s --heed-lower-gpu-copies --split-input-file --remarks-filter='heed-lower' --verify-diagnostics | FileCheck %s

module attributes {gpu.container_module} {
gpu.module @heed_kernels {
  // Reads the first, writes the second: by a pointer through a loop.
  llvm.func @k(%a: !llvm.ptr, %b: !llvm.ptr, %n: i32) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %from = llvm.addrspacecast %a : !llvm.ptr to !llvm.ptr<1>
    %x = llvm.load %from : !llvm.ptr<1> -> f32
    %to = llvm.addrspacecast %b : !llvm.ptr to !llvm.ptr<1>
    %end = scf.for %i = %c0 to %n step %c1 iter_args(%p = %to) -> !llvm.ptr<1> : i32 {
      llvm.store %x, %p : f32, !llvm.ptr<1>
      %next = llvm.getelementptr %p[4] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i8
      scf.yield %next : !llvm.ptr<1>
    }
    llvm.return
  }
}
llvm.func @heed_status(!llvm.ptr) -> i32

// Scratch memory that the host fills, and reads after the kernel has written to
// it; what nobody launches with gets no calls.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr
// CHECK: llvm.call @heed_cuda_start(%[[CTX]])
// CHECK: cf.assert
// CHECK: %[[A:.*]] = memref.alloc() : memref<64xf32>
// CHECK: %[[A_INDEX:.*]] = memref.extract_aligned_pointer_as_index %[[A]]
// CHECK: %[[A_PTR:.*]] = llvm.inttoptr
// CHECK: llvm.call @heed_cuda_buffer(%[[CTX]], %[[A_PTR]], %{{.*}}, %{{.*}})
// CHECK: %[[B:.*]] = memref.alloc() : memref<64xf32>
// CHECK: llvm.call @heed_cuda_buffer
// CHECK: %[[C:.*]] = memref.alloc() : memref<64xf32>
// CHECK-NOT: heed_cuda
// CHECK: linalg.fill {{.*}} outs(%[[C]]
// CHECK: %[[TRUE:.*]] = arith.constant 1 : i32
// CHECK: llvm.call @heed_cuda_to_host(%[[CTX]], %{{.*}}, %[[TRUE]])
// CHECK: cf.assert
// CHECK-NEXT: linalg.fill {{.*}} outs(%[[A]]
// The second needs no call: the host has just written there.
// CHECK-NEXT: memref.store
// CHECK: %[[READS:.*]] = arith.constant 0 : i32
// CHECK: %[[D0:.*]] = llvm.call @heed_cuda_to_device(%[[CTX]], %{{.*}}, %[[READS]])
// CHECK: %[[WRITES:.*]] = arith.constant 1 : i32
// CHECK: %[[D1:.*]] = llvm.call @heed_cuda_to_device(%[[CTX]], %{{.*}}, %[[WRITES]])
// CHECK: gpu.launch_func @heed_kernels::@k {{.*}} args(%[[D0]] : !llvm.ptr, %[[D1]] : !llvm.ptr
// The first is still on the host too.
// CHECK-NOT: to_host
// CHECK: memref.load %[[A]]
// CHECK: llvm.call @heed_cuda_to_host
// CHECK: memref.load %[[B]]
// CHECK: llvm.call @heed_cuda_finish
// CHECK: llvm.call @heed_status
// expected-remark @below {{kernels="k (1)"}}
func.func @main(%context: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %n = arith.constant 64 : i32
  %x = arith.constant 1.0 : f32
  %a = memref.alloc() : memref<64xf32>
  %b = memref.alloc() : memref<64xf32>
  %c = memref.alloc() : memref<64xf32>
  linalg.fill ins(%x : f32) outs(%c : memref<64xf32>)
  linalg.fill ins(%x : f32) outs(%a : memref<64xf32>)
  memref.store %x, %a[%c0] : memref<64xf32>
  %a_index = memref.extract_aligned_pointer_as_index %a : memref<64xf32> -> index
  %a_int = arith.index_cast %a_index : index to i64
  %a_ptr = llvm.inttoptr %a_int : i64 to !llvm.ptr
  %b_index = memref.extract_aligned_pointer_as_index %b : memref<64xf32> -> index
  %b_int = arith.index_cast %b_index : index to i64
  %b_ptr = llvm.inttoptr %b_int : i64 to !llvm.ptr
  gpu.launch_func @heed_kernels::@k blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%a_ptr : !llvm.ptr, %b_ptr : !llvm.ptr, %n : i32)
  %y = memref.load %a[%c0] : memref<64xf32>
  %z = memref.load %b[%c0] : memref<64xf32>
  memref.store %y, %c[%c0] : memref<64xf32>
  memref.store %z, %c[%c1] : memref<64xf32>
  %status = llvm.call @heed_status(%context) : (!llvm.ptr) -> i32
  return %status : i32
}
}

// -----

module attributes {gpu.container_module} {
gpu.module @heed_kernels {
  llvm.func @k(%a: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    %x = llvm.mlir.constant(1.0 : f32) : f32
    llvm.store %x, %a : f32, !llvm.ptr
    llvm.return
  }
}

// What a loop writes on the device is not on the host in the next iteration; the
// loop without a launch asks once.
// CHECK-LABEL: func.func @main
// CHECK: scf.for
// CHECK: llvm.call @heed_cuda_to_host
// CHECK: linalg.fill
// CHECK: llvm.call @heed_cuda_to_device
// CHECK: gpu.launch_func
// CHECK: }
// CHECK: llvm.call @heed_cuda_to_host
// CHECK: cf.assert
// CHECK-NEXT: scf.for
// CHECK-NOT: heed_cuda
// CHECK: linalg.fill
// CHECK: }
// expected-remark @below {{kernels="k (1)", stays on the CPU="linalg.fill (2)"}}
func.func @main(%context: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %ok = arith.constant 0 : i32
  %x = arith.constant 1.0 : f32
  %a = memref.alloc() : memref<64xf32>
  scf.for %i = %c0 to %c4 step %c1 {
    linalg.fill ins(%x : f32) outs(%a : memref<64xf32>)
    %index = memref.extract_aligned_pointer_as_index %a : memref<64xf32> -> index
    %int = arith.index_cast %index : index to i64
    %ptr = llvm.inttoptr %int : i64 to !llvm.ptr
    gpu.launch_func @heed_kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%ptr : !llvm.ptr)
  }
  scf.for %i = %c0 to %c4 step %c1 {
    linalg.fill ins(%x : f32) outs(%a : memref<64xf32>)
  }
  return %ok : i32
}
}

// -----

module attributes {gpu.container_module} {
gpu.module @heed_kernels {
  llvm.func @k(%a: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}

// A buffer of a branch is one of two: a use of the result is a use of each.
// CHECK-LABEL: func.func @main
// CHECK: memref.alloc
// CHECK: llvm.call @heed_cuda_buffer
// CHECK: scf.if
// CHECK: memref.alloc
// CHECK: llvm.call @heed_cuda_buffer
// expected-remark @below {{kernels="k (1)"}}
func.func @main(%context: !llvm.ptr, %c: i1) -> i32 {
  %c1 = arith.constant 1 : index
  %ok = arith.constant 0 : i32
  %a = memref.alloc() : memref<64xf32>
  %r = scf.if %c -> memref<64xf32> {
    %b = memref.alloc() : memref<64xf32>
    scf.yield %b : memref<64xf32>
  } else {
    scf.yield %a : memref<64xf32>
  }
  %index = memref.extract_aligned_pointer_as_index %r : memref<64xf32> -> index
  %int = arith.index_cast %index : index to i64
  %ptr = llvm.inttoptr %int : i64 to !llvm.ptr
  gpu.launch_func @heed_kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%ptr : !llvm.ptr)
  return %ok : i32
}
}

// -----

module attributes {gpu.container_module} {
gpu.module @heed_kernels {
  llvm.func @k(%a: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
// expected-remark @below {{kernels=nothing}}
func.func @parallel(%context: !llvm.ptr, %a: memref<64xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ok = arith.constant 0 : i32
  %index = memref.extract_aligned_pointer_as_index %a : memref<64xf32> -> index
  %int = arith.index_cast %index : index to i64
  %ptr = llvm.inttoptr %int : i64 to !llvm.ptr
  scf.parallel (%i) = (%c0) to (%c1) step (%c1) {
    // expected-error @below {{expected only serial loops and branches around it, got scf.parallel}}
    gpu.launch_func @heed_kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%ptr : !llvm.ptr)
  }
  return %ok : i32
}
}

// -----

llvm.func @heed_status(!llvm.ptr) -> i32

// A primitive that a library may run copies by itself; the host waits for it
// where it reads the result, and not for what was read only.
// CHECK-LABEL: func.func @main
// CHECK: llvm.call @heed_cuda_start
// CHECK-COUNT-3: llvm.call @heed_cuda_buffer
// CHECK: llvm.call @heed_cuda_to_host
// CHECK: linalg.fill
// CHECK: llvm.call @heed_cuda_to_host
// CHECK: linalg.fill
// CHECK-NOT: heed_cuda
// CHECK: attn.primitive matmul
// CHECK: memref.load
// CHECK: llvm.call @heed_cuda_to_host
// CHECK: memref.load
// CHECK-NOT: heed_cuda_to_host
// CHECK: llvm.call @heed_cuda_finish
// expected-remark @below {{by cuBLAS and cuDNN="attn.primitive matmul (1)", kernels=nothing, stays on the CPU="linalg.fill (2)"}}
func.func @main(%context: !llvm.ptr) -> i32 {
  %c0 = arith.constant 0 : index
  %x = arith.constant 1.0 : f32
  %a = memref.alloc() : memref<4x8xf32>
  %b = memref.alloc() : memref<8x4xf32>
  %c = memref.alloc() : memref<4x4xf32>
  %d = memref.alloc() : memref<2xf32>
  linalg.fill ins(%x : f32) outs(%a : memref<4x8xf32>)
  linalg.fill ins(%x : f32) outs(%b : memref<8x4xf32>)
  attn.primitive matmul ins(%a, %b : memref<4x8xf32>, memref<8x4xf32>) outs(%c : memref<4x4xf32>) layouts = [[0, 1], [0, 1], [0, 1]] {device}
  %y = memref.load %a[%c0, %c0] : memref<4x8xf32>
  %z = memref.load %c[%c0, %c0] : memref<4x4xf32>
  %s = arith.addf %y, %z : f32
  memref.store %s, %d[%c0] : memref<2xf32>
  %status = llvm.call @heed_status(%context) : (!llvm.ptr) -> i32
  return %status : i32
}
