// RUN: heed-opt %s --heed-lower-gpu-pipeline=format=llvm | FileCheck %s --check-prefix=LLVM --implicit-check-not="{{ (scf|math|cf|vector|affine)\.}}" --implicit-check-not=unrealized_conversion_cast
// RUN: heed-opt %s --heed-lower-gpu-pipeline | FileCheck %s --check-prefix=PTX
// RUN: heed-opt %s --heed-lower-gpu-pipeline='chip=sm_120 format=ptx' | FileCheck %s --check-prefix=NEW
// RUN: heed-opt %s --heed-gpu-pipeline=chip=sm_90 | FileCheck %s --check-prefix=ALL

// The contract of lower-gpu: kernels are text for the chip, and the host
// launches them. The instruction set is chosen, not the assembler's default.

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// LLVM: gpu.launch_func
// LLVM: gpu.module @heed_kernels
// LLVM: llvm.func @sdpa_0
// LLVM: nvvm.mma.sync

// PTX-LABEL: func @main
// PTX: gpu.launch_func @heed_kernels::@sdpa_0
// PTX: gpu.binary @heed_kernels [#gpu.object<#nvvm.target<O = 3, chip = "sm_80", features = "+ptx80">
// PTX-SAME: .version 8.0{{.*}}.target sm_80
// PTX-SAME: .extern .shared .align 1024 .b8 shared_memory[]
// PTX-DAG: .visible .entry sdpa_0
// PTX-DAG: .reqntid 256
// PTX-DAG: cp.async.cg.shared.global
// PTX-DAG: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX-DAG: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// PTX-DAG: ex2.approx
// PTX-DAG: cvt.rn.bf16x2.f32

// NEW: .version 8.7{{.*}}.target sm_120

// ALL: .version 8.0{{.*}}.target sm_90{{.*}}mma.sync

func.func @main(%q: tensor<1x8x512x64xbf16>, %k: tensor<1x8x512x64xbf16>, %v: tensor<1x8x512x64xbf16>) -> tensor<1x8x512x64xbf16> {
  %init = tensor.empty() : tensor<1x8x512x64xbf16>
  %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x512x64xbf16>, tensor<1x8x512x64xbf16>, tensor<1x8x512x64xbf16>)
      outs(%init : tensor<1x8x512x64xbf16>) maps = [#q, #k, #v, #o]
      {causal = #attn.causal<top_left>, scale = 1.250000e-01 : f64} -> tensor<1x8x512x64xbf16>
  return %o : tensor<1x8x512x64xbf16>
}
