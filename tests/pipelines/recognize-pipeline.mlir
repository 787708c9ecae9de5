// DEFINE: %{recognize} = heed-opt --heed-normalize-pipeline --heed-recognize-pipeline --remarks-filter='heed-.*'
// RUN: %{recognize} %S/Inputs/gate.mlir 2>%t.remarks | FileCheck %s --check-prefix=GATE --implicit-check-not=linalg.reduce
// RUN: FileCheck %s --check-prefix=GATE-REMARK --implicit-check-not=remark: --input-file=%t.remarks
// RUN: %{recognize} %S/Inputs/attention.mlir 2>%t.remarks | FileCheck %s --check-prefix=SDPA --implicit-check-not="{{ linalg\.}}"
// RUN: FileCheck %s --check-prefix=SDPA-REMARK --implicit-check-not=remark: --input-file=%t.remarks

// The contract of recognize: one remark for every anchor, the attn op in place
// of the block, and nothing of the block left.

// GATE: attn.gate ins(%{{.*}} : tensor<?x8x?x?xf32>) outs(%{{.*}}) dimensions = [2, 3] pools = [avg]
// GATE-REMARK: remark: [Passed] gate | Category:heed-recognize | dims="2, 3", kind=channel_gate, pools=avg

// SDPA: attn.sdpa
// SDPA-REMARK: remark: [Passed] sdpa | Category:heed-recognize | {{.*}}kind=attention
