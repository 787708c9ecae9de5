// RUN: heed-opt %s --heed-normalize-broadcasts | FileCheck %s

!x = tensor<2x8x4x4xf32>
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#nc = affine_map<(d0, d1, d2, d3) -> (d0, d1)>

// A chain: both operations are done on one value a channel.
// CHECK-LABEL: func @chain
// CHECK-SAME: %[[G:.*]]: tensor<2x8xf32>
func.func @chain(%g: tensor<2x8xf32>) -> !x {
  %e = tensor.empty() : !x
  // CHECK: %[[T:.*]] = linalg.generic {{.*}} ins(%[[G]] : tensor<2x8xf32>)
  // CHECK: math.tanh
  // CHECK: linalg.broadcast
  // CHECK: %[[N:.*]] = linalg.generic {{.*}} ins(%[[T]] : tensor<2x8xf32>)
  // CHECK: arith.negf
  // CHECK: %[[B:.*]] = linalg.broadcast ins(%[[N]] : tensor<2x8xf32>) outs(%{{.*}} : tensor<2x8x4x4xf32>) dimensions = [2, 3]
  // CHECK: return %[[B]]
  %w = linalg.broadcast ins(%g : tensor<2x8xf32>) outs(%e : !x) dimensions = [2, 3]
  %t = linalg.tanh ins(%w : !x) outs(%e : !x) -> !x
  %n = linalg.negf ins(%t : !x) outs(%e : !x) -> !x
  return %n : !x
}

// Two operands, repeated along different dimensions: only the common one sinks.
// CHECK-LABEL: func @common_dimension
// CHECK-SAME: %[[A:.*]]: tensor<2x8xf32>, %[[B:.*]]: tensor<8x4xf32>
func.func @common_dimension(%a: tensor<2x8xf32>, %b: tensor<8x4xf32>) -> !x {
  %e = tensor.empty() : !x
  // CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[A]], %[[B]] : tensor<2x8xf32>, tensor<8x4xf32>) outs(%{{.*}} : tensor<2x8x4xf32>)
  // CHECK: linalg.broadcast ins(%[[S]] : tensor<2x8x4xf32>) outs(%{{.*}}) dimensions = [3]
  %s = linalg.generic {indexing_maps = [#nc, affine_map<(d0, d1, d2, d3) -> (d1, d2)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%a, %b : tensor<2x8xf32>, tensor<8x4xf32>) outs(%e : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %0 = arith.addf %i, %j : f32
    linalg.yield %0 : f32
  } -> !x
  return %s : !x
}

// An operand that varies along all dimensions: nothing to sink.
// CHECK-LABEL: func @varies
// CHECK-NOT: linalg.broadcast
func.func @varies(%x: !x, %g: tensor<2x8xf32>) -> !x {
  %e = tensor.empty() : !x
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x8x4x4xf32>, tensor<2x8xf32>)
  %s = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : !x, tensor<2x8xf32>) outs(%e : !x) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %0 = arith.addf %i, %j : f32
    linalg.yield %0 : f32
  } -> !x
  return %s : !x
}

// Dynamic sizes, and a constant operand of one element.
// CHECK-LABEL: func @dynamic
func.func @dynamic(%g: tensor<?x8xf32>, %n: index, %h: index) -> tensor<?x8x?xf32> {
  %half = arith.constant dense<0.5> : tensor<1xf32>
  %e = tensor.empty(%n, %h) : tensor<?x8x?xf32>
  // CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<?x8xf32>, tensor<1xf32>) outs(%{{.*}} : tensor<?x8xf32>)
  // CHECK: linalg.broadcast ins(%[[S]] : tensor<?x8xf32>) outs(%{{.*}} : tensor<?x8x?xf32>) dimensions = [2]
  %w = linalg.broadcast ins(%g : tensor<?x8xf32>) outs(%e : tensor<?x8x?xf32>) dimensions = [2]
  %s = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (0)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%w, %half : tensor<?x8x?xf32>, tensor<1xf32>) outs(%e : tensor<?x8x?xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %0 = arith.mulf %i, %j : f32
    linalg.yield %0 : f32
  } -> tensor<?x8x?xf32>
  return %s : tensor<?x8x?xf32>
}

// Queries that were paired with all keys: their norms are norms of queries.
// CHECK-LABEL: func @reduction
// CHECK-SAME: %[[Q:.*]]: tensor<2x5x8xf32>
func.func @reduction(%q: tensor<2x5x8xf32>) -> tensor<2x5x7xf32> {
  %zero = arith.constant 0.0 : f32
  %pe = tensor.empty() : tensor<2x5x7x8xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  // CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[Q]] : tensor<2x5x8xf32>) outs(%{{.*}} : tensor<2x5x8xf32>)
  // CHECK: %[[F:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<2x5xf32>)
  // CHECK: %[[R:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[S]] : tensor<2x5x8xf32>) outs(%[[F]] : tensor<2x5xf32>)
  // CHECK: %[[N:.*]] = linalg.generic {{.*}} ins(%[[R]] : tensor<2x5xf32>)
  // CHECK: math.sqrt
  // CHECK: %[[B:.*]] = linalg.broadcast ins(%[[N]] : tensor<2x5xf32>) outs(%{{.*}} : tensor<2x5x7xf32>) dimensions = [2]
  // CHECK: return %[[B]]
  %p = linalg.broadcast ins(%q : tensor<2x5x8xf32>) outs(%pe : tensor<2x5x7x8xf32>) dimensions = [2]
  %s = linalg.square ins(%p : tensor<2x5x7x8xf32>) outs(%pe : tensor<2x5x7x8xf32>) -> tensor<2x5x7x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %r = linalg.reduce { arith.addf } ins(%s : tensor<2x5x7x8xf32>) outs(%f : tensor<2x5x7xf32>) dimensions = [3]
  %n = linalg.sqrt ins(%r : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  return %n : tensor<2x5x7xf32>
}

// A sum over what is repeated depends on how often; onto another tensor, on
// that: neither sinks.
// CHECK-LABEL: func @stays
// CHECK: linalg.reduce {{.*}}ins(%{{.*}} : tensor<5x7xf32>)
// CHECK: linalg.reduce {{.*}}ins(%{{.*}} : tensor<5x7xf32>) outs(%{{.*}} : tensor<7xf32>)
func.func @stays(%q: tensor<5xf32>, %k: tensor<7xf32>) -> (tensor<5xf32>, tensor<7xf32>) {
  %zero = arith.constant 0.0 : f32
  %pe = tensor.empty() : tensor<5x7xf32>
  %e = tensor.empty() : tensor<5xf32>
  %p = linalg.broadcast ins(%q : tensor<5xf32>) outs(%pe : tensor<5x7xf32>) dimensions = [1]
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %r = linalg.reduce { arith.addf } ins(%p : tensor<5x7xf32>) outs(%f : tensor<5xf32>) dimensions = [1]
  %t = linalg.reduce { arith.addf } ins(%p : tensor<5x7xf32>) outs(%k : tensor<7xf32>) dimensions = [0]
  return %r, %t : tensor<5xf32>, tensor<7xf32>
}
