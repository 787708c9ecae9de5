// RUN: not heed-opt %s --mlir-very-unsafe-disable-verifier-on-parsing --verify-each=false --heed-verify-stage 2>&1 | FileCheck %s
// CHECK: error: 'tensor.cast' op operand type {{.*}} and result type {{.*}} are cast incompatible
func.func @main(%x: tensor<4xf32>) -> tensor<5xf32> {
  %y = "tensor.cast"(%x) : (tensor<4xf32>) -> tensor<5xf32>
  return %y : tensor<5xf32>
}
