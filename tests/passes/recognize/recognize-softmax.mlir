// RUN: heed-opt %s --heed-recognize-softmax --canonicalize --split-input-file | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#keep = affine_map<(i, j) -> (i, 0)>

// max, subtract and exp in one op, sum, divide.
// CHECK-LABEL: func @shifted
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>)
// CHECK: %[[P:.*]] = linalg.softmax dimension(1) ins(%[[X]] : tensor<4x8xf32>)
// CHECK: return %[[P]]
func.func @shifted(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %r0 = linalg.fill ins(%lowest : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %max = linalg.reduce { arith.maximumf } ins(%x : tensor<4x8xf32>) outs(%r0 : tensor<4xf32>) dimensions = [1]
  %exp = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %m: f32, %o: f32):
      %s = arith.subf %a, %m : f32
      %p = math.exp %s : f32
      linalg.yield %p : f32
    } -> tensor<4x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<4x8xf32>) outs(%s0 : tensor<4xf32>) dimensions = [1]
  %div = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %m: f32, %o: f32):
      %q = arith.divf %a, %m : f32
      linalg.yield %q : f32
    } -> tensor<4x8xf32>
  return %div : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#keep = affine_map<(i, j) -> (i, 0)>

// No shift, the sum with a kept dimension, its reciprocal as a factor.
// CHECK-LABEL: func @reciprocal_of_kept_sum
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK: linalg.softmax dimension(1) ins(%[[X]] : tensor<?x8xf32>)
func.func @reciprocal_of_kept_sum(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %r = tensor.empty(%n) : tensor<?x1xf32>
  %exp = linalg.exp ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<?x1xf32>) -> tensor<?x1xf32>
  %sum = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "reduction"]}
      ins(%exp : tensor<?x8xf32>) outs(%s0 : tensor<?x1xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %o, %a : f32
      linalg.yield %s : f32
    } -> tensor<?x1xf32>
  %rcp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<?x1xf32>) outs(%r : tensor<?x1xf32>) {
    ^bb0(%a: f32, %o: f32):
      %q = arith.divf %one, %a : f32
      linalg.yield %q : f32
    } -> tensor<?x1xf32>
  %div = linalg.generic {indexing_maps = [#keep, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%rcp, %exp : tensor<?x1xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
    ^bb0(%m: f32, %a: f32, %o: f32):
      %q = arith.mulf %a, %m : f32
      linalg.yield %q : f32
    } -> tensor<?x8xf32>
  return %div : tensor<?x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// 2^(x log2 e): the factor goes back onto the input.
// CHECK-LABEL: func @base_two
// CHECK: arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK: linalg.softmax dimension(1)
func.func @base_two(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %p = math.exp2 %a : f32
      linalg.yield %p : f32
    } -> tensor<4x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<4x8xf32>) outs(%s0 : tensor<4xf32>) dimensions = [1]
  %div = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %m: f32, %o: f32):
      %q = arith.divf %a, %m : f32
      linalg.yield %q : f32
    } -> tensor<4x8xf32>
  return %div : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// Normalised after the product with the values.
// CHECK-LABEL: func @late
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>, %[[V:.*]]: tensor<8x5xf32>)
// CHECK: %[[P:.*]] = linalg.softmax dimension(1) ins(%[[X]] : tensor<4x8xf32>)
// CHECK: %[[O:.*]] = linalg.matmul ins(%[[P]], %[[V]]
// CHECK: return %[[O]]
func.func @late(%x: tensor<4x8xf32>, %v: tensor<8x5xf32>) -> tensor<4x5xf32> {
  %zero = arith.constant 0.0 : f32
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %o = tensor.empty() : tensor<4x5xf32>
  %exp = linalg.exp ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<4x5xf32>) -> tensor<4x5xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<4x8xf32>) outs(%s0 : tensor<4xf32>) dimensions = [1]
  %pv = linalg.matmul ins(%exp, %v : tensor<4x8xf32>, tensor<8x5xf32>) outs(%o0 : tensor<4x5xf32>) -> tensor<4x5xf32>
  %div = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%pv, %sum : tensor<4x5xf32>, tensor<4xf32>) outs(%o : tensor<4x5xf32>) {
    ^bb0(%a: f32, %m: f32, %c: f32):
      %q = arith.divf %a, %m : f32
      linalg.yield %q : f32
    } -> tensor<4x5xf32>
  return %div : tensor<4x5xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: func @no_softmax_because_one_is_added_to_the_sum
// CHECK-NOT: linalg.softmax
func.func @no_softmax_because_one_is_added_to_the_sum(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %one = arith.constant 1.0 : f32
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %exp = linalg.exp ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s0 = linalg.fill ins(%one : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<4x8xf32>) outs(%s0 : tensor<4xf32>) dimensions = [1]
  %div = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %m: f32, %o: f32):
      %q = arith.divf %a, %m : f32
      linalg.yield %q : f32
    } -> tensor<4x8xf32>
  return %div : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: func @no_softmax_because_another_tensor_is_summed
// CHECK-NOT: linalg.softmax
func.func @no_softmax_because_another_tensor_is_summed(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %exp = linalg.exp ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %other = linalg.exp ins(%y : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%other : tensor<4x8xf32>) outs(%s0 : tensor<4xf32>) dimensions = [1]
  %div = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %m: f32, %o: f32):
      %q = arith.divf %a, %m : f32
      linalg.yield %q : f32
    } -> tensor<4x8xf32>
  return %div : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>

