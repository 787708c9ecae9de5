// RUN: heed-opt %s --heed-lower-gpu-math | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: llvm.func @exp
  llvm.func @exp(%x: f32) -> f32 {
    // CHECK: %[[C:.*]] = arith.constant 1.44269502 : f32
    // CHECK: %[[E:.*]] = arith.mulf %{{.*}}, %[[C]] : f32
    // CHECK: math.exp2 %[[E]] fastmath<afn> : f32
    %y = math.exp %x : f32
    llvm.return %y : f32
  }

  // CHECK-LABEL: llvm.func @log
  llvm.func @log(%x: f32) -> f32 {
    // CHECK: %[[L:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"(%{{.*}}) : (f32) -> f32
    // CHECK: arith.mulf %[[L]], %{{.*}} : f32
    %y = math.log %x : f32
    llvm.return %y : f32
  }

  // CHECK-LABEL: llvm.func @tanh
  llvm.func @tanh(%x: f32) -> f32 {
    // CHECK: math.exp2
    // CHECK: arith.addf
    // CHECK: arith.divf %{{.*}}, %{{.*}} fastmath<arcp,afn> : f32
    // CHECK: arith.subf
    %y = math.tanh %x : f32
    llvm.return %y : f32
  }

  // CHECK-LABEL: llvm.func @powers_of_two
  llvm.func @powers_of_two(%x: f32) -> f32 {
    // CHECK: math.exp2 %{{.*}} fastmath<afn> : f32
    // CHECK: llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"
    %y = math.exp2 %x : f32
    %z = math.log2 %y : f32
    llvm.return %z : f32
  }

  // CHECK-LABEL: llvm.func @erf
  llvm.func @erf(%x: f32) -> f32 {
    // CHECK-NOT: math.erf
    // CHECK: math.fma
    // CHECK: arith.divf
    %y = math.erf %x : f32
    llvm.return %y : f32
  }

  // Only f32 is of the kernels' own making.
  // CHECK-LABEL: llvm.func @other_elements_stay
  llvm.func @other_elements_stay(%x: f16) -> f16 {
    // CHECK: math.tanh %{{.*}} : f16
    %y = math.tanh %x : f16
    llvm.return %y : f16
  }
}

// What is no kernel stays.
// CHECK-LABEL: func @host
func.func @host(%x: f32) -> f32 {
  // CHECK: math.exp %{{.*}} : f32
  %y = math.exp %x : f32
  return %y : f32
}
