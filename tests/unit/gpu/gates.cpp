// gates.cpp - gates as MLIR, for the tests of their kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/gpu/gates.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace heed::test {

namespace {

using Sizes = std::vector<int64_t>; // −1: dynamic

struct Printer {
  const Gate &g;
  std::string text;
  int names = 0;
  int64_t n = g.hasDynamicImages ? -1 : g.n;
  int64_t h = g.hasDynamicSizes ? -1 : g.h, w = g.hasDynamicSizes ? -1 : g.w;

  std::string type(const Sizes &sizes) const {
    std::string result = "memref<";
    for (int64_t size : sizes)
      result += (size < 0 ? "?" : std::to_string(size)) + "x";
    return result + g.element + ">";
  }
  std::string name() { return "%v" + std::to_string(names++); }
  void add(const std::string &line) { text += line + "\n"; }

  /// A new buffer; dynamic sizes are those of x's dims in NCHW, with `pad`.
  std::string alloc(const Sizes &sizes, const std::string &dynamic) {
    std::string buffer = name();
    add(buffer + " = memref.alloc(" + dynamic + ") : " + type(sizes));
    return buffer;
  }
  std::string images() const { return n < 0 ? "%n" : ""; }
  std::string imagesAnd(const std::string &h, const std::string &w) const {
    std::vector<std::string> all;
    if (n < 0)
      all.push_back("%n");
    if (this->h < 0)
      all.insert(all.end(), {h, w});
    return llvm::join(all, ", ");
  }

  void fill(const std::string &buffer, const std::string &type) {
    add("linalg.fill ins(%zero : " + g.element + ") outs(" + buffer + " : " +
        type + ")");
  }
  /// In place; `rank` dims.
  void elementwise(const std::string &buffer, const std::string &type,
                   unsigned rank, const std::string &body) {
    std::vector<std::string> dims, iterators(rank, "\"parallel\"");
    for (unsigned dim = 0; dim < rank; ++dim)
      dims.push_back("d" + std::to_string(dim));
    std::string list = llvm::join(dims, ", ");
    std::string map = "affine_map<(" + list + ") -> (" + list + ")>";
    add("linalg.generic {indexing_maps = [" + map + ", " + map +
        "], iterator_types = [" + llvm::join(iterators, ", ") + "]} ins(" +
        buffer + " : " + type + ") outs(" + buffer + " : " + type +
        ") {\n^bb0(%in: " + g.element + ", %out: " + g.element + "):\n" + body +
        "\nlinalg.yield %res : " + g.element + "\n}");
  }
  void relu(const std::string &buffer, const std::string &type, unsigned rank) {
    elementwise(buffer, type, rank,
                "%res = arith.maximumf %in, %zero : " + g.element);
  }
  void sigmoid(const std::string &buffer, const std::string &type,
               unsigned rank) {
    elementwise(buffer, type, rank,
                llvm::formatv("%a = arith.negf %in : {0}\n"
                              "%b = math.exp %a : {0}\n"
                              "%c = arith.addf %b, %one : {0}\n"
                              "%res = arith.divf %one, %c : {0}",
                              g.element));
  }

  /// relu(p · w1) · w2, of a pool.
  std::string perceptron(const std::string &pool) {
    std::string wide = type({n, g.c}), narrow = type({n, g.hidden});
    std::string hidden = alloc({n, g.hidden}, images());
    fill(hidden, narrow);
    add("linalg.matmul ins(" + pool + ", %w1 : " + wide + ", " +
        type({g.c, g.hidden}) + ") outs(" + hidden + " : " + narrow + ")");
    relu(hidden, narrow, 2);
    std::string out = alloc({n, g.c}, images());
    fill(out, wide);
    add("linalg.matmul ins(" + hidden + ", %w2 : " + narrow + ", " +
        type({g.hidden, g.c}) + ") outs(" + out + " : " + wide + ")");
    return out;
  }

  std::string countImages(const std::string &pool, const std::string &type) {
    if (n < 0)
      add("%n = memref.dim " + pool + ", %c0 : " + type);
    return pool;
  }

  void channelGate(const std::string &init) {
    std::string xs = type(xSizes()), ps = type({n, g.c});
    bool two = g.kind == Gate::CBAM;
    bool residual = g.hasResidual && !two;
    add("attn.gate ins(" +
        std::string(residual ? "%x, %r : " + xs + ", " : "%x : ") + xs +
        ") outs(" + init + " : " + xs +
        ") dimensions = " + (g.isNHWC ? "[1, 2]" : "[2, 3]") +
        " pools = " + (two ? "[avg, max]" : "[avg]") +
        " excite {\n^bb0(%p: " + ps + (two ? ", %m: " + ps : "") + "):");
    countImages("%p", ps);
    std::string out;
    if (g.kind == Gate::ECA) {
      out = bandOf("%p");
    } else {
      out = perceptron("%p");
      if (two) {
        std::string other = perceptron("%m");
        add("linalg.add ins(" + out + ", " + other + " : " + ps + ", " + ps +
            ") outs(" + out + " : " + ps + ")");
      }
    }
    sigmoid(out, ps, 2);
    add("attn.yield " + out + " : " + ps + "\n}");
    addEpilogue(residual);
  }

