// RUN: heed-opt %s --heed-recognize-gate | FileCheck %s
// RUN: heed-opt %s --heed-recognize-gate --remarks-filter='heed-.*' --verify-diagnostics -o /dev/null

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#keep = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, 0)>
#none = affine_map<(d0, d1, d2, d3) -> (0, 0, 0, 0)>
#last = affine_map<(d0, d1, d2, d3) -> (d0, 0, 0, d3)>
#spatial = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#drop = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>

// Squeeze-and-excitation as torch-mlir writes it: keepdims sum, division, 1x1
// convolutions with the bias as initial value. x dies: in place.

// CHECK-LABEL: func @se_convolutions
func.func @se_convolutions(%in: tensor<2x8x4x4xf32>, %w1: tensor<2x8x1x1xf32>, %w2: tensor<8x2x1x1xf32>, %b: tensor<8xf32>) -> tensor<2x8x4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %n = arith.constant 16.0 : f32
  %big = tensor.empty() : tensor<2x8x4x4xf32>
  // CHECK: %[[X:.*]] = linalg.tanh
  %x = linalg.tanh ins(%in : tensor<2x8x4x4xf32>) outs(%big : tensor<2x8x4x4xf32>) -> tensor<2x8x4x4xf32>
  %e = tensor.empty() : tensor<2x8x1x1xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %sum = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%x : tensor<2x8x4x4xf32>) outs(%z : tensor<2x8x1x1xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.addf %i, %o : f32
    linalg.yield %s : f32
  } -> tensor<2x8x1x1xf32>
  %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%sum : tensor<2x8x1x1xf32>) outs(%e : tensor<2x8x1x1xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.divf %i, %n : f32
    linalg.yield %s : f32
  } -> tensor<2x8x1x1xf32>
  %e1 = tensor.empty() : tensor<2x2x1x1xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
  // CHECK: attn.gate ins(%[[X]] : tensor<2x8x4x4xf32>) outs(%[[X]] : tensor<2x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
  // CHECK: ^bb0(%[[P:.*]]: tensor<2x8xf32>):
  // CHECK: tensor.expand_shape %[[P]] {{.*}} : tensor<2x8xf32> into tensor<2x8x1x1xf32>
  // CHECK: linalg.conv_2d_nchw_fchw
  %h = linalg.conv_2d_nchw_fchw ins(%mean, %w1 : tensor<2x8x1x1xf32>, tensor<2x8x1x1xf32>) outs(%z1 : tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
  // CHECK: linalg.broadcast
  %bias = linalg.broadcast ins(%b : tensor<8xf32>) outs(%e : tensor<2x8x1x1xf32>) dimensions = [0, 2, 3]
  // CHECK: linalg.conv_2d_nchw_fchw
  %c = linalg.conv_2d_nchw_fchw ins(%h, %w2 : tensor<2x2x1x1xf32>, tensor<8x2x1x1xf32>) outs(%bias : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  // CHECK: math.exp
  %g = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%c : tensor<2x8x1x1xf32>) outs(%e : tensor<2x8x1x1xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.negf %i : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %1, %one : f32
    %3 = arith.divf %one, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<2x8x1x1xf32>
  // CHECK: %[[G:.*]] = tensor.collapse_shape {{.*}} : tensor<2x8x1x1xf32> into tensor<2x8xf32>
  // CHECK: attn.yield %[[G]] : tensor<2x8xf32>
  // CHECK: } -> tensor<2x8x4x4xf32>
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools=avg}}
  %y = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : tensor<2x8x4x4xf32>, tensor<2x8x1x1xf32>) outs(%big : tensor<2x8x4x4xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> tensor<2x8x4x4xf32>
  // CHECK-NOT: linalg
  // CHECK: return
  return %y : tensor<2x8x4x4xf32>
}

// NHWC as TOSA writes it: one reduction a dimension, multiplication by 1/n held
// in a tensor; named elementwise ops; an argument is not overwritten.

