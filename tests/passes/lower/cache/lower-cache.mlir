// RUN: heed-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics --heed-lower-cache='pairs=present=past' | FileCheck %s

// The past is memory of some capacity, n rows of it filled; the new row goes
// behind them, and who read the longer tensor reads the filled part.
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[CACHE:.*]]: tensor<1x8x?x64xf32> {attn.name = "past"}, %[[ROW:.*]]: tensor<1x8x1x64xf32>, %[[LENGTH:.*]]: tensor<i64> {attn.name = "past_length"})
// CHECK-SAME: -> (tensor<1x8x?x64xf32> {attn.name = "present"}, index)
// CHECK: %[[I:.*]] = tensor.extract %[[LENGTH]][]
// CHECK: %[[N:.*]] = arith.index_cast %[[I]]
// CHECK: %[[END:.*]] = arith.addi %[[N]], %c1
// CHECK: %[[CAPACITY:.*]] = tensor.dim %[[CACHE]], %c2
// CHECK: %[[POSITIVE:.*]] = arith.cmpi sge, %[[N]], %c0
// CHECK: %[[FITS:.*]] = arith.cmpi sle, %[[END]], %[[CAPACITY]]
// CHECK: %[[OK:.*]] = arith.andi %[[POSITIVE]], %[[FITS]]
// CHECK: cf.assert %[[OK]], "the cache has no room for the new rows"
// CHECK: %[[NEXT:.*]] = tensor.insert_slice %[[ROW]] into %[[CACHE]][0, 0, %[[N]], 0] [1, 8, 1, 64] [1, 1, 1, 1]
// CHECK: %[[PRESENT:.*]] = tensor.extract_slice %[[NEXT]][0, 0, 0, 0] [1, 8, %[[END]], 64] [1, 1, 1, 1]
// CHECK: "reads"(%[[PRESENT]], %[[N]])
// CHECK: return %[[NEXT]], %[[N]]
func.func @main(%past: tensor<1x8x?x64xf32> {attn.name = "past"}, %row: tensor<1x8x1x64xf32>)
    -> (tensor<1x8x?x64xf32> {attn.name = "present"}, index) {
  %c2 = arith.constant 2 : index
  %n = tensor.dim %past, %c2 : tensor<1x8x?x64xf32>
  %present = tensor.concat dim(2) %past, %row : (tensor<1x8x?x64xf32>, tensor<1x8x1x64xf32>) -> tensor<1x8x?x64xf32>
  "reads"(%present, %n) : (tensor<1x8x?x64xf32>, index) -> ()
  return %present, %n : tensor<1x8x?x64xf32>, index
}

// -----

// Through casts; any number of new rows; another name is no cache.
// CHECK-LABEL: func @main
// CHECK: %[[ROWS:.*]] = tensor.dim %{{.*}}, %{{.*}} : tensor<?x4xf32>
// CHECK: %[[NEXT:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[%{{.*}}, 0] [%[[ROWS]], 4] [1, 1]
// CHECK: tensor.concat
// CHECK: return %[[NEXT]]
func.func @main(%past: tensor<?x4xf32> {attn.name = "past"}, %rows: tensor<?x4xf32>, %other: tensor<?x4xf32> {attn.name = "other"})
    -> (tensor<?x4xf32> {attn.name = "present"}, tensor<?x4xf32> {attn.name = "y"}) {
  %cast = tensor.cast %past : tensor<?x4xf32> to tensor<?x?xf32>
  %c0 = tensor.cast %rows : tensor<?x4xf32> to tensor<?x?xf32>
  %both = tensor.concat dim(0) %cast, %rows : (tensor<?x?xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = tensor.concat dim(0) %other, %rows : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %both, %y : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// expected-error @below {{cache 'present=past': expected the names of an output and an input}}
func.func @main(%past: tensor<?x4xf32> {attn.name = "past"}) -> tensor<?x4xf32> {
  return %past : tensor<?x4xf32>
}

// -----

// expected-error @below {{cache 'present=past': expected the cache and its new rows, concatenated}}
func.func @main(%past: tensor<?x4xf32> {attn.name = "past"}, %row: tensor<1x4xf32>) -> (tensor<?x4xf32> {attn.name = "present"}) {
  // In front of the older ones.
  %0 = tensor.concat dim(0) %row, %past : (tensor<1x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// expected-error @below {{cache 'present=past': expected a cache of any number of rows}}
func.func @main(%past: tensor<3x4xf32> {attn.name = "past"}, %row: tensor<1x4xf32>) -> (tensor<4x4xf32> {attn.name = "present"}) {
  %0 = tensor.concat dim(0) %past, %row : (tensor<3x4xf32>, tensor<1x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// Read elsewhere, it would have to be copied.
// expected-error @below {{cache 'present=past': expected no other reader of the cache than the concatenation}}
func.func @main(%past: tensor<?x4xf32> {attn.name = "past"}, %row: tensor<1x4xf32>) -> (tensor<?x4xf32> {attn.name = "present"}) {
  %0 = tensor.concat dim(0) %past, %row : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  "reads"(%past) : (tensor<?x4xf32>) -> ()
  return %0 : tensor<?x4xf32>
}

// -----

// expected-error @below {{expected a function @main of one block}}
module {
  func.func private @main(%past: tensor<?x4xf32>) -> tensor<?x4xf32>
}
