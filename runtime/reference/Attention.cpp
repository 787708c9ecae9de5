// Attention.cpp - reference softmax, gate and scaled dot-product attention
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/reference/Reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heed::reference {

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor softmax(const Tensor &x, int64_t axis) {
  Tensor y(x.shape);
  if (x.size() == 0)
    return y;
  size_t a = static_cast<size_t>(axis);
  Shape lines = x.shape;
  lines[a] = 1;
  Shape index(x.shape.size(), 0);
  do {
    Shape at = index;
    double max = -kInfinity, sum = 0;
    for (at[a] = 0; at[a] < x.shape[a]; ++at[a])
      max = std::max(max, x.at(at));
    for (at[a] = 0; at[a] < x.shape[a]; ++at[a])
      sum += y.at(at) = std::exp(x.at(at) - max);
    for (at[a] = 0; at[a] < x.shape[a]; ++at[a])
      y.at(at) /= sum;
  } while (next(index, lines));
  return y;
}

Tensor
gate(const Tensor &x, const std::vector<int64_t> &dims,
     const std::vector<Pool> &pools,
     const std::function<Tensor(const std::vector<Tensor> &)> &excite,
     const std::vector<Tensor> &extras,
     const std::function<double(double, double, const std::vector<double> &)>
         &epilogue) {
  std::vector<Tensor> pooled;
  for (Pool kind : pools)
    pooled.push_back(reduce(x, kind, dims));
  Tensor g = excite(pooled), y(x.shape);
  if (x.size() == 0)
    return y;
  Shape index(x.shape.size(), 0);
  do {
    Shape at;
    for (int64_t i = 0; i < x.rank(); ++i)
      if (std::find(dims.begin(), dims.end(), i) == dims.end())
        at.push_back(index[static_cast<size_t>(i)]);
    std::vector<double> more;
    for (const Tensor &extra : extras)
      more.push_back(extra.at(index));
    y.at(index) = epilogue(x.at(index), g.at(at), more);
  } while (next(index, x.shape));
  return y;
}

/// t[b, h, i, j], where dims of size 1 broadcast.
static double broadcastAt(const Tensor &t, Shape index) {
  for (size_t d = 0; d < index.size(); ++d)
    if (t.shape[d] == 1)
      index[d] = 0;
  return t.at(index);
}

static bool attends(const SdpaParams &p, int64_t b, int64_t h, int64_t i,
                    int64_t j, int64_t queries, int64_t keys) {
  int64_t offset = p.causal == Causal::BottomRight ? keys - queries : 0;
  if (p.causal != Causal::None && j > i + offset)
    return false;
  if (p.windowLeft >= 0 && j < i + offset - p.windowLeft)
    return false;
  if (p.windowRight >= 0 && j > i + offset + p.windowRight)
    return false;
  if (p.kvLength &&
      static_cast<double>(j) >= p.kvLength->data[static_cast<size_t>(b)])
    return false;
  return !p.mask || broadcastAt(*p.mask, {b, h, i, j}) != 0.0;
}

SdpaResult sdpa(const Tensor &q, const Tensor &k, const Tensor &v,
                const SdpaParams &p) {
  int64_t heads = q.shape[1], queries = q.shape[2], keys = k.shape[2];
  int64_t depth = q.shape[3], width = v.shape[3];
  int64_t group = heads / k.shape[1];
  SdpaResult result{Tensor({q.shape[0], heads, queries, width}),
                    Tensor({q.shape[0], heads, queries})};
  Shape at(3, 0), rows = result.lse.shape;
  if (elements(rows) == 0)
    return result;
  do {
    int64_t b = at[0], h = at[1], i = at[2];
    std::vector<double> s(static_cast<size_t>(keys), -kInfinity);
    for (int64_t j = 0; j < keys; ++j) {
      if (!attends(p, b, h, i, j, queries, keys))
        continue;
      double score = 0;
      for (int64_t d = 0; d < depth; ++d)
        score += q.at({b, h, i, d}) * k.at({b, h / group, j, d});
      score *= p.scale;
      if (p.softcap != 0.0)
        score = p.softcap * std::tanh(score / p.softcap);
      if (p.bias)
        score += broadcastAt(*p.bias, {b, h, i, j});
      if (p.score)
        score = p.score(score, b, h, i, j);
      s[static_cast<size_t>(j)] = score;
    }
    double max = -kInfinity, sum = 0;
    for (double score : s)
      max = std::max(max, score);
    bool masked = max == -kInfinity;
    for (double &score : s) {
      score = masked ? 1.0 : std::exp(score - max);
      sum += score;
    }
    result.lse.at(at) = masked ? -kInfinity : max + std::log(sum);
    for (int64_t e = 0; e < width; ++e) {
      double o = 0;
      for (int64_t j = 0; j < keys; ++j)
        o += s[static_cast<size_t>(j)] / sum * v.at({b, h / group, j, e});
      if (masked && p.maskedRows == MaskedRows::NaN)
        o = std::numeric_limits<double>::quiet_NaN();
      if (masked && p.maskedRows == MaskedRows::Zero)
        o = 0;
      result.o.at({b, h, i, e}) = o;
    }
  } while (next(at, rows));
  return result;
}

} // namespace heed::reference