// CHECK-LABEL: func @se_nhwc_two_reductions(
// CHECK-SAME: %[[X:.*]]: tensor<2x4x6x8xf32>
func.func @se_nhwc_two_reductions(%x: tensor<2x4x6x8xf32>) -> tensor<2x4x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant dense<0.0416666679> : tensor<1x1x1x1xf32>
  %e = tensor.empty() : tensor<2x6x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %r1 = linalg.reduce { arith.addf } ins(%x : tensor<2x4x6x8xf32>) outs(%z : tensor<2x6x8xf32>) dimensions = [1]
  %k1 = tensor.expand_shape %r1 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
  %e2 = tensor.empty() : tensor<2x1x8xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %r2 = linalg.reduce { arith.addf } ins(%k1 : tensor<2x1x6x8xf32>) outs(%z2 : tensor<2x1x8xf32>) dimensions = [2]
  %k2 = tensor.expand_shape %r2 [[0], [1], [2, 3]] output_shape [2, 1, 1, 8] : tensor<2x1x8xf32> into tensor<2x1x1x8xf32>
  %e3 = tensor.empty() : tensor<2x1x1x8xf32>
  %mean = linalg.generic {indexing_maps = [#id, #none, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%k2, %scale : tensor<2x1x1x8xf32>, tensor<1x1x1x1xf32>) outs(%e3 : tensor<2x1x1x8xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %i, %j : f32
    linalg.yield %m : f32
  } -> tensor<2x1x1x8xf32>
  %g = linalg.map { math.tanh } ins(%mean : tensor<2x1x1x8xf32>) outs(%e3 : tensor<2x1x1x8xf32>)
  %big = tensor.empty() : tensor<2x4x6x8xf32>
  // CHECK: %[[E:.*]] = tensor.empty() : tensor<2x4x6x8xf32>
  // CHECK: attn.gate ins(%[[X]] : {{.*}}) outs(%[[E]] : {{.*}}) dimensions = [1, 2] pools = [avg] excite {
  // CHECK: ^bb0(%{{.*}}: tensor<2x8xf32>):
  // expected-remark @below {{dims="1, 2", kind=channel_gate, pools=avg}}
  %y = linalg.elementwise kind=#linalg.elementwise_kind<mul> indexing_maps = [#id, #last, #id] ins(%x, %g : tensor<2x4x6x8xf32>, tensor<2x1x1x8xf32>) outs(%big : tensor<2x4x6x8xf32>) -> tensor<2x4x6x8xf32>
  return %y : tensor<2x4x6x8xf32>
}

// Both halves of CBAM: pooling windows of the whole size; the second max beside
// its index; the second gate pools the result of the first and is in place.

