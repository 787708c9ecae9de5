// RUN: heed-opt %s --heed-recognize-norm --cse --canonicalize --split-input-file | FileCheck %s

// The mean, the variance of what is left, 1/sqrt as a factor, weight and bias.
// CHECK-LABEL: func @layer
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>, %[[W:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[Y:.*]] = attn.norm layer ins(%[[X]] : tensor<4x8xf32>) weight(%[[W]] : tensor<8xf32>) over [1] bias(%[[B]] : tensor<8xf32>) over [1]
// CHECK-SAME: outs(%[[X]] : tensor<4x8xf32>) dimensions = [1] epsilon = 1.000000e+00
// CHECK-NEXT: return %[[Y]]
func.func @layer(%x: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant dense<8.0> : tensor<4xf32>
  %epsilon = arith.constant dense<1.0> : tensor<4xf32>
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %m = linalg.div ins(%s, %n : tensor<4xf32>, tensor<4xf32>) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %mb = linalg.broadcast ins(%m : tensor<4xf32>) outs(%e : tensor<4x8xf32>) dimensions = [1]
  %d = linalg.sub ins(%x, %mb : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %q = linalg.square ins(%d : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %qs = linalg.reduce { arith.addf } ins(%q : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %v = linalg.div ins(%qs, %n : tensor<4xf32>, tensor<4xf32>) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %ve = linalg.add ins(%v, %epsilon : tensor<4xf32>, tensor<4xf32>) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %i = linalg.rsqrt ins(%ve : tensor<4xf32>) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %ib = linalg.broadcast ins(%i : tensor<4xf32>) outs(%e : tensor<4x8xf32>) dimensions = [1]
  %z = linalg.mul ins(%d, %ib : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %wb = linalg.broadcast ins(%w : tensor<8xf32>) outs(%e : tensor<4x8xf32>) dimensions = [0]
  %zw = linalg.mul ins(%z, %wb : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %bb = linalg.broadcast ins(%b : tensor<8xf32>) outs(%e : tensor<4x8xf32>) dimensions = [0]
  %y = linalg.add ins(%bb, %zw : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#keep = affine_map<(i, j) -> (i, 0)>
#column = affine_map<(i, j) -> (j)>

// The mean of squares less the squared mean, clamped at 0; x·s + (b − m·s) with
// s = w/sqrt(v): what tf.nn.batch_normalization makes.
// CHECK-LABEL: func @one_pass_folded
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>)
// CHECK: %[[Y:.*]] = attn.norm layer ins(%[[X]] : tensor<?x8xf32>) weight(%[[W]] : tensor<8xf32>) over [1] bias(%[[B]] : tensor<8xf32>) over [1]
// CHECK-SAME: dimensions = [1] epsilon = 5.000000e-01
// CHECK-NEXT: return %[[Y]]
func.func @one_pass_folded(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %eighth = arith.constant 0.125 : f32
  %epsilon = arith.constant 0.5 : f32
  %size = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%size) : tensor<?x8xf32>
  %r = tensor.empty(%size) : tensor<?x1xf32>
  %r0 = linalg.fill ins(%zero : f32) outs(%r : tensor<?x1xf32>) -> tensor<?x1xf32>
  %s:2 = linalg.generic {indexing_maps = [#id, #keep, #keep], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x8xf32>) outs(%r0, %r0 : tensor<?x1xf32>, tensor<?x1xf32>) {
    ^bb0(%a: f32, %t: f32, %u: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %a : f32
      %u1 = arith.addf %p, %u : f32
      linalg.yield %t1, %u1 : f32, f32
    } -> (tensor<?x1xf32>, tensor<?x1xf32>)
  %y = linalg.generic {indexing_maps = [#id, #keep, #keep, #column, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s#0, %s#1, %w, %b : tensor<?x8xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
    ^bb0(%a: f32, %t: f32, %u: f32, %wi: f32, %bi: f32, %out: f32):
      %m = arith.mulf %t, %eighth : f32
      %q = arith.mulf %u, %eighth : f32
      %mm = arith.mulf %m, %m : f32
      %v = arith.subf %q, %mm : f32
      %v0 = arith.maximumf %v, %zero : f32
      %ve = arith.addf %v0, %epsilon : f32
      %i = math.rsqrt %ve : f32
      %scale = arith.mulf %i, %wi : f32
      %ms = arith.mulf %m, %scale : f32
      %shift = arith.subf %bi, %ms : f32
      %as = arith.mulf %a, %scale : f32
      %z = arith.addf %as, %shift : f32
      linalg.yield %z : f32
    } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// In f32 for half precision; divided by the root; a weight of 1 + w; the count is
// a run-time size.
// CHECK-LABEL: func @rms_in_half_one_plus_weight
// CHECK-SAME: (%[[X:.*]]: tensor<4x?xf16>, %[[W:.*]]: tensor<?xf16>)
// CHECK: %[[W1:.*]] = linalg.generic {{.*}} ins(%[[W]] : tensor<?xf16>)
// CHECK: arith.addf
// CHECK: attn.norm rms ins(%[[X]] : tensor<4x?xf16>) weight(%[[W1]] : tensor<?xf16>) over [1] outs(%[[X]]
// CHECK-SAME: dimensions = [1] epsilon = 0.000000e+00
func.func @rms_in_half_one_plus_weight(%x: tensor<4x?xf16>, %w: tensor<?xf16>) -> tensor<4x?xf16> {
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %one = arith.constant 1.0 : f16
  %two = arith.constant 2.0 : f32
  %size = tensor.dim %x, %c1 : tensor<4x?xf16>
  %sizeI = arith.index_cast %size : index to i64
  %n = arith.sitofp %sizeI : i64 to f32
  %e = tensor.empty(%size) : tensor<4x?xf16>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x?xf16>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f16, %t: f32):
      %f = arith.extf %a : f16 to f32
      %p = math.powf %f, %two : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %w : tensor<4x?xf16>, tensor<4xf32>, tensor<?xf16>) outs(%e : tensor<4x?xf16>) {
    ^bb0(%a: f16, %t: f32, %wi: f16, %out: f16):
      %v = arith.divf %t, %n : f32
      %root = math.sqrt %v : f32
      %f = arith.extf %a : f16 to f32
      %z = arith.divf %f, %root : f32
      %h = arith.truncf %z : f32 to f16
      %w1 = arith.addf %one, %wi : f16
      %zw = arith.mulf %w1, %h : f16
      linalg.yield %zw : f16
    } -> tensor<4x?xf16>
  return %y : tensor<4x?xf16>
}

// -----

// A layer norm over channels, dim 1, whose weight is broadcast from [1, C, 1].
// CHECK-LABEL: func @channels_of_an_image
// CHECK-SAME: (%[[X:.*]]: tensor<2x8x49xf32>, %[[W:.*]]: tensor<1x8x1xf32>)
// CHECK: %[[V:.*]] = tensor.collapse_shape %[[W]]
// CHECK: attn.norm rms ins(%[[X]] : tensor<2x8x49xf32>) weight(%[[V]] : tensor<8xf32>) over [1] outs(%[[X]] : tensor<2x8x49xf32>) dimensions = [1]
func.func @channels_of_an_image(%x: tensor<2x8x49xf32>, %w: tensor<1x8x1xf32>) -> tensor<2x8x49xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x49xf32>
  %n = arith.constant dense<0.125> : tensor<2x49xf32>
  %power = arith.constant -0.5 : f32
  %r = tensor.empty() : tensor<2x49xf32>
  %e = tensor.empty() : tensor<2x8x49xf32>
  %q = linalg.mul ins(%x, %x : tensor<2x8x49xf32>, tensor<2x8x49xf32>) outs(%e : tensor<2x8x49xf32>) -> tensor<2x8x49xf32>
  %s = linalg.reduce { arith.addf } ins(%q : tensor<2x8x49xf32>) outs(%zero : tensor<2x49xf32>) dimensions = [1]
  %v = linalg.mul ins(%s, %n : tensor<2x49xf32>, tensor<2x49xf32>) outs(%r : tensor<2x49xf32>) -> tensor<2x49xf32>
  %i = linalg.map ins(%v : tensor<2x49xf32>) outs(%r : tensor<2x49xf32>) (%a: f32, %o: f32) {
    %p = math.powf %a, %power : f32
    linalg.yield %p : f32
  }
  %y = linalg.generic {indexing_maps = [affine_map<(n, c, s) -> (n, c, s)>, affine_map<(n, c, s) -> (n, s)>,
                                        affine_map<(n, c, s) -> (0, c, 0)>, affine_map<(n, c, s) -> (n, c, s)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %i, %w : tensor<2x8x49xf32>, tensor<2x49xf32>, tensor<1x8x1xf32>) outs(%e : tensor<2x8x49xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
      %t = arith.mulf %b, %c : f32
      %u = arith.mulf %a, %t : f32
      linalg.yield %u : f32
    } -> tensor<2x8x49xf32>
  return %y : tensor<2x8x49xf32>
}

// -----

// The sum over H of sums over W; what follows the norm, a residual, stays.
// CHECK-LABEL: func @sums_of_sums_and_residual
// CHECK-SAME: (%[[X:.*]]: tensor<2x8x4x5xf32>, %[[R:.*]]: tensor<2x8x4x5xf32>)
// CHECK: %[[Y:.*]] = attn.norm rms ins(%[[X]] : tensor<2x8x4x5xf32>) outs(%[[X]] : tensor<2x8x4x5xf32>) dimensions = [2, 3]
// CHECK: linalg.add ins(%[[Y]], %[[R]]
func.func @sums_of_sums_and_residual(%x: tensor<2x8x4x5xf32>, %res: tensor<2x8x4x5xf32>) -> tensor<2x8x4x5xf32> {
  %zero3 = arith.constant dense<0.0> : tensor<2x8x4xf32>
  %zero = arith.constant dense<0.0> : tensor<2x8xf32>
  %n = arith.constant dense<0.05> : tensor<2x8xf32>
  %r = tensor.empty() : tensor<2x8xf32>
  %e = tensor.empty() : tensor<2x8x4x5xf32>
  %q = linalg.square ins(%x : tensor<2x8x4x5xf32>) outs(%e : tensor<2x8x4x5xf32>) -> tensor<2x8x4x5xf32>
  %s3 = linalg.reduce { arith.addf } ins(%q : tensor<2x8x4x5xf32>) outs(%zero3 : tensor<2x8x4xf32>) dimensions = [3]
  %s = linalg.reduce { arith.addf } ins(%s3 : tensor<2x8x4xf32>) outs(%zero : tensor<2x8xf32>) dimensions = [2]
  %v = linalg.mul ins(%n, %s : tensor<2x8xf32>, tensor<2x8xf32>) outs(%r : tensor<2x8xf32>) -> tensor<2x8xf32>
  %i = linalg.rsqrt ins(%v : tensor<2x8xf32>) outs(%r : tensor<2x8xf32>) -> tensor<2x8xf32>
  %ib = linalg.broadcast ins(%i : tensor<2x8xf32>) outs(%e : tensor<2x8x4x5xf32>) dimensions = [2, 3]
  %z = linalg.mul ins(%ib, %x : tensor<2x8x4x5xf32>, tensor<2x8x4x5xf32>) outs(%e : tensor<2x8x4x5xf32>) -> tensor<2x8x4x5xf32>
  %y = linalg.add ins(%z, %res : tensor<2x8x4x5xf32>, tensor<2x8x4x5xf32>) outs(%e : tensor<2x8x4x5xf32>) -> tensor<2x8x4x5xf32>
  return %y : tensor<2x8x4x5xf32>
}

// -----

// Groups of channels: normalised as [N, G, C/G·S], scaled as [N, C, S].
// CHECK-LABEL: func @groups
// CHECK-SAME: (%[[X:.*]]: tensor<2x8x5xf32>, %[[W:.*]]: tensor<8xf32>)
// CHECK-DAG: %[[XG:.*]] = tensor.expand_shape %[[X]] {{\[}}[0], [1, 2], [3]] {{.*}} into tensor<2x4x2x5xf32>
// CHECK-DAG: %[[WG:.*]] = tensor.expand_shape %[[W]] {{.*}} into tensor<4x2xf32>
// CHECK: %[[Y:.*]] = attn.norm rms ins(%[[XG]] : tensor<2x4x2x5xf32>) weight(%[[WG]] : tensor<4x2xf32>) over [1, 2] outs(%[[XG]] : tensor<2x4x2x5xf32>) dimensions = [2, 3]
// CHECK: tensor.collapse_shape %[[Y]]
func.func @groups(%x: tensor<2x8x5xf32>, %w: tensor<8xf32>) -> tensor<2x8x5xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x4xf32>
  %n = arith.constant dense<0.1> : tensor<2x4xf32>
  %r = tensor.empty() : tensor<2x4xf32>
  %e = tensor.empty() : tensor<2x4x10xf32>
  %g4 = tensor.expand_shape %x [[0], [1, 2], [3]] output_shape [2, 4, 2, 5] : tensor<2x8x5xf32> into tensor<2x4x2x5xf32>
  %g = tensor.collapse_shape %g4 [[0], [1], [2, 3]] : tensor<2x4x2x5xf32> into tensor<2x4x10xf32>
  %q = linalg.square ins(%g : tensor<2x4x10xf32>) outs(%e : tensor<2x4x10xf32>) -> tensor<2x4x10xf32>
  %s = linalg.reduce { arith.addf } ins(%q : tensor<2x4x10xf32>) outs(%zero : tensor<2x4xf32>) dimensions = [2]
  %v = linalg.mul ins(%n, %s : tensor<2x4xf32>, tensor<2x4xf32>) outs(%r : tensor<2x4xf32>) -> tensor<2x4xf32>
  %i = linalg.rsqrt ins(%v : tensor<2x4xf32>) outs(%r : tensor<2x4xf32>) -> tensor<2x4xf32>
  %ib = linalg.broadcast ins(%i : tensor<2x4xf32>) outs(%e : tensor<2x4x10xf32>) dimensions = [2]
  %z = linalg.mul ins(%g, %ib : tensor<2x4x10xf32>, tensor<2x4x10xf32>) outs(%e : tensor<2x4x10xf32>) -> tensor<2x4x10xf32>
  %z4 = tensor.expand_shape %z [[0], [1], [2, 3]] output_shape [2, 4, 2, 5] : tensor<2x4x10xf32> into tensor<2x4x2x5xf32>
  %z3 = tensor.collapse_shape %z4 [[0], [1, 2], [3]] : tensor<2x4x2x5xf32> into tensor<2x8x5xf32>
  %o = tensor.empty() : tensor<2x8x5xf32>
  %wb = linalg.broadcast ins(%w : tensor<8xf32>) outs(%o : tensor<2x8x5xf32>) dimensions = [0, 2]
  %y = linalg.mul ins(%z3, %wb : tensor<2x8x5xf32>, tensor<2x8x5xf32>) outs(%o : tensor<2x8x5xf32>) -> tensor<2x8x5xf32>
  return %y : tensor<2x8x5xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// The mean of squares divides before it sums.
// CHECK-LABEL: func @divided_before_the_sum
// CHECK: attn.norm rms {{.*}} dimensions = [1] epsilon = 5.000000e-01
func.func @divided_before_the_sum(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %n = arith.constant 8.0 : f32
  %epsilon = arith.constant 0.5 : f32
  %r = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.mulf %a, %a : f32
      %d = arith.divf %s, %n : f32
      linalg.yield %d : f32
    } -> tensor<4x8xf32>
  %v = linalg.reduce { arith.addf } ins(%q : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %v : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %m: f32, %o: f32):
      %s = arith.addf %m, %epsilon : f32
      %t = math.rsqrt %s : f32
      %z = arith.mulf %a, %t : f32
      linalg.yield %z : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// The size of a row is known of the weight only; the count is a tensor of one
// integer, as ONNX's Shape gives it.
// CHECK-LABEL: func @count_from_a_shape
// CHECK-SAME: (%[[X:.*]]: tensor<4x?xf32>, %[[W:.*]]: tensor<8xf32>)
// CHECK: %[[Y:.*]] = attn.norm rms ins(%[[X]] : tensor<4x?xf32>) weight(%[[W]] : tensor<8xf32>) over [1] outs(%[[X]]
// CHECK: tensor.cast %[[Y]] : tensor<4x?xf32> to tensor<4x8xf32>
func.func @count_from_a_shape(%x: tensor<4x?xf32>, %w: tensor<8xf32>) -> tensor<4x8xf32> {
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %size = tensor.dim %x, %c1 : tensor<4x?xf32>
  %sizeI = arith.index_cast %size : index to i64
  %shape = tensor.from_elements %sizeI : tensor<1xi64>
  %n0 = tensor.empty() : tensor<1xf32>
  %n = linalg.map ins(%shape : tensor<1xi64>) outs(%n0 : tensor<1xf32>) (%a: i64, %o: f32) {
    %f = arith.sitofp %a : i64 to f32
    linalg.yield %f : f32
  }
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x?xf32>) outs(%zero : tensor<4xf32>) {
    ^bb0(%a: f32, %t: f32):
      %p = arith.mulf %a, %a : f32
      %t1 = arith.addf %t, %p : f32
      linalg.yield %t1 : f32
    } -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, affine_map<(i, j) -> (0)>, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %n, %w : tensor<4x?xf32>, tensor<4xf32>, tensor<1xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %t: f32, %k: f32, %wi: f32, %out: f32):
      %v = arith.divf %t, %k : f32
      %r = math.rsqrt %v : f32
      %z = arith.mulf %a, %r : f32
      %zw = arith.mulf %z, %wi : f32
      linalg.yield %zw : f32
    } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// The mean is that of two dimensions, the variance that of one: what is left of
// x is a tensor like any other, and its norm an RMS norm.
// CHECK-LABEL: func @mean_over_other_dimensions
// CHECK: %[[D:.*]] = linalg.sub
// CHECK: attn.norm rms ins(%[[D]] : tensor<2x4x8xf32>) outs(%[[D]] : tensor<2x4x8xf32>) dimensions = [2]
func.func @mean_over_other_dimensions(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero2 = arith.constant dense<0.0> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x4xf32>
  %n2 = arith.constant dense<0.03125> : tensor<2xf32>
  %n = arith.constant dense<0.125> : tensor<2x4xf32>
  %e2 = tensor.empty() : tensor<2xf32>
  %r = tensor.empty() : tensor<2x4xf32>
  %e = tensor.empty() : tensor<2x4x8xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<2x4x8xf32>) outs(%zero2 : tensor<2xf32>) dimensions = [1, 2]
  %m = linalg.mul ins(%s, %n2 : tensor<2xf32>, tensor<2xf32>) outs(%e2 : tensor<2xf32>) -> tensor<2xf32>
  %mb = linalg.broadcast ins(%m : tensor<2xf32>) outs(%e : tensor<2x4x8xf32>) dimensions = [1, 2]
  %d = linalg.sub ins(%x, %mb : tensor<2x4x8xf32>, tensor<2x4x8xf32>) outs(%e : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %q = linalg.square ins(%d : tensor<2x4x8xf32>) outs(%e : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %t = linalg.reduce { arith.addf } ins(%q : tensor<2x4x8xf32>) outs(%zero : tensor<2x4xf32>) dimensions = [2]
  %v = linalg.mul ins(%t, %n : tensor<2x4xf32>, tensor<2x4xf32>) outs(%r : tensor<2x4xf32>) -> tensor<2x4xf32>
  %i = linalg.rsqrt ins(%v : tensor<2x4xf32>) outs(%r : tensor<2x4xf32>) -> tensor<2x4xf32>
  %ib = linalg.broadcast ins(%i : tensor<2x4xf32>) outs(%e : tensor<2x4x8xf32>) dimensions = [2]
  %y = linalg.mul ins(%d, %ib : tensor<2x4x8xf32>, tensor<2x4x8xf32>) outs(%e : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}
