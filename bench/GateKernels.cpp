// GateKernels.cpp - squeeze-and-excitation, ECA and CBAM, in each layout.
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

/// What a layout decides of a program. !q is the type of pools over places, !p
/// images by channels.
struct Layout {
  const char *suffix;  // of the family's name
  const char *x, *q;   // shapes
  const char *places;  // dims that a channel gate pools
  const char *channel; // dims that a spatial gate pools
  const char *flatten; // !q to !p
  const char *spread;  // !p to !q
  int64_t block;       // channels
};

const Layout kNchw{"",
                   "$Nx$Cx$Sx$S",
                   "$Nx$C",
                   "2, 3",
                   "1",
                   "tensor.cast {0} : !q to !p",
                   "tensor.cast {0} : !p to !q",
                   1};
const Layout kNhwc{"_nhwc",
                   "$Nx$Sx$Sx$C",
                   "$Nx$C",
                   "1, 2",
                   "3",
                   "tensor.cast {0} : !q to !p",
                   "tensor.cast {0} : !p to !q",
                   1};

constexpr Layout blocked(const char *suffix, int64_t block) {
  return {suffix,
          "$Nx$Gx$Sx$Sx$L",
          "$Nx$Gx$L",
          "2, 3",
          "1, 4",
          "tensor.collapse_shape {0} [[0], [1, 2]] : !q into !p",
          "tensor.expand_shape {0} [[0], [1, 2]] output_shape [$N, $G, $L] : "
          "!p into !q",
          block};
}
const Layout kNchw8c = blocked("_nchw8c", 8),
             kNchw16c = blocked("_nchw16c", 16);

/// Fifteen is added before each sigmoid, which makes it 1 − 3e-7 or more: in
/// place, call after call, X stays what it is instead of fading to subnormals.
constexpr float kBias = 15;

/// !p4, !h4 and !m4: channels, hidden layer and places as 4-d tensors, each with
/// a destination and one of zeros.
const char *const kHeader = R"(
#nc = affine_map<(n, c, h, w) -> (n, c, h, w)>
#bias = affine_map<(n, c, h, w) -> (c, h, w)>
!x = tensor<$Xxf32>
!q = tensor<$Qxf32>
!p = tensor<$Nx$Cxf32>
!p4 = tensor<$Nx$Cx1x1xf32>
!h4 = tensor<$Nx$Rx1x1xf32>
!m4 = tensor<$Nx1x$Sx$Sxf32>
!m = tensor<$Nx$Sx$Sxf32>
func.func @main(%x: !x {attn.name = "x"}) -> (!x {attn.name = "y"}) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %bias = arith.constant $B : f32
  %init = tensor.empty() : !x
  %e_p4 = tensor.empty() : !p4
  %z_p4 = linalg.fill ins(%zero : f32) outs(%e_p4 : !p4) -> !p4
  %e_h4 = tensor.empty() : !h4
  %z_h4 = linalg.fill ins(%zero : f32) outs(%e_h4 : !h4) -> !h4
  %e_m4 = tensor.empty() : !m4
  %z_m4 = linalg.fill ins(%zero : f32) outs(%e_m4 : !m4) -> !m4
  %from = $FROM)";

const char *const kRelu = R"(
      %r = arith.maximumf %a, %zero : f32)";
const char *const kAdd = R"(
      %r = arith.addf %a, %b : f32)";
const char *const kSigmoid = R"(
      %n = arith.negf %a : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %r = arith.divf %one, %d : f32)";
const char *const kBiasedSigmoid = R"(
      %s = arith.addf %a, %bias : f32
      %n = arith.negf %s : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %r = arith.divf %one, %d : f32)";

/// `result` = `body` of the elements of `a` and `b`, of type `type`; `b` may be
/// of another, with map `map`.
std::string apply(StringRef result, StringRef type, StringRef body, StringRef a,
                  StringRef b = "", StringRef typeOfB = "",
                  StringRef map = "") {
  bool two = !b.empty();
  return formatv(
      R"(
    {0} = linalg.generic {{indexing_maps = [#nc, {1}#nc], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins({2} : {3}) outs(%e_{4} : {5}) {{
    ^bb0(%a: f32, {6}%o: f32):{7}
      linalg.yield %r : f32
    } -> {5})",
      result, two ? (map + ", ").str() : "",
      two ? (a + ", " + b).str() : a.str(),
      two ? (type + ", " + typeOfB).str() : type.str(), type.drop_front(), type,
      two ? "%b: f32, " : "", body);
}

/// A 1x1 convolution of a 1x1 image, as imported from ONNX.
std::string layer(StringRef result, StringRef type, StringRef of,
                  StringRef typeOf, StringRef weights, StringRef shape) {
  return formatv(R"(
    {0} = linalg.conv_2d_nchw_fchw ins({2}, {4} : {3}, tensor<{5}xf32>) outs(%z_{6} : {1}) -> {1})",
                 result, type, of, typeOf, weights, shape, type.drop_front());
}