// CHECK-LABEL: func @cbam
func.func @cbam(%x: tensor<2x8x4x5xf32>, %w: tensor<8x8x1x1xf32>, %k: tensor<1x2x3x3xf32>) -> tensor<2x8x4x5xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %c0 = arith.constant 0 : i64
  %n = arith.constant dense<8.0> : tensor<2x1x4x5xf32>
  %window = tensor.empty() : tensor<4x5xf32>
  %e = tensor.empty() : tensor<2x8x1x1xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %l = linalg.fill ins(%inf : f32) outs(%e : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %sum = linalg.pooling_nchw_sum {strides = dense<[4, 5]> : vector<2xi64>} ins(%x, %window : tensor<2x8x4x5xf32>, tensor<4x5xf32>) outs(%z : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %max = linalg.pooling_nchw_max {strides = dense<[4, 5]> : vector<2xi64>} ins(%x, %window : tensor<2x8x4x5xf32>, tensor<4x5xf32>) outs(%l : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %a = linalg.conv_2d_nchw_fchw ins(%sum, %w : tensor<2x8x1x1xf32>, tensor<8x8x1x1xf32>) outs(%z : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %b = linalg.conv_2d_nchw_fchw ins(%max, %w : tensor<2x8x1x1xf32>, tensor<8x8x1x1xf32>) outs(%z : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %g = linalg.add ins(%a, %b : tensor<2x8x1x1xf32>, tensor<2x8x1x1xf32>) outs(%e : tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  %big = tensor.empty() : tensor<2x8x4x5xf32>
  // CHECK: %[[C:.*]] = attn.gate {{.*}} dimensions = [2, 3] pools = [sum, max]
  // expected-remark @below {{dims="2, 3", kind=channel_gate, pools="sum, max"}}
  %y = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %g : tensor<2x8x4x5xf32>, tensor<2x8x1x1xf32>) outs(%big : tensor<2x8x4x5xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %m = arith.mulf %j, %i : f32
    linalg.yield %m : f32
  } -> tensor<2x8x4x5xf32>

  %e2 = tensor.empty() : tensor<2x1x4x5xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<2x1x4x5xf32>) -> tensor<2x1x4x5xf32>
  %s2 = linalg.generic {indexing_maps = [#id, #spatial], iterator_types = ["parallel", "reduction", "parallel", "parallel"]} ins(%y : tensor<2x8x4x5xf32>) outs(%z2 : tensor<2x1x4x5xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.addf %i, %o : f32
    linalg.yield %s : f32
  } -> tensor<2x1x4x5xf32>
  %mean = linalg.div ins(%s2, %n : tensor<2x1x4x5xf32>, tensor<2x1x4x5xf32>) outs(%e2 : tensor<2x1x4x5xf32>) -> tensor<2x1x4x5xf32>
  %e3 = tensor.empty() : tensor<2x4x5xf32>
  %l3 = linalg.fill ins(%inf : f32) outs(%e3 : tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  %i3 = tensor.empty() : tensor<2x4x5xi64>
  %z3 = linalg.fill ins(%c0 : i64) outs(%i3 : tensor<2x4x5xi64>) -> tensor<2x4x5xi64>
  %m3:2 = linalg.generic {indexing_maps = [#id, #drop, #drop], iterator_types = ["parallel", "reduction", "parallel", "parallel"]} ins(%y : tensor<2x8x4x5xf32>) outs(%l3, %z3 : tensor<2x4x5xf32>, tensor<2x4x5xi64>) {
  ^bb0(%i: f32, %o: f32, %index: i64):
    %0 = linalg.index 1 : index
    %1 = arith.index_cast %0 : index to i64
    %2 = arith.maximumf %i, %o : f32
    %3 = arith.cmpf ogt, %i, %o : f32
    %4 = arith.select %3, %1, %index : i64
    linalg.yield %2, %4 : f32, i64
  } -> (tensor<2x4x5xf32>, tensor<2x4x5xi64>)
  %k3 = tensor.expand_shape %m3#0 [[0, 1], [2], [3]] output_shape [2, 1, 4, 5] : tensor<2x4x5xf32> into tensor<2x1x4x5xf32>
  %both = tensor.concat dim(1) %mean, %k3 : (tensor<2x1x4x5xf32>, tensor<2x1x4x5xf32>) -> tensor<2x2x4x5xf32>
  %padded = tensor.pad %both low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%p0: index, %p1: index, %p2: index, %p3: index):
    tensor.yield %zero : f32
  } : tensor<2x2x4x5xf32> to tensor<2x2x6x7xf32>
  // CHECK: attn.gate ins(%[[C]] : {{.*}}) outs(%[[C]] : {{.*}}) dimensions = [1] pools = [avg, max]
  // CHECK: ^bb0(%{{.*}}: tensor<2x4x5xf32>, %{{.*}}: tensor<2x4x5xf32>):
  // CHECK: linalg.conv_2d_nchw_fchw
  %map = linalg.conv_2d_nchw_fchw ins(%padded, %k : tensor<2x2x6x7xf32>, tensor<1x2x3x3xf32>) outs(%z2 : tensor<2x1x4x5xf32>) -> tensor<2x1x4x5xf32>
  %flat = tensor.collapse_shape %map [[0], [1, 2], [3]] : tensor<2x1x4x5xf32> into tensor<2x4x5xf32>
  %wide = linalg.broadcast ins(%flat : tensor<2x4x5xf32>) outs(%big : tensor<2x8x4x5xf32>) dimensions = [1]
  // expected-remark @below {{dims=1, kind=spatial_gate, pools="avg, max"}}
  %r = linalg.mul ins(%y, %wide : tensor<2x8x4x5xf32>, tensor<2x8x4x5xf32>) outs(%big : tensor<2x8x4x5xf32>) -> tensor<2x8x4x5xf32>
  return %r : tensor<2x8x4x5xf32>
}
