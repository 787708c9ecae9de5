// RUN: heed-opt %s --heed-lower-layout --canonicalize | FileCheck %s

#id4 = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c, 0, 0)>

// Two convolutions with an elementwise op between them: nothing is moved but
// the result, at the edge.
// CHECK-LABEL: @chain
// CHECK: %[[A:.*]] = attn.primitive convolution {{.*}} outs({{.*}} : tensor<1x?x?x16xf32>) layouts = {{\[\[}}0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 3, 1, 2]]
// CHECK: %[[B:.*]] = linalg.generic {indexing_maps = [#[[ID:.*]], #[[C:.*]], #[[ID]]]
// CHECK-SAME: ins(%[[A]], %{{.*}} : tensor<1x?x?x16xf32>, tensor<16x1x1xf32>) outs({{.*}} : tensor<1x?x?x16xf32>)
// CHECK: %[[D:.*]] = attn.primitive convolution ins(%[[B]], {{.*}} layouts = {{\[\[}}0, 3, 1, 2], [-1, 0, 1, 2, 3], [0, 3, 1, 2]]
// CHECK: %[[Y:.*]] = attn.primitive reorder ins(%[[D]] : tensor<1x?x?x8xf32>) outs({{.*}} : tensor<1x8x?x?xf32>) layouts = {{\[\[}}0, 3, 1, 2], [0, 1, 2, 3]]
// CHECK: return %[[Y]]
func.func @chain(%x: tensor<1x3x?x?xf32>, %w: tensor<16x3x1x1xf32>, %s: tensor<16x1x1xf32>, %v: tensor<8x16x1x1xf32>, %h: index, %l: index) -> tensor<1x8x?x?xf32> {
  %e = tensor.empty(%h, %l) : tensor<1x16x?x?xf32>
  %a = attn.primitive convolution ins(%x, %w : tensor<1x3x?x?xf32>, tensor<16x3x1x1xf32>) outs(%e : tensor<1x16x?x?xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>} -> tensor<1x16x?x?xf32>
  %b = linalg.generic {indexing_maps = [#id4, #channel, #id4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%a, %s : tensor<1x16x?x?xf32>, tensor<16x1x1xf32>) outs(%e : tensor<1x16x?x?xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q : f32
    linalg.yield %0 : f32
  } -> tensor<1x16x?x?xf32>
  %f = tensor.empty(%h, %l) : tensor<1x8x?x?xf32>
  %y = attn.primitive convolution ins(%b, %v : tensor<1x16x?x?xf32>, tensor<8x16x1x1xf32>) outs(%f : tensor<1x8x?x?xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>} -> tensor<1x8x?x?xf32>
  return %y : tensor<1x8x?x?xf32>
}

// A gate pools other dimensions, in place as before.
// CHECK-LABEL: @gate_between
// CHECK: %[[A:.*]] = attn.primitive convolution
// CHECK: attn.gate ins(%[[A]] : tensor<1x4x4x8xf32>) outs(%[[A]] : tensor<1x4x4x8xf32>) dimensions = [1, 2] pools = [avg]
// CHECK: attn.primitive pool_max {{.*}} layouts = {{\[\[}}0, 3, 1, 2], [0, 3, 1, 2]]
func.func @gate_between(%x: tensor<1x3x4x4xf32>, %w: tensor<8x3x1x1xf32>) -> tensor<1x8x2x2xf32> {
  %e = tensor.empty() : tensor<1x8x4x4xf32>
  %a = attn.primitive convolution ins(%x, %w : tensor<1x3x4x4xf32>, tensor<8x3x1x1xf32>) outs(%e : tensor<1x8x4x4xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>} -> tensor<1x8x4x4xf32>
  %g = attn.gate ins(%a : tensor<1x8x4x4xf32>) outs(%a : tensor<1x8x4x4xf32>) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: tensor<1x8xf32>):
    attn.yield %p : tensor<1x8xf32>
  } -> tensor<1x8x4x4xf32>
  %f = tensor.empty() : tensor<1x8x2x2xf32>
  %y = attn.primitive pool_max ins(%g : tensor<1x8x4x4xf32>) outs(%f : tensor<1x8x2x2xf32>) layouts = [[0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>} -> tensor<1x8x2x2xf32>
  return %y : tensor<1x8x2x2xf32>
}