  /// A convolution of three channels, padded by one.
  std::string bandOf(const std::string &pool) {
    Sizes padded{n, 1, g.c + 2};
    std::string band = alloc(padded, images());
    fill(band, type(padded));
    std::string inner = name(), flat = name(), wide = name(), out = name();
    std::string count = n < 0 ? "%n" : std::to_string(n);
    std::string strided =
        llvm::formatv("memref<{0}x{1}x{2}, strided<[{3}, 1], offset: 1>>",
                      n < 0 ? "?" : count, g.c, g.element, g.c + 2);
    add(inner + " = memref.subview " + band + "[0, 0, 1] [" + count + ", 1, " +
        std::to_string(g.c) + "] [1, 1, 1] : " + type(padded) + " to " +
        strided);
    add("memref.copy " + pool + ", " + inner + " : " + type({n, g.c}) + " to " +
        strided);
    std::string made = alloc({n, 1, g.c}, images());
    fill(made, type({n, 1, g.c}));
    add("linalg.conv_1d_ncw_fcw {dilations = dense<1> : tensor<1xi64>, strides "
        "= dense<1> : tensor<1xi64>} ins(" +
        band + ", %w1 : " + type(padded) + ", " + type({1, 1, 3}) + ") outs(" +
        made + " : " + type({n, 1, g.c}) + ")");
    add(out + " = memref.collapse_shape " + made +
        " [[0], [1, 2]] : " + type({n, 1, g.c}) + " into " + type({n, g.c}));
    return out;
  }

  /// 7 × 7 over mean and maximum of the channels, padded by three.
  void spatialGate(const std::string &x, const std::string &init) {
    std::string xs = type(xSizes()), ps = type({n, h, w});
    std::string ins = x + (g.hasResidual ? ", %r" : ""), types = xs;
    if (g.hasResidual)
      types += ", " + xs;
    add("attn.gate ins(" + ins + " : " + types + ") outs(" + init + " : " + xs +
        ") dimensions = " + (g.isNHWC ? "[3]" : "[1]") +
        " pools = [avg, max] excite {\n^bb0(%p: " + ps + ", %m: " + ps + "):");
    countImages("%p", ps);
    std::string hs = std::to_string(g.h), ws = std::to_string(g.w);
    if (h < 0) {
      add("%h = memref.dim %p, %c1 : " + ps);
      add("%w = memref.dim %p, %c2 : " + ps);
      add("%hp = affine.apply affine_map<(d) -> (d + 6)>(%h)");
      add("%wp = affine.apply affine_map<(d) -> (d + 6)>(%w)");
      hs = "%h", ws = "%w";
    }
    Sizes padded{n, 2, h < 0 ? -1 : h + 6, w < 0 ? -1 : w + 6};
    std::string band = alloc(padded, imagesAnd("%hp", "%wp"));
    fill(band, type(padded));
    std::string count = n < 0 ? "%n" : std::to_string(n);
    for (int channel : {0, 1}) {
      std::string strided;
      if (h < 0)
        strided = "memref<" + (n < 0 ? std::string("?") : count) + "x?x?x" +
                  g.element + ", strided<[?, ?, 1], offset: ?>>";
      else
        strided = llvm::formatv(
            "memref<{0}x{1}x{2}x{3}, strided<[{4}, {5}, 1], offset: {6}>>",
            n < 0 ? "?" : count, h, w, g.element, 2 * (h + 6) * (w + 6), w + 6,
            (channel * (h + 6) + 3) * (w + 6) + 3);
      std::string inner = name();
      add(inner + " = memref.subview " + band + "[0, " +
          std::to_string(channel) + ", 3, 3] [" + count + ", 1, " + hs + ", " +
          ws + "] [1, 1, 1, 1] : " + type(padded) + " to " + strided);
      add("memref.copy " + std::string(channel ? "%m" : "%p") + ", " + inner +
          " : " + ps + " to " + strided);
    }
    Sizes outSizes{n, 1, h, w};
    std::string made = alloc(outSizes, imagesAnd("%h", "%w"));
    fill(made, type(outSizes));
    add("linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, "
        "strides = dense<1> : tensor<2xi64>} ins(" +
        band + ", %ws : " + type(padded) + ", " + type({1, 2, 7, 7}) +
        ") outs(" + made + " : " + type(outSizes) + ")");
    std::string out = name();
    add(out + " = memref.collapse_shape " + made +
        " [[0], [1, 2], [3]] : " + type(outSizes) + " into " + ps);
    sigmoid(out, ps, 3);
    add("attn.yield " + out + " : " + ps + "\n}");
    addEpilogue(g.hasResidual);
  }

