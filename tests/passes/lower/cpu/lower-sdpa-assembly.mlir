// The inner loops of the attention kernel in assembly: accumulators in
// registers, nothing on the stack, an exponential without a call.
// DEFINE: %{mcpu} =
// DEFINE: %{assemble} = heed-opt %s --heed-lower-sdpa=mcpu=%{mcpu} --canonicalize --cse --fold-memref-alias-ops --expand-strided-metadata --lower-affine --convert-scf-to-cf --convert-vector-to-llvm --convert-math-to-llvm --finalize-memref-to-llvm --convert-arith-to-llvm --convert-index-to-llvm --convert-ub-to-llvm --convert-func-to-llvm --convert-cf-to-llvm --reconcile-unrealized-casts | mlir-translate --mlir-to-llvmir | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=%{mcpu} | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=%{mcpu}

// REDEFINE: %{mcpu} = sapphirerapids
// RUN: %{assemble} | FileCheck %s --check-prefix=AVX512
// REDEFINE: %{mcpu} = znver4
// RUN: %{assemble} | FileCheck %s --check-prefix=AVX512
// REDEFINE: %{mcpu} = haswell
// RUN: %{assemble} | FileCheck %s --check-prefix=AVX2

// AVX512-LABEL: attention:
// AVX512-NOT: 64-byte Spill
// AVX512: vmovaps -192(%{{r[a-z0-9]+}}), %zmm
// AVX512-NOT: rsp
// AVX512-COUNT-24: vfmadd231ps {{.*}}%zmm
// AVX512: jne
// AVX512-NOT: call{{.*}}exp
// AVX512-NOT: 64-byte Spill
// AVX512: vpslld $23, %zmm
// AVX512-NOT: 64-byte Spill
// AVX512: .Lfunc_end0

// AVX2-LABEL: attention:
// AVX2: vmovaps -32(%{{r[a-z0-9]+}}), %ymm
// AVX2-NOT: rsp
// AVX2-COUNT-12: vfmadd231ps {{.*}}%ymm
// AVX2: jne
// AVX2-NOT: call{{.*}}exp
// AVX2: vpslld $23, %ymm
// AVX2: .Lfunc_end0
func.func @attention(%q: memref<8x192x64xf32>, %k: memref<8x192x64xf32>, %v: memref<8x192x64xf32>, %o: memref<8x192x64xf32>) {
  attn.sdpa ins(%q, %k, %v : memref<8x192x64xf32>, memref<8x192x64xf32>, memref<8x192x64xf32>)
      outs(%o : memref<8x192x64xf32>)
      maps = [affine_map<(b, h, i, j, d, e) -> (h, i, d)>, affine_map<(b, h, i, j, d, e) -> (h, j, d)>,
              affine_map<(b, h, i, j, d, e) -> (h, j, e)>, affine_map<(b, h, i, j, d, e) -> (h, i, e)>]
      {scale = 1.250000e-01 : f64}
  return
}
