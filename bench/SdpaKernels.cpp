// SdpaKernels.cpp - attention: full, causal, windowed, with one query, in bf16.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "bench/Kernel.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace heed::bench {
namespace {

struct Sdpa {
  int64_t batch, heads, queries, keys, size;
  std::string attributes = ""; // causal, window
  std::string type = "f32";

  double flops(double scores) const {
    return 4.0 * batch * heads * scores * size;
  }

  std::string text() const {
    return fill(R"(
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!q = tensor<$Bx$Hx$Ix$Dx$T>
!k = tensor<$Bx$Hx$Jx$Dx$T>
func.func @main(%q: !q, %k: !k, %v: !k) -> !q {
  %e = tensor.empty() : !q
  %o = attn.sdpa ins(%q, %k, %v : !q, !k, !k) outs(%e : !q)
      maps = [#q, #k, #v, #o] {$A scale = 1.25e-01 : f64} -> !q
  return %o : !q
})",
                {{"B", std::to_string(batch)},
                 {"H", std::to_string(heads)},
                 {"I", std::to_string(queries)},
                 {"J", std::to_string(keys)},
                 {"D", std::to_string(size)},
                 {"T", type},
                 {"A", attributes}});
  }
};

void addFull(std::vector<Kernel> &list, const Sdpa &sdpa) {
  bool bf16 = sdpa.type == "bf16";
  list.push_back(
      {formatv("{0}/b{1}/h{2}/s{3}/d{4}", bf16 ? "sdpa_bf16" : "sdpa",
               sdpa.batch, sdpa.heads, sdpa.queries, sdpa.size),
       [sdpa] { return sdpa.text(); },
       sdpa.flops(double(sdpa.queries) * sdpa.keys),
       bf16 ? Limit::dotBf16 : Limit::fma});
}

/// Key j ≤ query i: half of the scores, and half the diagonal.
void addCausal(std::vector<Kernel> &list, int64_t heads, int64_t s, int64_t d) {
  Sdpa sdpa{1, heads, s, s, d, "causal = #attn.causal<top_left>,"};
  list.push_back({formatv("sdpa_causal/h{0}/s{1}/d{2}", heads, s, d),
                  [sdpa] { return sdpa.text(); }, sdpa.flops(0.5 * s * (s + 1)),
                  Limit::fma});
}

/// |i − j| ≤ w: 2w + 1 scores a query, less the two corners.
void addWindow(std::vector<Kernel> &list, int64_t heads, int64_t s, int64_t d,
               int64_t w) {
  Sdpa sdpa{1, heads, s,
            s, d,     formatv("window = array<i64: {0}, {0}>,", w).str()};
  list.push_back({formatv("sdpa_window{0}/h{1}/s{2}/d{3}", w, heads, s, d),
                  [sdpa] { return sdpa.text(); },
                  sdpa.flops((2.0 * w + 1) * s - w * (w + 1.0)), Limit::fma});
}

/// One query: K and V are read once, and hardly anything is computed.
void addDecode(std::vector<Kernel> &list, int64_t heads, int64_t keys,
               int64_t d) {
  Sdpa sdpa{1, heads, 1, keys, d};
  list.push_back({formatv("sdpa_decode/h{0}/kv{1}/d{2}", heads, keys, d),
                  [sdpa] { return sdpa.text(); },
                  2.0 * heads * keys * d * sizeof(float), Limit::read});
}

} // namespace

std::vector<Kernel> sdpaKernels() {
  std::vector<Kernel> list;
  for (int64_t d : {32, 64, 80, 96, 128})
    for (int64_t s : {128, 197, 512, 1024, 2048})
      for (int64_t heads : {1, 8, 12, 32})
        addFull(list, {1, heads, s, s, d});
  addFull(list, {8, 12, 128, 128, 64});
  for (int64_t s : {512, 1024, 2048, 4096})
    for (int64_t d : {64, 128}) {
      addCausal(list, 8, s, d);
      addWindow(list, 8, s, d, 64);
    }
  addFull(list, {1, 8, 4096, 4096, 64}); // what the two above are compared with
  addFull(list, {1, 8, 4096, 4096, 128});
  for (int64_t keys : {256, 1024, 4096, 8192})
    for (int64_t d : {64, 128})
      for (int64_t heads : {16, 32})
        addDecode(list, heads, keys, d);
  for (int64_t s : {128, 512, 2048})
    for (int64_t d : {64, 128})
      addFull(list, {1, 12, s, s, d, "", "bf16"});
  return list;
}

} // namespace heed::bench
