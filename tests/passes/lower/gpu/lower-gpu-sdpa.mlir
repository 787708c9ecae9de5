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
#k_bshd = affine_map<(b, h, i, j, d, e) -> (b, j, h, d)>
#v_bshd = affine_map<(b, h, i, j, d, e) -> (b, j, h, e)>
#bias = affine_map<(b, h, i, j, d, e) -> (i, j)>
#q_columns = affine_map<(b, h, i, j, d, e) -> (h, d, i)>
#k_columns = affine_map<(b, h, i, j, d, e) -> (h, d, j)>
#v_columns = affine_map<(b, h, i, j, d, e) -> (h, e, j)>
#o_columns = affine_map<(b, h, i, j, d, e) -> (h, e, i)>

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

// Any strides: heads in columns, and sizes that are no multiple of a fragment.
// CHECK-LABEL: func @columns
// CHECK: gpu.launch_func @heed_kernels::@sdpa_3
func.func @columns(%q: memref<2x20x70xf32>, %o: memref<2x20x70xf32>) {
  attn.sdpa ins(%q, %q, %q : memref<2x20x70xf32>, memref<2x20x70xf32>, memref<2x20x70xf32>)
      outs(%o : memref<2x20x70xf32>) maps = [#q_columns, #k_columns, #v_columns, #o_columns]
  return
}

// A divisor of strides that depend on sizes is seen through views: rows are read
// by 16 bytes.
// CHECK-LABEL: func @packed
// CHECK: gpu.launch_func @heed_kernels::@sdpa_4
func.func @packed(%x: memref<?x?x192xf32>, %n: index, %m: index, %o: memref<?x?x4x16xf32>) {
  %q0 = memref.subview %x[0, 0, 0] [%n, %m, 64] [1, 1, 1] : memref<?x?x192xf32> to memref<?x?x64xf32, strided<[?, 192, 1]>>
  %q = memref.expand_shape %q0 [[0], [1], [2, 3]] output_shape [%n, %m, 4, 16] : memref<?x?x64xf32, strided<[?, 192, 1]>> into memref<?x?x4x16xf32, strided<[?, 192, 16, 1]>>
  attn.sdpa ins(%q, %q, %q : memref<?x?x4x16xf32, strided<[?, 192, 16, 1]>>, memref<?x?x4x16xf32, strided<[?, 192, 16, 1]>>, memref<?x?x4x16xf32, strided<[?, 192, 16, 1]>>)
      outs(%o : memref<?x?x4x16xf32>) maps = [#q_bshd, #k_bshd, #v_bshd, #o_bshd]
  return
}

// What the score loads from above is read by its address, of keys that exist.
// CHECK-LABEL: func @score_loads
// CHECK: gpu.launch_func @heed_kernels::@sdpa_5
func.func @score_loads(%q: memref<1x1x60x64xf16>, %slopes: memref<?xf32>, %o: memref<1x1x60x64xf16>) {
  attn.sdpa ins(%q, %q, %q : memref<1x1x60x64xf16>, memref<1x1x60x64xf16>, memref<1x1x60x64xf16>)
      outs(%o : memref<1x1x60x64xf16>) maps = [#q, #k, #v, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slope = memref.load %slopes[%j] : memref<?xf32>
      %y = arith.mulf %s, %slope : f32
      attn.yield %y : f32
    }
  return
}

// Two elements of a row of the bias are one load where rows allow it.
// CHECK-LABEL: func @bias
// CHECK: gpu.launch_func @heed_kernels::@sdpa_6
func.func @bias(%q: memref<1x1x64x64xf16>, %bias: memref<64x64xbf16>, %o: memref<1x1x64x64xf16>) {
  attn.sdpa ins(%q, %q, %q : memref<1x1x64x64xf16>, memref<1x1x64x64xf16>, memref<1x1x64x64xf16>) bias(%bias : memref<64x64xbf16>)
      outs(%o : memref<1x1x64x64xf16>) maps = [#q, #k, #v, #bias, #o]
  return
}

// One query, whose keys are shared by as many blocks as there are parts of 256;
// the number is known when the keys are.
// CHECK-LABEL: func @split
// CHECK: %[[SUMS:.*]] = memref.alloc() : memref<2x8x16x1x68xf32>
// CHECK: gpu.launch_func @heed_kernels::@sdpa_7 blocks in (%c16, %c8, %c2) threads in (%c32,
// CHECK: gpu.launch_func @heed_kernels::@sdpa_combine_8 blocks in (%c1, %c8, %c2) threads in (%c128,
func.func @split(%q: memref<2x8x1x64xf16>, %k: memref<2x8x4096x64xf16>, %o: memref<2x8x1x64xf16>) {
  attn.sdpa ins(%q, %k, %k : memref<2x8x1x64xf16>, memref<2x8x4096x64xf16>, memref<2x8x4096x64xf16>)
      outs(%o : memref<2x8x1x64xf16>) maps = [#q, #k, #v, #o]
  return
}

// CHECK-LABEL: func @split_dynamic
// CHECK: %[[SUMS:.*]] = memref.alloc(%[[PARTS:.*]]) : memref<1x8x?x1x68xf32>
// CHECK: gpu.launch_func @heed_kernels::@sdpa_9 blocks in (%[[PARTS]], %c8, %c1)
// CHECK: gpu.launch_func @heed_kernels::@sdpa_combine_10
func.func @split_dynamic(%q: memref<1x8x1x64xf16>, %k: memref<1x8x?x64xf16>, %o: memref<1x8x1x64xf16>) {
  attn.sdpa ins(%q, %k, %k : memref<1x8x1x64xf16>, memref<1x8x?x64xf16>, memref<1x8x?x64xf16>)
      outs(%o : memref<1x8x1x64xf16>) maps = [#q, #k, #v, #o]
  return
}

// Heads and batches enough to fill the GPU are not split.
// CHECK-LABEL: func @no_split
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @heed_kernels::@sdpa_11
// CHECK-NOT: gpu.launch_func
func.func @no_split(%q: memref<40x8x1x64xf16>, %k: memref<40x8x4096x64xf16>, %o: memref<40x8x1x64xf16>) {
  attn.sdpa ins(%q, %k, %k : memref<40x8x1x64xf16>, memref<40x8x4096x64xf16>, memref<40x8x4096x64xf16>)
      outs(%o : memref<40x8x1x64xf16>) maps = [#q, #k, #v, #o]
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

// Elements are copied one by one, multiplied in two parts by three products, and
// stored one by one where they exist.
// CHECK-LABEL: llvm.func @sdpa_3
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca, %{{.*}}
// CHECK: scf.for
// CHECK: nvvm.ldmatrix
// CHECK: %[[ROUNDED:.*]] = arith.addi %{{.*}}, %c4096_i32
// CHECK: %[[BIG:.*]] = arith.andi %[[ROUNDED]], %c-8192_i32
// CHECK: arith.subf
// CHECK-COUNT-3: nvvm.mma.sync {{.*}}multiplicandAPtxType = #nvvm.mma_type<tf32>{{.*}}#nvvm.shape<m = 16, n = 8, k = 8>
// CHECK: llvm.load %{{.*}} {alignment = 8 : i64} : !llvm.ptr<3> -> vector<2xi32>
// CHECK: llvm.store %{{.*}}, %{{.*}} : f32, !llvm.ptr<1>

// CHECK-LABEL: llvm.func @sdpa_4
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>

// CHECK-LABEL: llvm.func @sdpa_5
// CHECK: %[[KEY:.*]] = arith.minsi %{{.*}}, %c59_i32
// CHECK: llvm.load %{{.*}} : !llvm.ptr<1> -> f32
// CHECK-NOT: memref.load

// CHECK-LABEL: llvm.func @sdpa_6
// CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<1> -> vector<2xbf16>

// A part visits its own keys and stores its sums, the maximum and the sum of
// the softmax behind them.
// CHECK-LABEL: llvm.func @sdpa_7
// CHECK: nvvm.read.ptx.sreg.ctaid.x
// CHECK: scf.for
// CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>

// The maximum over parts, then the weighted sums.
// CHECK-LABEL: llvm.func @sdpa_combine_8
// CHECK: scf.for
// CHECK: arith.maxnumf
// CHECK: scf.for
// CHECK: math.exp2
// CHECK-COUNT-3: math.fma
// CHECK: arith.divf

// 99 KB of shared memory hold 32 keys of 128 elements beside 128 queries.
// SMALL-LABEL: func @dynamic_grouped_heads
// SMALL: gpu.launch_func @heed_kernels::@sdpa_1
// SMALL-LABEL: llvm.func @sdpa_1
// SMALL: scf.for {{.*}} step %c32_i32
