// RUN: heed-opt %s --heed-recognize-gate | FileCheck %s
// RUN: heed-opt %s --heed-recognize-gate --remarks-filter='heed-.*' --verify-diagnostics -o /dev/null

// Movement, mixing and shapes around the gate; the plain forms are in
// recognize-gate.mlir.

#id2 = affine_map<(d0, d1) -> (d0, d1)>
#id3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#nc = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#n = affine_map<(d0, d1, d2, d3) -> (d0)>
#c = affine_map<(d0, d1, d2, d3) -> (0, d1)>
#strip = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>

// x flattened before it is scaled, pooled as it was.
// CHECK-LABEL: func @scaled_flat
func.func @scaled_flat(%x: tensor<2x8x4x4xf32>) -> tensor<2x8x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<2x8x4x4xf32>) outs(%z : tensor<2x8xf32>) dimensions = [2, 3]
  // A factor that is not one over the count stays.
  // CHECK: attn.gate {{.*}} dimensions = [2] pools = [sum]
  // CHECK: arith.mulf
  %h = linalg.map ins(%s : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) (%i: f32, %o: f32) {
    %half = arith.constant 0.5 : f32
    %m = arith.mulf %i, %half : f32
    linalg.yield %m : f32
  }
  %g = linalg.tanh ins(%h : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %flat = tensor.collapse_shape %x [[0], [1], [2, 3]] : tensor<2x8x4x4xf32> into tensor<2x8x16xf32>
  %big = tensor.empty() : tensor<2x8x16xf32>
  %wide = linalg.broadcast ins(%g : tensor<2x8xf32>) outs(%big : tensor<2x8x16xf32>) dimensions = [2]
  // expected-remark @below {{dims=2, kind=channel_gate, pools=sum}}
  %y = linalg.mul ins(%wide, %flat : tensor<2x8x16xf32>, tensor<2x8x16xf32>) outs(%big : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  return %y : tensor<2x8x16xf32>
}

// Pooled as NCHW, scaled as NHWC; the gate is the flat vector of both batches.
// CHECK-LABEL: func @transposed_between
func.func @transposed_between(%x: tensor<2x8x4x5xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<8x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<8x2xf32>) -> tensor<8x2xf32>
  %t0 = tensor.empty() : tensor<8x2x4x5xf32>
  %t = linalg.transpose ins(%x : tensor<2x8x4x5xf32>) outs(%t0 : tensor<8x2x4x5xf32>) permutation = [1, 0, 2, 3]
  %s = linalg.reduce { arith.maximumf } ins(%t : tensor<8x2x4x5xf32>) outs(%z : tensor<8x2xf32>) dimensions = [2, 3]
  %flat = tensor.collapse_shape %s [[0, 1]] : tensor<8x2xf32> into tensor<16xf32>
  %e1 = tensor.empty() : tensor<16xf32>
  %g = linalg.tanh ins(%flat : tensor<16xf32>) outs(%e1 : tensor<16xf32>) -> tensor<16xf32>
  %cb = tensor.expand_shape %g [[0, 1]] output_shape [8, 2] : tensor<16xf32> into tensor<8x2xf32>
  %t1 = tensor.empty() : tensor<2x4x5x8xf32>
  %nhwc = linalg.transpose ins(%x : tensor<2x8x4x5xf32>) outs(%t1 : tensor<2x4x5x8xf32>) permutation = [0, 2, 3, 1]
  // CHECK: attn.gate {{.*}} dimensions = [1, 2] pools = [max]
  // CHECK: ^bb0(%[[P:.*]]: tensor<2x8xf32>):
  // CHECK: %[[T:.*]] = linalg.transpose ins(%[[P]] : tensor<2x8xf32>)
  // CHECK: linalg.tanh {{.*}} tensor<16xf32>
  // CHECK: tensor.expand_shape
  // CHECK: linalg.transpose
  // CHECK: attn.yield %{{.*}} : tensor<2x8xf32>
  // expected-remark @below {{dims="1, 2", kind=channel_gate, pools=max}}
  %y = linalg.generic {indexing_maps = [#id, affine_map<(d0, d1, d2, d3) -> (d3, d0)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%nhwc, %cb : tensor<2x4x5x8xf32>, tensor<8x2xf32>) outs(%t1 : tensor<2x4x5x8xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> tensor<2x4x5x8xf32>
  return %y : tensor<2x4x5x8xf32>
}

// Run-time sizes: the factor is proven to be one over their product. A factor
// that is not stays inside, behind a sum.
// CHECK-LABEL: func @dynamic_sizes
func.func @dynamic_sizes(%x: tensor<?x8x?x?xf32>, %n: f32) -> tensor<?x8x?x?xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x8x?x?xf32>
  %h = tensor.dim %x, %c2 : tensor<?x8x?x?xf32>
  %w = tensor.dim %x, %c3 : tensor<?x8x?x?xf32>
  %area = arith.muli %h, %w : index
  %i = arith.index_cast %area : index to i64
  %f = arith.sitofp %i : i64 to f32
  %over = arith.divf %one, %f : f32
  %e = tensor.empty(%b) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<?x8x?x?xf32>) outs(%z : tensor<?x8xf32>) dimensions = [2, 3]
  // CHECK: %[[Y:.*]] = attn.gate {{.*}} dimensions = [2, 3] pools = [avg] excite {
  // CHECK: ^bb0(%[[P:.*]]: tensor<?x8xf32>):
  // CHECK: attn.yield %[[P]]
  %mean = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%in: f32, %o: f32):
    %d = arith.mulf %in, %over : f32
    linalg.yield %d : f32
  } -> tensor<?x8xf32>
  %big = tensor.empty(%b, %h, %w) : tensor<?x8x?x?xf32>
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=avg}}
  %y = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %mean : tensor<?x8x?x?xf32>, tensor<?x8xf32>) outs(%big : tensor<?x8x?x?xf32>) {
  ^bb0(%in: f32, %j: f32, %o: f32):
    %m = arith.mulf %in, %j : f32
    linalg.yield %m : f32
  } -> tensor<?x8x?x?xf32>
  // CHECK: attn.gate ins(%[[Y]] {{.*}} dimensions = [2, 3] pools = [sum] excite {
  // CHECK: ^bb0(%[[P:.*]]: tensor<?x8xf32>):
  // CHECK: linalg.generic {{.*}} ins(%[[P]]
  %s1 = linalg.reduce { arith.addf } ins(%y : tensor<?x8x?x?xf32>) outs(%z : tensor<?x8xf32>) dimensions = [2, 3]
  %g1 = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]} ins(%s1 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%in: f32, %o: f32):
    %d = arith.divf %in, %n : f32
    linalg.yield %d : f32
  } -> tensor<?x8xf32>
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y1 = linalg.generic {indexing_maps = [#id, #nc, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y, %g1 : tensor<?x8x?x?xf32>, tensor<?x8xf32>) outs(%big : tensor<?x8x?x?xf32>) {
  ^bb0(%in: f32, %j: f32, %o: f32):
    %m = arith.mulf %in, %j : f32
    linalg.yield %m : f32
  } -> tensor<?x8x?x?xf32>
  return %y1 : tensor<?x8x?x?xf32>
}

