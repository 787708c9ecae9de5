// RUN: heed-opt %s --heed-lower-gpu-sdpa --canonicalize --cse | FileCheck %s
// RUN: heed-opt %s --heed-lower-gpu-sdpa=chip=sm_89 --canonicalize --cse | FileCheck %s --check-prefix=SMALL
// RUN: not heed-opt %s --heed-lower-gpu-sdpa=chip=sm_75 2>&1 | FileCheck %s --check-prefix=OLD

// OLD: chip: expected sm_80, {{.*}}, got sm_75

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#q_bshd = affine_map<(b, h, i, j, d, e) -> (b, i, h, d)>
#k_gqa = affine_map<(b, h, i, j, d, e) -> (b, j, h floordiv 4, d)>
#v_gqa = affine_map<(b, h, i, j, d, e) -> (b, j, h floordiv 4, e)>
#o_bshd = affine_map<(b, h, i, j, d, e) -> (b, i, h, e)>

// Static and whole blocks: four addresses are all that the launch passes.
// CHECK-LABEL: func @whole_blocks
// CHECK-DAG: %[[SHARED:.*]] = arith.constant 55296 : i32
// CHECK: gpu.launch_func @heed_kernels::@sdpa_0 blocks in (%c4, %c8, %c2) threads in (%c256, %c1, %c1) dynamic_shared_memory_size %[[SHARED]]
// CHECK-SAME: args(%{{[0-9]+}} : !llvm.ptr, %{{[0-9]+}} : !llvm.ptr, %{{[0-9]+}} : !llvm.ptr, %{{[0-9]+}} : !llvm.ptr)
func.func @whole_blocks(%q: memref<2x8x512x64xbf16>, %k: memref<2x8x512x64xbf16>, %v: memref<2x8x512x64xbf16>, %o: memref<2x8x512x64xbf16>) {
  attn.sdpa ins(%q, %k, %v : memref<2x8x512x64xbf16>, memref<2x8x512x64xbf16>, memref<2x8x512x64xbf16>)
      outs(%o : memref<2x8x512x64xbf16>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
  return
}

// The same attention of the next layer is the same kernel.
// CHECK-LABEL: func @next_layer
// CHECK: gpu.launch_func @heed_kernels::@sdpa_0
func.func @next_layer(%q: memref<2x8x512x64xbf16>, %k: memref<2x8x512x64xbf16>, %v: memref<2x8x512x64xbf16>, %o: memref<2x8x512x64xbf16>) {
  attn.sdpa ins(%q, %k, %v : memref<2x8x512x64xbf16>, memref<2x8x512x64xbf16>, memref<2x8x512x64xbf16>)
      outs(%o : memref<2x8x512x64xbf16>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
  return
}

// Any sizes and grouped heads: sizes and strides are parameters.
// CHECK-LABEL: func @dynamic_grouped_heads
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %c128
// CHECK: gpu.launch_func @heed_kernels::@sdpa_1 blocks in (%[[BLOCKS]], %c8, %{{.*}}) threads in (%c256
func.func @dynamic_grouped_heads(%q: memref<?x?x8x128xf16>, %k: memref<?x?x2x128xf16>, %v: memref<?x?x2x128xf16>, %o: memref<?x?x8x128xf16>) {
  attn.sdpa ins(%q, %k, %v : memref<?x?x8x128xf16>, memref<?x?x2x128xf16>, memref<?x?x2x128xf16>)
      outs(%o : memref<?x?x8x128xf16>) maps = [#q_bshd, #k_gqa, #v_gqa, #o_bshd]
      {causal = #attn.causal<top_left>, scale = 8.837890e-02 : f64}
  return
}

// What the score takes from above is a parameter, or a constant of the kernel.
// CHECK-LABEL: func @score
// CHECK-SAME: %[[SLOPE:[a-z0-9]+]]: f32
// CHECK: gpu.launch_func @heed_kernels::@sdpa_2
// CHECK-SAME: %[[SLOPE]] : f32
func.func @score(%q: memref<1x1x64x64xf16>, %slope: f32, %o: memref<1x1x64x64xf16>) {
  %c3 = arith.constant 3.0 : f32
  attn.sdpa ins(%q, %q, %q : memref<1x1x64x64xf16>, memref<1x1x64x64xf16>, memref<1x1x64x64xf16>)
      outs(%o : memref<1x1x64x64xf16>) maps = [#q, #k, #v, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %x = arith.mulf %s, %slope : f32
      %y = arith.addf %x, %c3 : f32
      attn.yield %y : f32
    }
  return
}

// CHECK: gpu.module @heed_kernels [#nvvm.target<O = 3, chip = "sm_80", features = "+ptx80">]
// CHECK: llvm.mlir.global external @shared_memory() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>

// One loop over blocks of 64 keys. Q is in registers, S = Q·Kᵀ is 4 steps of d by
// 8 tiles, O += P·V 4 steps of keys by 8 tiles of e; nothing is masked and no row
// is predicated.
// CHECK-LABEL: llvm.func @sdpa_0
// CHECK-SAME: gpu.kernel
// CHECK-SAME: nvvm.reqntid = array<i32: 256, 1, 1>
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 0
// CHECK: nvvm.barrier0
// CHECK-COUNT-4: nvvm.ldmatrix
// CHECK-NOT: nvvm.ldmatrix
// CHECK: scf.for %{{.*}} = %c0_i32 to %c512_i32 step %c64_i32
// CHECK: nvvm.cp.async.wait.group 0
// CHECK-NEXT: nvvm.barrier0
// CHECK: scf.if
// CHECK-COUNT-4: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK-NEXT: }
// CHECK-COUNT-32: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK-NOT: scf.if
// CHECK: arith.maxnumf
// CHECK: nvvm.shfl.sync bfly
// CHECK: math.exp2 %{{.*}} fastmath<afn>
// CHECK: math.fma
// CHECK: layout = #nvvm.mma_layout<col>
// CHECK-COUNT-32: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: scf.yield
// CHECK: arith.divf %{{.*}} fastmath<arcp,afn>
// CHECK: llvm.store
// CHECK: llvm.return

// The longest blocks start first, keys above the diagonal are not visited, those
// on it are masked; pairs of f16 are vectors.
// CHECK-LABEL: llvm.func @sdpa_1
// CHECK: nvvm.read.ptx.sreg.nctaid.x
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
// CHECK: scf.for
// CHECK: nvvm.mma.sync {{.*}} (vector<2xf16>, vector<2xf16>, f32)
// CHECK: scf.if %{{.*}} -> (f32
// CHECK: arith.select

// CHECK-LABEL: llvm.func @sdpa_2
// CHECK-SAME: %[[SLOPE:arg[0-9]+]]: f32
// CHECK: arith.mulf %{{.*}}, %[[SLOPE]] : f32
// CHECK: arith.addf %{{.*}}, %cst{{.*}} : f32

// 99 KB of shared memory hold 32 keys of 128 elements beside 128 queries.
// SMALL-LABEL: func @dynamic_grouped_heads
// SMALL: gpu.launch_func @heed_kernels::@sdpa_1
// SMALL-LABEL: llvm.func @sdpa_1
// SMALL: scf.for {{.*}} step %c32_i32
