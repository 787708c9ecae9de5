// RUN: heed-opt %s --split-input-file --verify-diagnostics --heed-lower-profile | FileCheck %s

// What a kernel computes and moves: 8 · 64 exponentials, each number read once
// and written once. Its name and that of its node.
// CHECK: module attributes {attn.kernels = [{kernel = "linalg.exp", nodes = ["/act/Exp"]}]}
// CHECK-LABEL: func @static
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr
// CHECK-DAG: %[[FLOPS:.*]] = arith.constant 5.120000e+02 : f64
// CHECK-DAG: %[[BYTES:.*]] = arith.constant 4.096000e+03 : f64
// CHECK-DAG: %[[K:.*]] = arith.constant 0 : i64
// CHECK: llvm.call @heed_profile_begin(%[[CTX]], %[[K]]) : (!llvm.ptr, i64) -> ()
// CHECK-NEXT: linalg.exp
// CHECK-NEXT: llvm.call @heed_profile_end(%[[CTX]], %[[K]], %[[FLOPS]], %[[BYTES]]) : (!llvm.ptr, i64, f64, f64) -> ()
func.func @static(%ctx: !llvm.ptr, %x: memref<8x64xf32>, %y: memref<8x64xf32>) {
  linalg.exp ins(%x : memref<8x64xf32>) outs(%y : memref<8x64xf32>) loc("/act/Exp"("model.onnx":3:0))
  return
}

// -----

// 2 · n · 5 · 7 by the size of the run.
// CHECK: {kernel = "linalg.matmul", nodes = ["file.mlir:7:3"]}
// CHECK-LABEL: func @dynamic
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr, %[[A:.*]]: memref<?x5xf32>, %{{.*}}: memref<5x7xf32>, %[[C:.*]]: memref<?x7xf32>
// CHECK: %[[SEVENTY:.*]] = arith.constant 7.000000e+01 : f64
// CHECK: %[[N:.*]] = memref.dim %[[C]], %{{.*}} : memref<?x7xf32>
// CHECK: %[[WIDE:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK: %[[REAL:.*]] = arith.sitofp %[[WIDE]] : i64 to f64
// CHECK: %[[FLOPS:.*]] = arith.mulf %[[SEVENTY]], %[[REAL]]
// CHECK: llvm.call @heed_profile_begin
// CHECK-NEXT: linalg.matmul
// CHECK-NEXT: llvm.call @heed_profile_end(%[[CTX]], %{{.*}}, %[[FLOPS]], %{{.*}})
func.func @dynamic(%ctx: !llvm.ptr, %a: memref<?x5xf32>, %b: memref<5x7xf32>, %c: memref<?x7xf32>) {
  linalg.matmul ins(%a, %b : memref<?x5xf32>, memref<5x7xf32>) outs(%c : memref<?x7xf32>) loc("some/file.mlir":7:3)
  return
}

// -----