// ECA: a convolution over the channels, padded in a circle; the gate function
// and the residual stand in the body of the multiplication.
// CHECK-LABEL: func @eca_circular_residual
func.func @eca_circular_residual(%x: tensor<2x8x16xf32>, %k: tensor<1x1x3xf32>) -> tensor<2x8x16xf32> {
  %zero = arith.constant 0.0 : f32
  %sixteenth = arith.constant 0.0625 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<2x8x16xf32>) outs(%z : tensor<2x8xf32>) dimensions = [2]
  %mean = linalg.map ins(%s : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) (%i: f32, %o: f32) {
    %m = arith.mulf %sixteenth, %i : f32
    linalg.yield %m : f32
  }
  %v = tensor.expand_shape %mean [[0], [1, 2]] output_shape [2, 1, 8] : tensor<2x8xf32> into tensor<2x1x8xf32>
  %tail = tensor.extract_slice %mean[0, 7] [2, 1] [1, 1] : tensor<2x8xf32> to tensor<2x1xf32>
  %last = tensor.expand_shape %tail [[0], [1, 2]] output_shape [2, 1, 1] : tensor<2x1xf32> into tensor<2x1x1xf32>
  %first = tensor.extract_slice %v[0, 0, 0] [2, 1, 1] [1, 1, 1] : tensor<2x1x8xf32> to tensor<2x1x1xf32>
  %around = tensor.concat dim(2) %last, %v, %first : (tensor<2x1x1xf32>, tensor<2x1x8xf32>, tensor<2x1x1xf32>) -> tensor<2x1x10xf32>
  %e1 = tensor.empty() : tensor<2x1x8xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %g = linalg.conv_1d_ncw_fcw ins(%around, %k : tensor<2x1x10xf32>, tensor<1x1x3xf32>) outs(%z1 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %cg = tensor.collapse_shape %g [[0], [1, 2]] : tensor<2x1x8xf32> into tensor<2x8xf32>
  %big = tensor.empty() : tensor<2x8x16xf32>
  // CHECK: attn.gate ins(%[[X:.*]], %[[X]] : {{.*}} dimensions = [2] pools = [avg] excite {
  // CHECK: tensor.concat
  // CHECK: linalg.conv_1d_ncw_fcw
  // CHECK: } epilogue {
  // CHECK: ^bb0(%[[XI:.*]]: f32, %[[GI:.*]]: f32, %[[RI:.*]]: f32):
  // CHECK: %[[T:.*]] = math.tanh %[[GI]]
  // CHECK: %[[M:.*]] = arith.mulf %[[XI]], %[[T]]
  // CHECK: %[[A:.*]] = arith.addf %[[M]], %[[RI]]
  // CHECK: attn.yield %[[A]] : f32
  // expected-remark @below {{dims=2, kind=channel_gate, pools=avg}}
  %y = linalg.generic {indexing_maps = [#id3, affine_map<(d0, d1, d2) -> (d0, d1)>, #id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %cg, %x : tensor<2x8x16xf32>, tensor<2x8xf32>, tensor<2x8x16xf32>) outs(%big : tensor<2x8x16xf32>) {
  ^bb0(%i: f32, %j: f32, %r: f32, %o: f32):
    %t = math.tanh %j : f32
    %m = arith.mulf %i, %t : f32
    %a = arith.addf %m, %r : f32
    linalg.yield %a : f32
  } -> tensor<2x8x16xf32>
  return %y : tensor<2x8x16xf32>
}

// One gate value for all channels: broadcast inside, so that the gate has x's
// shape without D. The pool is returned as well: it stays outside, too.
// CHECK-LABEL: func @one_value_for_all_channels
func.func @one_value_for_all_channels(%x: tensor<2x8x4x4xf32>, %w: tensor<8x1xf32>) -> (tensor<2x8x4x4xf32>, tensor<2x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  // CHECK: %[[S:.*]] = linalg.reduce
  %s = linalg.reduce { arith.addf } ins(%x : tensor<2x8x4x4xf32>) outs(%z : tensor<2x8xf32>) dimensions = [2, 3]
  %e1 = tensor.empty() : tensor<2x1xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1xf32>) -> tensor<2x1xf32>
  %g = linalg.matmul ins(%s, %w : tensor<2x8xf32>, tensor<8x1xf32>) outs(%z1 : tensor<2x1xf32>) -> tensor<2x1xf32>
  %f = tensor.collapse_shape %g [[0, 1]] : tensor<2x1xf32> into tensor<2xf32>
  %big = tensor.empty() : tensor<2x8x4x4xf32>
  // CHECK: attn.gate
  // CHECK: linalg.matmul
  // CHECK: linalg.broadcast ins(%{{.*}} : tensor<2xf32>) outs(%{{.*}} : tensor<2x8xf32>) dimensions = [1]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=sum}}
  %y = linalg.generic {indexing_maps = [#id, #n, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %f : tensor<2x8x4x4xf32>, tensor<2xf32>) outs(%big : tensor<2x8x4x4xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> tensor<2x8x4x4xf32>
  // CHECK: return %{{.*}}, %[[S]]
  return %y, %s : tensor<2x8x4x4xf32>, tensor<2x8xf32>
}

// One of two spatial dimensions: an axis gate. Pooled over the batch, too.
// CHECK-LABEL: func @axis_gates
func.func @axis_gates(%x: tensor<2x8x4x5xf32>) -> tensor<2x8x4x5xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<2x8x4x5xf32>) outs(%z : tensor<2x8x4xf32>) dimensions = [3]
  %g = linalg.tanh ins(%s : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %big = tensor.empty() : tensor<2x8x4x5xf32>
  // CHECK: attn.gate {{.*}} dimensions = [3]
  // expected-remark @below {{dims=3, kind=axis_gate, pools=sum}}
  %y = linalg.generic {indexing_maps = [#id, #strip, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : tensor<2x8x4x5xf32>, tensor<2x8x4xf32>) outs(%big : tensor<2x8x4x5xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> tensor<2x8x4x5xf32>
  %e1 = tensor.empty() : tensor<8xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %s1 = linalg.reduce { arith.addf } ins(%y : tensor<2x8x4x5xf32>) outs(%z1 : tensor<8xf32>) dimensions = [0, 2, 3]
  %k1 = tensor.expand_shape %s1 [[0, 1]] output_shape [1, 8] : tensor<8xf32> into tensor<1x8xf32>
  // CHECK: attn.gate {{.*}} dimensions = [0, 2, 3]
  // expected-remark @below {{dims="0, 2, 3", kind=axis_gate, pools=sum}}
  %y1 = linalg.generic {indexing_maps = [#id, #c, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y, %k1 : tensor<2x8x4x5xf32>, tensor<1x8xf32>) outs(%big : tensor<2x8x4x5xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> tensor<2x8x4x5xf32>
  return %y1 : tensor<2x8x4x5xf32>
}

// A feature map of 1x1: nothing is broadcast; a softmax over the channels is an
// excitation like any other.
// CHECK-LABEL: func @one_by_one
func.func @one_by_one(%x: tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.reduce { arith.addf } ins(%x : tensor<2x8x1x1xf32>) outs(%z : tensor<2x8xf32>) dimensions = [2, 3]
  %g = linalg.softmax dimension(1) ins(%s : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %k = tensor.expand_shape %g [[0], [1, 2, 3]] output_shape [2, 8, 1, 1] : tensor<2x8xf32> into tensor<2x8x1x1xf32>
  %big = tensor.empty() : tensor<2x8x1x1xf32>
  // CHECK: attn.gate {{.*}} dimensions = [2, 3] pools = [avg]
  // CHECK: linalg.softmax
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=avg}}
  %y = linalg.mul ins(%x, %k : tensor<2x8x1x1xf32>, tensor<2x8x1x1xf32>) outs(%big : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  // No gate: h * tanh(h) reads h alone, and is silent.
  %t = linalg.tanh ins(%y : tensor<2x8x1x1xf32>) outs(%big : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %r = linalg.mul ins(%y, %t : tensor<2x8x1x1xf32>, tensor<2x8x1x1xf32>) outs(%big : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  return %r : tensor<2x8x1x1xf32>
}

// The log-sum-exp pool of the original CBAM: m + log Σ e^(x − m). Its maximum is
// a pool; its sum stays in the excitation, which captures x.
// CHECK-LABEL: func @log_sum_exp_pool(
// CHECK-SAME: %[[X:.*]]: tensor<2x8x16xf32>
func.func @log_sum_exp_pool(%x: tensor<2x8x16xf32>) -> tensor<2x8x16xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %l = linalg.fill ins(%low : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %big = tensor.empty() : tensor<2x8x16xf32>
  // CHECK: attn.gate ins(%[[X]] : {{.*}} dimensions = [2] pools = [max] excite {
  // CHECK: ^bb0(%[[M:.*]]: tensor<2x8xf32>):
  // CHECK: %[[D:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[M]] :
  // CHECK: %[[E:.*]] = linalg.exp ins(%[[D]]
  // CHECK: linalg.reduce { arith.addf } ins(%[[E]]
  // CHECK: linalg.log
  %m = linalg.reduce { arith.maximumf } ins(%x : tensor<2x8x16xf32>) outs(%l : tensor<2x8xf32>) dimensions = [2]
  %d = linalg.generic {indexing_maps = [#id3, affine_map<(d0, d1, d2) -> (d0, d1)>, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %m : tensor<2x8x16xf32>, tensor<2x8xf32>) outs(%big : tensor<2x8x16xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %0 = arith.subf %i, %j : f32
    linalg.yield %0 : f32
  } -> tensor<2x8x16xf32>
  %exp = linalg.exp ins(%d : tensor<2x8x16xf32>) outs(%big : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  %s = linalg.reduce { arith.addf } ins(%exp : tensor<2x8x16xf32>) outs(%z : tensor<2x8xf32>) dimensions = [2]
  // The same maximum once more, over x as 4 x 4: no second pool.
  %square = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [2, 8, 4, 4] : tensor<2x8x16xf32> into tensor<2x8x4x4xf32>
  %again = linalg.reduce { arith.maximumf } ins(%square : tensor<2x8x4x4xf32>) outs(%l : tensor<2x8xf32>) dimensions = [2, 3]
  %log = linalg.log ins(%s : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %g = linalg.add ins(%log, %again : tensor<2x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %wide = linalg.broadcast ins(%g : tensor<2x8xf32>) outs(%big : tensor<2x8x16xf32>) dimensions = [2]
  // expected-remark @below {{dims=2, kind=channel_gate, pools=max}}
  %y = linalg.mul ins(%x, %wide : tensor<2x8x16xf32>, tensor<2x8x16xf32>) outs(%big : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  return %y : tensor<2x8x16xf32>
}

// Pooled over one digit of the channels: groups share their gate. A constant
// operand of the multiplication needs no operand of the gate.
// CHECK-LABEL: func @groups_of_channels
func.func @groups_of_channels(%x: tensor<2x8x16xf32>) -> tensor<2x2x4x16xf32> {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant dense<2.0> : tensor<1xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  %v = tensor.expand_shape %x [[0], [1, 2], [3]] output_shape [2, 2, 4, 16] : tensor<2x8x16xf32> into tensor<2x2x4x16xf32>
  %s = linalg.reduce { arith.addf } ins(%v : tensor<2x2x4x16xf32>) outs(%z : tensor<2x4xf32>) dimensions = [1, 3]
  %g = linalg.tanh ins(%s : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  %big = tensor.empty() : tensor<2x2x4x16xf32>
  // CHECK: attn.gate {{.*}} dimensions = [1, 3] pools = [sum]
  // CHECK: epilogue {
  // CHECK: ^bb0(%[[XI:.*]]: f32, %[[GI:.*]]: f32):
  // CHECK: %[[C:.*]] = arith.constant 2.0
  // CHECK: %[[M:.*]] = arith.mulf %[[XI]], %[[GI]]
  // CHECK: arith.mulf %[[M]], %[[C]]
  // expected-remark @below {{dims="1, 3", kind=channel_gate, pools=sum}}
  %y = linalg.generic {indexing_maps = [#id, affine_map<(d0, d1, d2, d3) -> (d0, d2)>, affine_map<(d0, d1, d2, d3) -> (0)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%v, %g, %two : tensor<2x2x4x16xf32>, tensor<2x4xf32>, tensor<1xf32>) outs(%big : tensor<2x2x4x16xf32>) {
  ^bb0(%i: f32, %j: f32, %k: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    %t = arith.mulf %m, %k : f32
    linalg.yield %t : f32
  } -> tensor<2x2x4x16xf32>
  return %y : tensor<2x2x4x16xf32>
}

// The mean divides before it sums.
// CHECK-LABEL: func @divided_before_the_sum
func.func @divided_before_the_sum(%x: tensor<2x8x16xf32>) -> tensor<2x8x16xf32> {
  %zero = arith.constant 0.0 : f32
  %n = arith.constant 0.0625 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %big = tensor.empty() : tensor<2x8x16xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %part = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<2x8x16xf32>) outs(%big : tensor<2x8x16xf32>) {
  ^bb0(%i: f32, %o: f32):
    %m = arith.mulf %i, %n : f32
    linalg.yield %m : f32
  } -> tensor<2x8x16xf32>
  %s = linalg.reduce { arith.addf } ins(%part : tensor<2x8x16xf32>) outs(%z : tensor<2x8xf32>) dimensions = [2]
  %g = linalg.tanh ins(%s : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  // CHECK: attn.gate {{.*}} dimensions = [2] pools = [avg]
  // expected-remark @below {{dims=2, kind=channel_gate, pools=avg}}
  %y = linalg.generic {indexing_maps = [#id3, affine_map<(d0, d1, d2) -> (d0, d1)>, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %g : tensor<2x8x16xf32>, tensor<2x8xf32>) outs(%big : tensor<2x8x16xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> tensor<2x8x16xf32>
  return %y : tensor<2x8x16xf32>
}
