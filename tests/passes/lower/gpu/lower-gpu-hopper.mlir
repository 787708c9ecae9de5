// RUN: heed-opt %s --heed-lower-gpu-hopper | FileCheck %s

gpu.module @kernels {
  // Both factors in shared memory: the first step starts at 0, the second adds.
  // CHECK-LABEL: llvm.func @rows
  // CHECK: %[[ZERO:.*]] = llvm.mlir.constant(0.000000e+00 : f32) : f32
  // CHECK: %[[S:.*]] = llvm.inline_asm has_side_effects asm_dialect = att
  // CHECK-SAME: "wgmma.fence.sync.aligned;
  // CHECK-SAME: { .reg .pred p; setp.ne.b32 p, 0, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, $8, $9, p, 1, 1, 0, 0; }
  // CHECK-SAME: { .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, $10, $11, p, 1, 1, 0, 0; }
  // CHECK-SAME: wgmma.commit_group.sync.aligned;"
  // CHECK-SAME: "=f,=f,=f,=f,0,1,2,3,l,l,l,l" %[[ZERO]], %[[ZERO]], %[[ZERO]], %[[ZERO]]
  // CHECK: %[[S0:.*]] = llvm.extractvalue %[[S]][0]
  // CHECK: llvm.inline_asm has_side_effects asm_dialect = att "wgmma.wait_group.sync.aligned 1;", "=f,=f,=f,=f,0,1,2,3" %[[S0]]
  llvm.func @rows(%q: i64, %k: i64) {
    %s:4 = hopper.wgmma bf16 a(%q, %q : i64, i64) b(%k, %k : i64, i64) : f32, f32, f32, f32
    %done:4 = hopper.wait 1 (%s#0, %s#1, %s#2, %s#3 : f32, f32, f32, f32) : f32, f32, f32, f32
    llvm.return
  }

  // The first factor in registers, the second by columns, sums that go on.
  // CHECK-LABEL: llvm.func @columns
  // CHECK: setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$8, $9, $10, $11}, $12, p, 1, 1, 1; }
  // CHECK-SAME: "=f,=f,=f,=f,0,1,2,3,r,r,r,r,l"
  llvm.func @columns(%p: i32, %v: i64, %o: f32) {
    %d:4 = hopper.wgmma f16 columns a(%p, %p, %p, %p : i32, i32, i32, i32) b(%v : i64) c(%o, %o, %o, %o : f32, f32, f32, f32) : f32, f32, f32, f32
    llvm.return
  }
}