// A primitive is known by its kind: 2 · 3 · 7 products of 5, and a relu of each.
// CHECK: {kernel = "onednn.matmul"
// CHECK-LABEL: func @primitive
// CHECK: arith.constant 2.310000e+02 : f64
// CHECK: llvm.call @heed_profile_begin
// CHECK-NEXT: attn.primitive matmul
// CHECK: llvm.call @heed_profile_end
func.func @primitive(%ctx: !llvm.ptr, %a: memref<3x5xf32>, %b: memref<5x7xf32>, %c: memref<3x7xf32>) {
  attn.primitive matmul ins(%a, %b : memref<3x5xf32>, memref<5x7xf32>) outs(%c : memref<3x7xf32>)
      layouts = [[0, 1], [0, 1], [0, 1]] post_ops = [#attn.post_op<relu>]
  return
}

// -----

// Kernels within loops are marked one by one, a loop without any as a whole,
// and nothing within a parallel loop. Scalar code is no kernel.
// CHECK: attn.kernels = [{kernel = "fill", {{.*}}}, {kernel = "copy", {{.*}}}, {kernel = "loop", {{.*}}}, {kernel = "loop", {{.*}}}]
// CHECK-LABEL: func @loops
// CHECK: scf.for
// CHECK-NOT: scf.if
// CHECK: llvm.call @heed_profile_begin
// CHECK-NEXT: linalg.fill
// CHECK-NEXT: llvm.call @heed_profile_end
// CHECK: scf.if
// CHECK: llvm.call @heed_profile_begin
// CHECK-NEXT: memref.copy
// CHECK-NEXT: llvm.call @heed_profile_end
// CHECK: llvm.call @heed_profile_begin
// CHECK-NEXT: scf.for
// CHECK-NEXT: memref.store
// CHECK-NEXT: }
// CHECK-NEXT: llvm.call @heed_profile_end
// CHECK: llvm.call @heed_profile_begin
// CHECK-NEXT: scf.parallel
// CHECK-NEXT: linalg.fill
// CHECK: llvm.call @heed_profile_end
// CHECK-NOT: llvm.call
// CHECK: return
func.func @loops(%ctx: !llvm.ptr, %x: memref<4xf32>, %y: memref<4xf32>, %n: index, %same: i1, %z: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    linalg.fill ins(%z : f32) outs(%x : memref<4xf32>)
  }
  scf.if %same {
    memref.copy %x, %y : memref<4xf32> to memref<4xf32>
  }
  scf.for %i = %c0 to %n step %c1 {
    memref.store %z, %x[%i] : memref<4xf32>
  }
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    linalg.fill ins(%z : f32) outs(%y : memref<4xf32>)
  }
  memref.store %z, %x[%c0] : memref<4xf32>
  return
}

// -----

// Generic ops by what they are.
// CHECK: attn.kernels = [{kernel = "elementwise", {{.*}}}, {kernel = "move", {{.*}}}, {kernel = "reduction", {{.*}}}]
#id = affine_map<(i, j) -> (i, j)>
#t = affine_map<(i, j) -> (j, i)>
#row = affine_map<(i, j) -> (i)>
func.func @generics(%ctx: !llvm.ptr, %x: memref<4x4xf32>, %y: memref<4x4xf32>, %r: memref<4xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<4x4xf32>) outs(%y : memref<4x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.mulf %a, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<4x4xf32>) outs(%y : memref<4x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x4xf32>) outs(%r : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// An op that several layers share is at the place of the layer that called it;
// other fused places are all named.
// CHECK: attn.kernels = [{kernel = "linalg.exp", nodes = ["/layer.0/Exp"]}, {kernel = "linalg.exp", nodes = ["/layer.1/Exp", "/layer.1/Mul"]}, {kernel = "linalg.exp", nodes = ["q", "k"]}, {kernel = "linalg.exp", nodes = []}]
#first = loc(fused<0>["/layer.0/Exp"])
#qk = loc(fused["/layer.1/Exp", "/layer.1/Mul"])
#second = loc(fused<1>[#qk])
#shared = loc(fused[#first, #second])
#call0 = loc(fused<0>["/layer.0/Exp"])
#call1 = loc(fused<1>["/layer.1/Exp"])
func.func @layers(%ctx: !llvm.ptr, %x: memref<8xf32>, %y: memref<8xf32>) {
  linalg.exp ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) loc(callsite(#shared at #call0))
  linalg.exp ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) loc(callsite(#shared at #call1))
  linalg.exp ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) loc(fused<"scope">["q", "k"])
  linalg.exp ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) loc(unknown)
  return
}

// -----

// expected-error @below {{expected a lowered entry (heed-lower-entry)}}
func.func @no_context(%x: memref<8xf32>, %y: memref<8xf32>) {
  linalg.exp ins(%x : memref<8xf32>) outs(%y : memref<8xf32>)
  return
}