/// Pool `k` of a channel gate as %p`k`, of type !p4.
std::string flatten(const Layout &layout, int k) {
  std::string pool = formatv("%q{0}", k);
  return formatv(R"(
    %f{0} = {1}
    %p{0} = tensor.expand_shape %f{0} [[0], [1, 2, 3]] output_shape [$N, $C, 1, 1] : !p into !p4)",
                 k, formatv(layout.flatten, pool).str());
}

/// A gate with pools %q0 and %q1 or the first of them; `excite` makes %gate.
std::string gate(StringRef result, StringRef x, StringRef out, StringRef dims,
                 StringRef type, bool both, const std::string &excite) {
  return formatv(
      R"(
  {0} = attn.gate ins({1} : !x) outs({2} : !x) dimensions = [{3}] pools = [avg{4}] excite {{
  ^bb0(%q0: {5}{6}):{7}
    attn.yield %gate : {5}
  } -> !x)",
      result, x, out, dims, both ? ", max" : "", type,
      both ? (", %q1: " + type).str() : "", excite);
}

/// A channel gate whose `excite` makes %g of type !p4.
std::string channelGate(const Layout &layout, StringRef result, bool both,
                        const std::string &excite) {
  return gate(result, "%from", "$OUT", layout.places, "!q", both,
              flatten(layout, 0) + (both ? flatten(layout, 1) : "") + excite +
                  formatv(R"(
    %flat = tensor.collapse_shape %g [[0], [1, 2, 3]] : !p4 into !p
    %gate = {0})",
                          formatv(layout.spread, "%flat").str())
                      .str());
}

const char *const kLayers = R"(
  %w1 = arith.constant dense<$FIRST> : tensor<$Rx$Cx1x1xf32>
  %w2 = arith.constant dense<$SECOND> : tensor<$Cx$Rx1x1xf32>)";

/// Two layers with biases, ReLU and sigmoid.
std::string squeezeExcite(const Layout &layout) {
  return kLayers + std::string(R"(
  %b1 = arith.constant dense<$SHIFT> : tensor<$Rx1x1xf32>
  %b2 = arith.constant dense<$BIAS> : tensor<$Cx1x1xf32>)") +
         channelGate(layout, "%y", false,
                     layer("%u", "!h4", "%p0", "!p4", "%w1", "$Rx$Cx1x1") +
                         apply("%ub", "!h4", kAdd, "%u", "%b1",
                               "tensor<$Rx1x1xf32>", "#bias") +
                         apply("%h", "!h4", kRelu, "%ub") +
                         layer("%v", "!p4", "%h", "!h4", "%w2", "$Cx$Rx1x1") +
                         apply("%vb", "!p4", kAdd, "%v", "%b2",
                               "tensor<$Cx1x1xf32>", "#bias") +
                         apply("%g", "!p4", kSigmoid, "%vb"));
}

/// A convolution of $K neighbours along the channels.
std::string efficient(const Layout &layout) {
  return std::string(R"(
  %w = arith.constant dense<$FIRST> : tensor<1x1x$Kxf32>
  %e3 = tensor.empty() : tensor<$Nx1x$Cxf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<$Nx1x$Cxf32>) -> tensor<$Nx1x$Cxf32>)") +
         channelGate(layout, "%y", false,
                     R"(
    %l = tensor.expand_shape %f0 [[0, 1], [2]] output_shape [$N, 1, $C] : !p into tensor<$Nx1x$Cxf32>
    %m = tensor.pad %l low[0, 0, $P] high[0, 0, $P] {
    ^bb0(%i0: index, %i1: index, %i2: index):
      tensor.yield %zero : f32
    } : tensor<$Nx1x$Cxf32> to tensor<$Nx1x$Zxf32>
    %u = linalg.conv_1d_ncw_fcw ins(%m, %w : tensor<$Nx1x$Zxf32>, tensor<1x1x$Kxf32>)
        outs(%z3 : tensor<$Nx1x$Cxf32>) -> tensor<$Nx1x$Cxf32>
    %v = tensor.collapse_shape %u [[0, 1], [2]] : tensor<$Nx1x$Cxf32> into !p
    %v4 = tensor.expand_shape %v [[0], [1, 2, 3]] output_shape [$N, $C, 1, 1] : !p into !p4)" +
                         apply("%g", "!p4", kBiasedSigmoid, "%v4"));
}