// The sum runs over the rows, but is used along them (4 = 4).
// CHECK-LABEL: func @no_softmax_because_the_sum_is_of_the_other_axis
// CHECK-NOT: linalg.softmax
func.func @no_softmax_because_the_sum_is_of_the_other_axis(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x4xf32>
  %exp = linalg.exp ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<4x4xf32>) outs(%s0 : tensor<4xf32>) dimensions = [1]
  %div = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<4x4xf32>, tensor<4xf32>) outs(%e : tensor<4x4xf32>) {
    ^bb0(%a: f32, %m: f32, %o: f32):
      %q = arith.divf %a, %m : f32
      linalg.yield %q : f32
    } -> tensor<4x4xf32>
  return %div : tensor<4x4xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>
#all = affine_map<(i, e, j) -> (i, e, j)>
#p = affine_map<(i, e, j) -> (i, j)>
#v = affine_map<(i, e, j) -> (j, e)>
#r = affine_map<(i, e) -> (i)>
#o = affine_map<(i, e) -> (i, e)>

// The row's maximum inside a factor, 2^(c · (x - m)); divided after the values,
// whose product is an op of its own; the number of keys is not written down.
// CHECK-LABEL: func @late_behind_a_product
// CHECK-SAME: (%[[X:.*]]: tensor<4x?xf32>, %[[V:.*]]: tensor<?x5xf32>)
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<4x?xf32>)
// CHECK: %[[P:.*]] = linalg.softmax dimension(1) ins(%[[S]] : tensor<4x?xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[V]], %[[P]] :
// CHECK: %[[O:.*]] = linalg.reduce
// CHECK: return %[[O]]
func.func @late_behind_a_product(%x: tensor<4x?xf32>, %v: tensor<?x5xf32>) -> tensor<4x5xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %c = arith.constant 0.5 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<4x?xf32>
  %k = tensor.dim %v, %c0 : tensor<?x5xf32>
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty(%n) : tensor<4x?xf32>
  %w = tensor.empty(%k) : tensor<4x5x?xf32>
  %oe = tensor.empty() : tensor<4x5xf32>
  %r0 = linalg.fill ins(%lowest : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %max = linalg.reduce { arith.maximumf } ins(%x : tensor<4x?xf32>) outs(%r0 : tensor<4xf32>) dimensions = [1]
  %exp = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<4x?xf32>, tensor<4xf32>) outs(%e : tensor<4x?xf32>) {
    ^bb0(%a: f32, %m: f32, %out: f32):
      %d = arith.subf %a, %m : f32
      %f = arith.mulf %d, %c : f32
      %y = math.exp2 %f : f32
      linalg.yield %y : f32
    } -> tensor<4x?xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<4x?xf32>) outs(%s0 : tensor<4xf32>) dimensions = [1]
  %ev = linalg.generic {indexing_maps = [#v, #p, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%v, %exp : tensor<?x5xf32>, tensor<4x?xf32>) outs(%w : tensor<4x5x?xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %y = arith.mulf %a, %b : f32
      linalg.yield %y : f32
    } -> tensor<4x5x?xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x5xf32>) -> tensor<4x5xf32>
  %o = linalg.reduce { arith.addf } ins(%ev : tensor<4x5x?xf32>) outs(%o0 : tensor<4x5xf32>) dimensions = [2]
  %div = linalg.generic {indexing_maps = [#o, #r, #o], iterator_types = ["parallel", "parallel"]}
      ins(%o, %sum : tensor<4x5xf32>, tensor<4xf32>) outs(%oe : tensor<4x5xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %y = arith.divf %a, %b : f32
      linalg.yield %y : f32
    } -> tensor<4x5xf32>
  return %div : tensor<4x5xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (i)>

// The size of a view of three unknown dimensions is itself unknown.
// CHECK-LABEL: func @view_of_unknown_sizes
// CHECK: linalg.softmax dimension(1)
func.func @view_of_unknown_sizes(%x: tensor<4x?x?x?xf32>) -> tensor<4x?xf32> {
  %zero = arith.constant 0.0 : f32
  %c1 = arith.constant 1 : index
  %v = tensor.collapse_shape %x [[0], [1, 2, 3]] : tensor<4x?x?x?xf32> into tensor<4x?xf32>
  %n = tensor.dim %v, %c1 : tensor<4x?xf32>
  %e = tensor.empty(%n) : tensor<4x?xf32>
  %r = tensor.empty() : tensor<4xf32>
  %exp = linalg.exp ins(%v : tensor<4x?xf32>) outs(%e : tensor<4x?xf32>) -> tensor<4x?xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<4x?xf32>) outs(%s0 : tensor<4xf32>) dimensions = [1]
  %div = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<4x?xf32>, tensor<4xf32>) outs(%e : tensor<4x?xf32>) {
    ^bb0(%a: f32, %m: f32, %o: f32):
      %q = arith.divf %a, %m : f32
      linalg.yield %q : f32
    } -> tensor<4x?xf32>
  return %div : tensor<4x?xf32>
}
