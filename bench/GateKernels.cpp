// GateKernels.cpp - squeeze-and-excitation, ECA and CBAM.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "bench/Kernel.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace heed::bench {
namespace {

struct Shape {
  int64_t images, channels, side;
};

/// Fifteen is added before each sigmoid, which makes it 1 − 3e-7 or more: in
/// place, call after call, X stays what it is instead of fading to subnormals.
constexpr float kBias = 15;

const char *const kHeader = R"(
#nc = affine_map<(n, c) -> (n, c)>
#nchw = affine_map<(n, c, h, w) -> (n, c, h, w)>
#chw = affine_map<(n, c, h, w) -> (c, h, w)>
#nhw = affine_map<(n, h, w) -> (n, h, w)>
!x = tensor<$Nx$Cx$Sx$Sxf32>
!p = tensor<$Nx$Cxf32>
!p4 = tensor<$Nx$Cx1x1xf32>
!h4 = tensor<$Nx$Rx1x1xf32>
func.func @main(%x: !x {attn.name = "x"}) -> (!x {attn.name = "y"}) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %from = $FROM
  %init = tensor.empty() : !x
  %ep = tensor.empty() : !p
  %ep4 = tensor.empty() : !p4
  %zp4 = linalg.fill ins(%zero : f32) outs(%ep4 : !p4) -> !p4
  %eh4 = tensor.empty() : !h4
  %zh4 = linalg.fill ins(%zero : f32) outs(%eh4 : !h4) -> !h4
)";

/// From the pools on, as imported from ONNX: two 1x1 convolutions, ReLU and
/// sigmoid.
const char *const kSqueezeExcite = R"(
  %w1 = arith.constant dense<$FIRST> : tensor<$Rx$Cx1x1xf32>
  %b1 = arith.constant dense<$SHIFT> : tensor<$Rx1x1xf32>
  %w2 = arith.constant dense<$SECOND> : tensor<$Cx$Rx1x1xf32>
  %b2 = arith.constant dense<$BIAS> : tensor<$Cx1x1xf32>
  %y = attn.gate ins(%from : !x) outs($OUT : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: !p):
    %p4 = tensor.expand_shape %p [[0], [1, 2, 3]] output_shape [$N, $C, 1, 1] : !p into !p4
    %u = linalg.conv_2d_nchw_fchw ins(%p4, %w1 : !p4, tensor<$Rx$Cx1x1xf32>) outs(%zh4 : !h4) -> !h4
    %ub = linalg.generic {indexing_maps = [#nchw, #chw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%u, %b1 : !h4, tensor<$Rx1x1xf32>) outs(%eh4 : !h4) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s = arith.addf %a, %b : f32
      linalg.yield %s : f32
    } -> !h4
    %h = linalg.generic {indexing_maps = [#nchw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%ub : !h4) outs(%eh4 : !h4) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.maximumf %a, %zero : f32
      linalg.yield %r : f32
    } -> !h4
    %v = linalg.conv_2d_nchw_fchw ins(%h, %w2 : !h4, tensor<$Cx$Rx1x1xf32>) outs(%zp4 : !p4) -> !p4
    %vb = linalg.generic {indexing_maps = [#nchw, #chw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%v, %b2 : !p4, tensor<$Cx1x1xf32>) outs(%ep4 : !p4) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s = arith.addf %a, %b : f32
      linalg.yield %s : f32
    } -> !p4
    %g = linalg.generic {indexing_maps = [#nchw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%vb : !p4) outs(%ep4 : !p4) {
    ^bb0(%a: f32, %o: f32):
      %n = arith.negf %a : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %q = arith.divf %one, %d : f32
      linalg.yield %q : f32
    } -> !p4
    %f = tensor.collapse_shape %g [[0], [1, 2, 3]] : !p4 into !p
    attn.yield %f : !p
  } -> !x
  return %y : !x
})";

/// A convolution of $K neighbours along the channels.
const char *const kEca = R"(
  %w = arith.constant dense<$FIRST> : tensor<1x1x$Kxf32>
  %bias = arith.constant $B : f32
  %e3 = tensor.empty() : tensor<$Nx1x$Cxf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<$Nx1x$Cxf32>) -> tensor<$Nx1x$Cxf32>
  %y = attn.gate ins(%from : !x) outs($OUT : !x) dimensions = [2, 3] pools = [avg] excite {
  ^bb0(%p: !p):
    %l = tensor.expand_shape %p [[0, 1], [2]] output_shape [$N, 1, $C] : !p into tensor<$Nx1x$Cxf32>
    %m = tensor.pad %l low[0, 0, $P] high[0, 0, $P] {
    ^bb0(%i0: index, %i1: index, %i2: index):
      tensor.yield %zero : f32
    } : tensor<$Nx1x$Cxf32> to tensor<$Nx1x$Qxf32>
    %u = linalg.conv_1d_ncw_fcw ins(%m, %w : tensor<$Nx1x$Qxf32>, tensor<1x1x$Kxf32>)
        outs(%z3 : tensor<$Nx1x$Cxf32>) -> tensor<$Nx1x$Cxf32>
    %f = tensor.collapse_shape %u [[0, 1], [2]] : tensor<$Nx1x$Cxf32> into !p
    %g = linalg.generic {indexing_maps = [#nc, #nc], iterator_types = ["parallel", "parallel"]}
        ins(%f : !p) outs(%ep : !p) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %bias : f32
      %n = arith.negf %s : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %q = arith.divf %one, %d : f32
      linalg.yield %q : f32
    } -> !p
    attn.yield %g : !p
  } -> !x
  return %y : !x
})";

