// RUN: heed-opt %s | heed-opt | FileCheck %s

// One number a pair, the same for all heads.
// CHECK-LABEL: func @half_split
func.func @half_split(%x: tensor<1x32x512x128xf32>, %c: tensor<512x64xf32>, %s: tensor<512x64xf32>) -> tensor<1x32x512x128xf32> {
  // CHECK: attn.rope ins(%{{.*}} : tensor<1x32x512x128xf32>) cos(%{{.*}} : tensor<512x64xf32>) over [2, 3] sin(%{{.*}} : tensor<512x64xf32>) over [2, 3]
  // CHECK-SAME: outs(%{{.*}} : tensor<1x32x512x128xf32>) dimension = 3 rotated = 128 -> tensor<1x32x512x128xf32>
  %y = attn.rope ins(%x : tensor<1x32x512x128xf32>) cos(%c : tensor<512x64xf32>) over [2, 3] sin(%s : tensor<512x64xf32>) over [2, 3]
      outs(%x : tensor<1x32x512x128xf32>) dimension = 3 rotated = 128 -> tensor<1x32x512x128xf32>
  return %y : tensor<1x32x512x128xf32>
}

// Pairs of neighbours, of the first 32 elements; tables in another order, one
// with a number for each element.
// CHECK-LABEL: func @interleaved_partial
func.func @interleaved_partial(%x: tensor<?x?x16x64xf16>, %c: tensor<32x?xf32>, %s: tensor<?x?x16xf16>, %o: tensor<?x?x16x64xf16>) -> tensor<?x?x16x64xf16> {
  // CHECK: cos(%{{.*}} : tensor<32x?xf32>) over [3, 1] sin(%{{.*}} : tensor<?x?x16xf16>) over [0, 1, 3]
  // CHECK-SAME: dimension = 3 rotated = 32 interleaved -> tensor<?x?x16x64xf16>
  %y = attn.rope ins(%x : tensor<?x?x16x64xf16>) cos(%c : tensor<32x?xf32>) over [3, 1] sin(%s : tensor<?x?x16xf16>) over [0, 1, 3]
      outs(%o : tensor<?x?x16x64xf16>) dimension = 3 rotated = 32 interleaved -> tensor<?x?x16x64xf16>
  return %y : tensor<?x?x16x64xf16>
}

// CHECK-LABEL: func @on_memrefs
func.func @on_memrefs(%x: memref<2x64x8xf32>, %c: memref<32x8xf32>, %s: memref<32x8xf32>) {
  // CHECK: attn.rope ins(%{{.*}} : memref<2x64x8xf32>) {{.*}} dimension = 1 rotated = 64{{$}}
  attn.rope ins(%x : memref<2x64x8xf32>) cos(%c : memref<32x8xf32>) over [1, 2] sin(%s : memref<32x8xf32>) over [1, 2]
      outs(%x : memref<2x64x8xf32>) dimension = 1 rotated = 64
  return
}