  void addEpilogue(bool has) {
    if (has)
      add(llvm::formatv("epilogue {{\n^bb0(%a: {0}, %b: {0}, %c: {0}):\n"
                        "%s = arith.mulf %a, %b : {0}\n"
                        "%t = arith.addf %s, %c : {0}\n"
                        "%u = arith.maximumf %t, %zero : {0}\n"
                        "attn.yield %u : {0}\n}",
                        g.element));
  }

  Sizes xSizes() const {
    return g.isNHWC ? Sizes{n, h, w, g.c} : Sizes{n, g.c, h, w};
  }
};

} // namespace

std::string print(const Gate &gate) {
  Printer p{gate, {}};
  std::string xs = p.type(p.xSizes());
  std::string w1 = gate.kind == Gate::ECA ? p.type({1, 1, 3})
                                          : p.type({gate.c, gate.hidden});
  p.add("func.func @main(%x: " + xs + ", %r: " + xs + ", %w1: " + w1 +
        ", %w2: " + p.type({gate.hidden, gate.c}) +
        ", %ws: " + p.type({1, 2, 7, 7}) + ", %y: " + xs + ") {");
  p.add("%zero = arith.constant 0.0 : " + gate.element);
  p.add("%one = arith.constant 1.0 : " + gate.element);
  for (std::string index : {"0", "1", "2"})
    p.add("%c" + index + " = arith.constant " + index + " : index");
  std::string init = gate.isInPlace ? "%x" : "%y";
  if (gate.hasChannelGate())
    p.channelGate(init);
  if (gate.hasSpatialGate())
    p.spatialGate(gate.hasChannelGate() ? init : "%x", init);
  p.add("return\n}");
  return p.text;
}

std::vector<Gate> gates() {
  std::vector<Gate> all;
  auto add = [&](const char *name, Gate::Kind kind) -> Gate & {
    all.emplace_back();
    all.back().name = name;
    all.back().kind = kind;
    return all.back();
  };
  auto sized = [&](const char *name, Gate::Kind kind, int64_t n, int64_t c,
                   int64_t h, int64_t w) -> Gate & {
    Gate &gate = add(name, kind);
    gate.n = n, gate.c = c, gate.h = h, gate.w = w;
    return gate;
  };
  add("se", Gate::SE);
  add("se_in_place", Gate::SE).isInPlace = true;
  add("se_f16", Gate::SE).element = "f16";
  add("se_bf16_nhwc", Gate::SE).element = "bf16";
  all.back().isNHWC = true;
  add("se_nhwc", Gate::SE).isNHWC = true;
  sized("se_7x7", Gate::SE, 3, 40, 7, 7);
  sized("se_7x7_f16_in_place", Gate::SE, 1, 64, 7, 7).element = "f16";
  all.back().isInPlace = true;
  sized("se_odd", Gate::SE, 1, 5, 3, 3).hidden = 2;
  sized("se_odd_nhwc", Gate::SE, 2, 37, 3, 5).isNHWC = true;
  sized("se_long_rows", Gate::SE, 1, 9, 96, 96).hidden = 3;
  // More weights than each block would read again.
  sized("se_wide", Gate::SE, 2, 320, 4, 4).hidden = 40;
  add("se_residual", Gate::SE).hasResidual = true;
  add("se_dynamic_images", Gate::SE).hasDynamicImages = true;
  add("se_dynamic", Gate::SE).hasDynamicImages = true;
  all.back().hasDynamicSizes = true;
  sized("se_dynamic_odd", Gate::SE, 1, 7, 5, 9).hasDynamicSizes = true;
  add("eca", Gate::ECA);
  add("eca_bf16", Gate::ECA).element = "bf16";
  sized("eca_nhwc_dynamic", Gate::ECA, 3, 48, 5, 6).isNHWC = true;
  all.back().hasDynamicImages = all.back().hasDynamicSizes = true;
  add("spatial", Gate::Spatial);
  add("spatial_nhwc", Gate::Spatial).isNHWC = true;
  add("spatial_in_place_residual", Gate::Spatial).isInPlace = true;
  all.back().hasResidual = true;
  sized("spatial_large", Gate::Spatial, 1, 12, 40, 36);
  add("spatial_dynamic", Gate::Spatial).hasDynamicImages = true;
  all.back().hasDynamicSizes = true;
  add("cbam", Gate::CBAM).isInPlace = true;
  add("cbam_out_of_place", Gate::CBAM);
  add("cbam_nhwc", Gate::CBAM).isNHWC = true;
  add("cbam_f16_residual", Gate::CBAM).element = "f16";
  all.back().isInPlace = all.back().hasResidual = true;
  sized("cbam_dynamic", Gate::CBAM, 2, 20, 9, 7).isInPlace = true;
  all.back().hasDynamicImages = all.back().hasDynamicSizes = true;
  return all;
}

} // namespace heed::test