/// Two layers on the mean and on the maximum of each channel, then a 7x7
/// convolution of the mean and the maximum of each pixel.
const char *const kCbam = R"(
  %w1 = arith.constant dense<$FIRST> : tensor<$Rx$Cx1x1xf32>
  %w2 = arith.constant dense<$SECOND> : tensor<$Cx$Rx1x1xf32>
  %k = arith.constant dense<$TAPS> : tensor<1x2x7x7xf32>
  %bias = arith.constant $B : f32
  %c = attn.gate ins(%from : !x) outs($OUT : !x) dimensions = [2, 3] pools = [avg, max] excite {
  ^bb0(%p: !p, %m: !p):
    %x1 = tensor.expand_shape %p [[0], [1, 2, 3]] output_shape [$N, $C, 1, 1] : !p into !p4
    %u1 = linalg.conv_2d_nchw_fchw ins(%x1, %w1 : !p4, tensor<$Rx$Cx1x1xf32>) outs(%zh4 : !h4) -> !h4
    %h1 = linalg.generic {indexing_maps = [#nchw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%u1 : !h4) outs(%eh4 : !h4) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.maximumf %a, %zero : f32
      linalg.yield %r : f32
    } -> !h4
    %v1 = linalg.conv_2d_nchw_fchw ins(%h1, %w2 : !h4, tensor<$Cx$Rx1x1xf32>) outs(%zp4 : !p4) -> !p4
    %x2 = tensor.expand_shape %m [[0], [1, 2, 3]] output_shape [$N, $C, 1, 1] : !p into !p4
    %u2 = linalg.conv_2d_nchw_fchw ins(%x2, %w1 : !p4, tensor<$Rx$Cx1x1xf32>) outs(%zh4 : !h4) -> !h4
    %h2 = linalg.generic {indexing_maps = [#nchw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%u2 : !h4) outs(%eh4 : !h4) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.maximumf %a, %zero : f32
      linalg.yield %r : f32
    } -> !h4
    %v2 = linalg.conv_2d_nchw_fchw ins(%h2, %w2 : !h4, tensor<$Cx$Rx1x1xf32>) outs(%zp4 : !p4) -> !p4
    %g = linalg.generic {indexing_maps = [#nchw, #nchw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%v1, %v2 : !p4, !p4) outs(%ep4 : !p4) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s0 = arith.addf %a, %b : f32
      %s = arith.addf %s0, %bias : f32
      %n = arith.negf %s : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %q = arith.divf %one, %d : f32
      linalg.yield %q : f32
    } -> !p4
    %f = tensor.collapse_shape %g [[0], [1, 2, 3]] : !p4 into !p
    attn.yield %f : !p
  } -> !x
  %em = tensor.empty() : tensor<$Nx$Sx$Sxf32>
  %ek = tensor.empty() : tensor<$Nx1x$Sx$Sxf32>
  %zk = linalg.fill ins(%zero : f32) outs(%ek : tensor<$Nx1x$Sx$Sxf32>) -> tensor<$Nx1x$Sx$Sxf32>
  %y = attn.gate ins(%c : !x) outs(%c : !x) dimensions = [1] pools = [avg, max] excite {
  ^bb0(%p: tensor<$Nx$Sx$Sxf32>, %m: tensor<$Nx$Sx$Sxf32>):
    %p4 = tensor.expand_shape %p [[0, 1], [2], [3]] output_shape [$N, 1, $S, $S] : tensor<$Nx$Sx$Sxf32> into tensor<$Nx1x$Sx$Sxf32>
    %m4 = tensor.expand_shape %m [[0, 1], [2], [3]] output_shape [$N, 1, $S, $S] : tensor<$Nx$Sx$Sxf32> into tensor<$Nx1x$Sx$Sxf32>
    %both = tensor.concat dim(1) %p4, %m4 : (tensor<$Nx1x$Sx$Sxf32>, tensor<$Nx1x$Sx$Sxf32>) -> tensor<$Nx2x$Sx$Sxf32>
    %padded = tensor.pad %both low[0, 0, 3, 3] high[0, 0, 3, 3] {
    ^bb0(%i0: index, %i1: index, %i2: index, %i3: index):
      tensor.yield %zero : f32
    } : tensor<$Nx2x$Sx$Sxf32> to tensor<$Nx2x$Qx$Qxf32>
    %map = linalg.conv_2d_nchw_fchw ins(%padded, %k : tensor<$Nx2x$Qx$Qxf32>, tensor<1x2x7x7xf32>)
        outs(%zk : tensor<$Nx1x$Sx$Sxf32>) -> tensor<$Nx1x$Sx$Sxf32>
    %flat = tensor.collapse_shape %map [[0, 1], [2], [3]] : tensor<$Nx1x$Sx$Sxf32> into tensor<$Nx$Sx$Sxf32>
    %g = linalg.generic {indexing_maps = [#nhw, #nhw], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%flat : tensor<$Nx$Sx$Sxf32>) outs(%em : tensor<$Nx$Sx$Sxf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %bias : f32
      %n = arith.negf %s : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %q = arith.divf %one, %d : f32
      linalg.yield %q : f32
    } -> tensor<$Nx$Sx$Sxf32>
    attn.yield %g : tensor<$Nx$Sx$Sxf32>
  } -> !x
  return %y : !x
})";

/// ECA's own rule for the width of its convolution: odd, near (log2 C + 1) / 2.
int64_t ecaTaps(int64_t channels) {
  int64_t taps = (Log2_64(channels) + 1) / 2;
  return taps + 1 - taps % 2;
}

std::string text(StringRef kind, const Shape &x, bool inPlace) {
  int64_t c = x.channels, hidden = std::max<int64_t>(c / 16, 4);
  int64_t taps = ecaTaps(c), pad = kind == "eca" ? taps / 2 : 3;
  const char *body = kind == "se"    ? kSqueezeExcite
                     : kind == "eca" ? kEca
                                     : kCbam;
  return fill(
      std::string(kHeader) + body,
      {{"N", std::to_string(x.images)},
       {"C", std::to_string(c)},
       {"S", std::to_string(x.side)},
       {"R", std::to_string(hidden)},
       {"K", std::to_string(taps)},
       {"P", std::to_string(pad)},
       {"Q", std::to_string((kind == "eca" ? c : x.side) + 2 * pad)},
       {"B", formatv("{0:f1}", kBias).str()},
       {"FROM", inPlace ? "bufferization.alloc_tensor() copy(%x) : !x"
                        : "tensor.cast %x : !x to !x"},
       {"OUT", inPlace ? "%from" : "%init"},
       {"FIRST", weights(kind == "eca" ? taps : c * hidden, -0.1f, 0.1f)},
       {"SECOND", weights(hidden * c, -0.1f, 0.1f)},
       {"SHIFT", weights(hidden, -0.1f, 0.1f)},
       {"BIAS", weights(c, kBias, kBias + 1)},
       {"TAPS", weights(98, -0.1f, 0.1f)}});
}

Kernel gate(StringRef kind, const Shape &x, bool inPlace) {
  double bytes = 4.0 * x.images * x.channels * x.side * x.side;
  // One read for the pool, one read and one write for the scale.
  return {formatv("{0}{1}/n{2}/c{3}/s{4}", kind, inPlace ? "_in_place" : "",
                  x.images, x.channels, x.side),
          [=] { return text(kind, x, inPlace); },
          3 * bytes,
          Limit::readAndCopy,
          inPlace,
          x.images};
}

} // namespace

std::vector<Kernel> gateKernels() {
  const Shape shapes[] = {
      {1, 64, 112},  {1, 64, 56},  {1, 128, 56}, {1, 256, 56}, {1, 256, 28},
      {1, 512, 28},  {1, 256, 14}, {1, 512, 14}, {1, 512, 7},  {1, 1024, 14},
      {1, 2048, 7},  {8, 64, 112}, {8, 256, 56}, {8, 512, 28}, {8, 512, 7},
      {32, 256, 56}, {32, 512, 14}};
  std::vector<Kernel> list;
  for (StringRef kind : {"se", "eca"})
    for (bool inPlace : {false, true})
      for (const Shape &shape : shapes)
        list.push_back(gate(kind, shape, inPlace));
  for (const Shape &shape : {Shape{1, 64, 112}, Shape{1, 256, 56},
                             Shape{1, 512, 28}, Shape{8, 256, 28}})
    list.push_back(gate("cbam", shape, false));
  return list;
}

} // namespace heed::bench
