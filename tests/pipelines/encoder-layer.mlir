// A whole nn.TransformerEncoderLayer as PyTorch exports it is a short list of
// ops: views aside, nothing is left between them.
// RUN: heed-import %models/encoder_layer.onnx -o %t.mlir
// RUN: heed-opt %t.mlir --heed-normalize-pipeline --heed-recognize-pipeline --heed-fuse-pipeline --heed-lower-onednn --canonicalize --cse --mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x10x32xf32>
// CHECK-NOT: linalg.
// CHECK-NOT: tensor.concat
// CHECK: %[[QKV:.*]] = attn.primitive matmul ins(%[[X]], %{{.*}} : tensor<2x10x32xf32>, tensor<32x96xf32>) bias(
// CHECK-NOT: linalg.
// CHECK-COUNT-3: tensor.extract_slice %[[QKV]]
// CHECK-NOT: linalg.
// CHECK: %[[O:.*]] = attn.sdpa ins(
// CHECK-NOT: linalg.
// CHECK: %[[OV:.*]] = tensor.collapse_shape %[[O]]
// CHECK-NOT: linalg.
// CHECK: %[[H:.*]] = attn.primitive matmul ins(%[[OV]], %{{.*}}) bias({{.*}}) post(%[[X]] : {{.*}} post_ops = [#attn.post_op<add>]
// CHECK-NOT: linalg.
// CHECK: %[[N:.*]] = attn.norm layer ins(%[[H]] : {{.*}} outs(%[[H]]
// CHECK-NOT: linalg.
// CHECK: %[[U:.*]] = attn.primitive matmul ins(%[[N]], %{{.*}}) bias({{.*}} post_ops = [#attn.post_op<relu>]
// CHECK-NOT: linalg.
// CHECK: %[[D:.*]] = attn.primitive matmul ins(%[[U]], %{{.*}}) bias({{.*}}) post(%[[N]] : {{.*}} post_ops = [#attn.post_op<add>]
// CHECK-NOT: linalg.
// CHECK: %[[Y:.*]] = attn.norm layer ins(%[[D]] : {{.*}} outs(%[[D]]
// CHECK-NOT: linalg.
// CHECK: return %[[Y]]