/// Two layers on the mean and on the maximum of each channel, then a 7x7
/// convolution of the mean and the maximum of each pixel.
std::string cbam(const Layout &layout) {
  std::string layers;
  for (StringRef k : {"0", "1"})
    layers += layer(("%u" + k).str(), "!h4", ("%p" + k).str(), "!p4", "%w1",
                    "$Rx$Cx1x1") +
              apply(("%h" + k).str(), "!h4", kRelu, ("%u" + k).str()) +
              layer(("%v" + k).str(), "!p4", ("%h" + k).str(), "!h4", "%w2",
                    "$Cx$Rx1x1");
  return kLayers + std::string(R"(
  %k = arith.constant dense<$TAPS> : tensor<1x2x7x7xf32>)") +
         channelGate(layout, "%c", true,
                     layers +
                         apply("%v", "!p4", kAdd, "%v0", "%v1", "!p4", "#nc") +
                         apply("%g", "!p4", kBiasedSigmoid, "%v")) +
         gate("%y", "%c", "%c", layout.channel, "!m", true,
              R"(
    %m0 = tensor.expand_shape %q0 [[0, 1], [2], [3]] output_shape [$N, 1, $S, $S] : !m into !m4
    %m1 = tensor.expand_shape %q1 [[0, 1], [2], [3]] output_shape [$N, 1, $S, $S] : !m into !m4
    %both = tensor.concat dim(1) %m0, %m1 : (!m4, !m4) -> tensor<$Nx2x$Sx$Sxf32>
    %padded = tensor.pad %both low[0, 0, 3, 3] high[0, 0, 3, 3] {
    ^bb0(%i0: index, %i1: index, %i2: index, %i3: index):
      tensor.yield %zero : f32
    } : tensor<$Nx2x$Sx$Sxf32> to tensor<$Nx2x$Zx$Zxf32>
    %map = linalg.conv_2d_nchw_fchw ins(%padded, %k : tensor<$Nx2x$Zx$Zxf32>, tensor<1x2x7x7xf32>)
        outs(%z_m4 : !m4) -> !m4)" +
                  apply("%g", "!m4", kBiasedSigmoid, "%map") + R"(
    %gate = tensor.collapse_shape %g [[0, 1], [2], [3]] : !m4 into !m)");
}

/// ECA's own rule for the width of its convolution: odd, near (log2 C + 1) / 2.
int64_t ecaTaps(int64_t channels) {
  int64_t taps = (Log2_64(channels) + 1) / 2;
  return taps + 1 - taps % 2;
}

std::string text(StringRef kind, const Layout &layout, const Shape &x,
                 bool inPlace) {
  int64_t c = x.channels, hidden = std::max<int64_t>(c / 16, 4);
  int64_t taps = ecaTaps(c), pad = kind == "eca" ? taps / 2 : 3;
  auto sizes = [&](std::string text) {
    return fill(text, {{"N", std::to_string(x.images)},
                       {"C", std::to_string(c)},
                       {"G", std::to_string(c / layout.block)},
                       {"L", std::to_string(layout.block)},
                       {"S", std::to_string(x.side)}});
  };
  std::string body = kind == "se"    ? squeezeExcite(layout)
                     : kind == "eca" ? efficient(layout)
                                     : cbam(layout);
  return fill(
      kHeader + body + "\n  return %y : !x\n}\n",
      {{"X", sizes(layout.x)},
       {"Q", sizes(layout.q)},
       {"N", std::to_string(x.images)},
       {"C", std::to_string(c)},
       {"G", std::to_string(c / layout.block)},
       {"L", std::to_string(layout.block)},
       {"S", std::to_string(x.side)},
       {"R", std::to_string(hidden)},
       {"K", std::to_string(taps)},
       {"P", std::to_string(pad)},
       {"Z", std::to_string((kind == "eca" ? c : x.side) + 2 * pad)},
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

Kernel make(StringRef kind, const Layout &layout, const Shape &x,
            bool inPlace) {
  double bytes = 4.0 * x.images * x.channels * x.side * x.side;
  // One read for the pool, one read and one write for the scale.
  return {formatv("{0}{1}{2}/n{3}/c{4}/s{5}", kind, layout.suffix,
                  inPlace ? "_in_place" : "", x.images, x.channels, x.side),
          [=] { return text(kind, layout, x, inPlace); },
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
  const Shape some[] = {{1, 64, 112}, {1, 256, 56}, {1, 512, 28}, {1, 512, 14},
                        {1, 512, 7},  {8, 256, 56}, {8, 512, 28}};
  std::vector<Kernel> list;
  for (StringRef kind : {"se", "eca"}) {
    for (bool inPlace : {false, true})
      for (const Shape &shape : shapes)
        list.push_back(make(kind, kNchw, shape, inPlace));
    for (const Layout &layout : {kNhwc, kNchw8c, kNchw16c})
      for (bool inPlace : {false, true})
        for (const Shape &shape : some)
          list.push_back(make(kind, layout, shape, inPlace));
  }
  for (const Layout &layout : {kNchw, kNhwc, kNchw8c, kNchw16c})
    for (const Shape &shape : {Shape{1, 64, 112}, Shape{1, 256, 56},
                               Shape{1, 512, 28}, Shape{8, 256, 28}})
      list.push_back(make("cbam", layout, shape, false));
  return list;
}

} // namespace heed::bench