// A norm normalises other dimensions, and its weight spans another.
// CHECK-LABEL: @norm_between
// CHECK: %[[A:.*]] = attn.primitive convolution
// CHECK: %[[N:.*]] = attn.norm layer ins(%[[A]] : tensor<1x4x4x8xf32>) weight(%{{.*}} : tensor<8xf32>) over [3] outs(%[[A]] : tensor<1x4x4x8xf32>) dimensions = [3]
// CHECK: attn.primitive pool_max ins(%[[N]] {{.*}} layouts = {{\[\[}}0, 3, 1, 2], [0, 3, 1, 2]]
func.func @norm_between(%x: tensor<1x3x4x4xf32>, %w: tensor<8x3x1x1xf32>, %s: tensor<8xf32>) -> tensor<1x8x2x2xf32> {
  %e = tensor.empty() : tensor<1x8x4x4xf32>
  %a = attn.primitive convolution ins(%x, %w : tensor<1x3x4x4xf32>, tensor<8x3x1x1xf32>) outs(%e : tensor<1x8x4x4xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>} -> tensor<1x8x4x4xf32>
  %n = attn.norm layer ins(%a : tensor<1x8x4x4xf32>) weight(%s : tensor<8xf32>) over [1] outs(%a : tensor<1x8x4x4xf32>)
      dimensions = [1] epsilon = 1.0e-5 -> tensor<1x8x4x4xf32>
  %f = tensor.empty() : tensor<1x8x2x2xf32>
  %y = attn.primitive pool_max ins(%n : tensor<1x8x4x4xf32>) outs(%f : tensor<1x8x2x2xf32>) layouts = [[0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>} -> tensor<1x8x2x2xf32>
  return %y : tensor<1x8x2x2xf32>
}

// Nearest upsampling is a reshape, a broadcast and a reshape; concatenation and
// slices rename their dims.
// CHECK-LABEL: @movement
// CHECK: %[[A:.*]] = attn.primitive convolution
// CHECK: %[[E:.*]] = tensor.expand_shape %[[A]] {{\[\[}}0], [1, 2], [3, 4], [5]]
// CHECK: %[[B:.*]] = linalg.generic {{.*}} ins(%[[E]] : tensor<1x2x1x2x1x8xf32>) outs({{.*}} : tensor<1x2x2x2x2x8xf32>)
// CHECK: %[[C:.*]] = tensor.collapse_shape %[[B]] {{\[\[}}0], [1, 2], [3, 4], [5]] : tensor<1x2x2x2x2x8xf32> into tensor<1x4x4x8xf32>
// CHECK: %[[D:.*]] = tensor.concat dim(3) %[[C]], %[[C]]
// CHECK: %[[S:.*]] = tensor.extract_slice %[[D]][0, 0, 0, 4] [1, 4, 4, 8] [1, 1, 1, 1]
// CHECK: %[[Y:.*]] = attn.primitive reorder ins(%[[S]]
// CHECK: return %[[Y]]
func.func @movement(%x: tensor<1x3x2x2xf32>, %w: tensor<8x3x1x1xf32>) -> tensor<1x8x4x4xf32> {
  %e = tensor.empty() : tensor<1x8x2x2xf32>
  %a = attn.primitive convolution ins(%x, %w : tensor<1x3x2x2xf32>, tensor<8x3x1x1xf32>) outs(%e : tensor<1x8x2x2xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>} -> tensor<1x8x2x2xf32>
  %apart = tensor.expand_shape %a [[0], [1], [2, 3], [4, 5]] output_shape [1, 8, 2, 1, 2, 1] : tensor<1x8x2x2xf32> into tensor<1x8x2x1x2x1xf32>
  %f = tensor.empty() : tensor<1x8x2x2x2x2xf32>
  %wide = linalg.generic {indexing_maps = [affine_map<(n, c, h, i, w, j) -> (n, c, h, 0, w, 0)>, affine_map<(n, c, h, i, w, j) -> (n, c, h, i, w, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%apart : tensor<1x8x2x1x2x1xf32>) outs(%f : tensor<1x8x2x2x2x2xf32>) {
  ^bb0(%p: f32, %o: f32):
    linalg.yield %p : f32
  } -> tensor<1x8x2x2x2x2xf32>
  %up = tensor.collapse_shape %wide [[0], [1], [2, 3], [4, 5]] : tensor<1x8x2x2x2x2xf32> into tensor<1x8x4x4xf32>
  %both = tensor.concat dim(1) %up, %up : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x16x4x4xf32>
  %y = tensor.extract_slice %both[0, 4, 0, 0] [1, 8, 4, 4] [1, 1, 1, 1] : tensor<1x16x4x4xf32> to tensor<1x8x4x4xf32>
  return %y : tensor<1x8x4x4xf32>
}

// A mean over the picture reads the memory in its order.
// CHECK-LABEL: @reduction
// CHECK: %[[A:.*]] = attn.primitive convolution
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "reduction", "parallel"]} ins(%[[A]] : tensor<1x2x2x8xf32>)
// CHECK-NOT: reorder
// CHECK: return
func.func @reduction(%x: tensor<1x3x2x2xf32>, %w: tensor<8x3x1x1xf32>, %init: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %e = tensor.empty() : tensor<1x8x2x2xf32>
  %a = attn.primitive convolution ins(%x, %w : tensor<1x3x2x2xf32>, tensor<8x3x1x1xf32>) outs(%e : tensor<1x8x2x2xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>} -> tensor<1x8x2x2xf32>
  %y = linalg.generic {indexing_maps = [#id4, affine_map<(n, c, h, w) -> (n, c)>], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%a : tensor<1x8x2x2xf32>) outs(%init : tensor<1x8xf32>) {
  ^bb0(%p: f32, %o: f32):
    %0 = arith.addf %p, %o : f32
    linalg.yield %0 : f32
  } -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}

// One channel has one order.
// CHECK-LABEL: @one_channel
// CHECK: attn.primitive convolution
// CHECK-SAME: layouts = {{\[\[}}0, 1, 2], [-1, 0, 1, 2], [0, 1, 2]]
// CHECK-NOT: reorder
// CHECK: return
func.func @one_channel(%x: tensor<1x1x64xf32>, %w: tensor<1x1x3xf32>) -> tensor<1x1x64xf32> {
  %e = tensor.empty() : tensor<1x1x64xf32>
  %y = attn.primitive convolution ins(%x, %w : tensor<1x1x64xf32>, tensor<1x1x3xf32>) outs(%e : tensor<1x1x64xf32>)
      layouts = [[0, 1, 2], [-1, 0, 1, 2], [0, 1, 2]]
      {dilations = array<i64: 1>, kernel = array<i64: 3>, pad_high = array<i64: 1>, pad_low = array<i64: 1>, strides = array<i64: 1>} -> tensor<1x1x64xf32>
  return %y : tensor<1x1x64xf32>
}

// A transposition that sinks into another one stands where that one stood, also
// after one further down has sunk.
// CHECK-LABEL: @two_convolutions
// CHECK: %[[A:.*]] = attn.primitive convolution
// CHECK: %[[T:.*]] = attn.primitive reorder ins(%[[A]] : tensor<1x4x4x8xf32>) outs({{.*}} : tensor<8x4x4x1xf32>)
// CHECK: tensor.collapse_shape %[[T]]
// CHECK: attn.primitive convolution
// CHECK: linalg.generic
func.func @two_convolutions(%x: tensor<1x3x4x4xf32>, %w: tensor<8x3x1x1xf32>) -> (tensor<32x4xf32>, tensor<1x8x4x4xf32>) {
  %e = tensor.empty() : tensor<1x8x4x4xf32>
  %f = tensor.empty() : tensor<8x4x4x1xf32>
  %a = attn.primitive convolution ins(%x, %w : tensor<1x3x4x4xf32>, tensor<8x3x1x1xf32>) outs(%e : tensor<1x8x4x4xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>} -> tensor<1x8x4x4xf32>
  %t = linalg.transpose ins(%a : tensor<1x8x4x4xf32>) outs(%f : tensor<8x4x4x1xf32>) permutation = [1, 2, 3, 0]
  %m = tensor.collapse_shape %t [[0, 1], [2, 3]] : tensor<8x4x4x1xf32> into tensor<32x4xf32>
  %b = attn.primitive convolution ins(%x, %w : tensor<1x3x4x4xf32>, tensor<8x3x1x1xf32>) outs(%e : tensor<1x8x4x4xf32>)
      layouts = [[0, 1, 2, 3], [-1, 0, 1, 2, 3], [0, 1, 2, 3]]
      {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>} -> tensor<1x8x4x4xf32>
  %g = linalg.generic {indexing_maps = [#id4, #id4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%b : tensor<1x8x4x4xf32>) outs(%e : tensor<1x8x4x4xf32>) {
  ^bb0(%p: f32, %o: f32):
    %0 = math.tanh %p : f32
    linalg.yield %0 : f32
  } -> tensor<1x8x4x4xf32>
  return %m, %g : tensor<32x4xf32>, tensor<1x8x4x4xf32>
}
