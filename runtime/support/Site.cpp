// Site.cpp - decodes site records and call words
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Site.h"

#include <cstring>
#include <stdexcept>

namespace heed::runtime {

namespace {
/// Reads words one after the other.
struct Reader {
  const int64_t *words;
  int64_t word() { return *words++; }
  Dims dims(int64_t count) {
    Dims list(words, words + count);
    words += count;
    return list;
  }
  float number() {
    int64_t bits = word();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<float>(value);
  }
};
} // namespace

Site decodeSite(const int64_t *record) {
  Reader reader{record};
  if (int64_t version = reader.word(); version != kSiteVersion)
    throw std::runtime_error("compiled for another version of the runtime");
  Site site;
  site.kind = static_cast<PrimitiveKind>(reader.word());
  site.element = static_cast<ElementKind>(reader.word());
  int64_t spatial = reader.word(), operands = reader.word();
  int64_t postOps = reader.word();
  for (Dims *list : {&site.strides, &site.dilations, &site.padLow,
                     &site.padHigh, &site.kernel})
    *list = reader.dims(spatial);
  for (int64_t i = 0; i < operands; ++i) {
    Operand operand;
    operand.role = static_cast<OperandRole>(reader.word());
    operand.constant = reader.word() != 0;
    operand.rank = reader.word();
    operand.layout = reader.dims(reader.word());
    site.shapeWords += 2 * static_cast<size_t>(operand.rank);
    site.operands.push_back(std::move(operand));
  }
  for (int64_t i = 0; i < postOps; ++i) {
    PostOp postOp;
    postOp.kind = static_cast<PostOpKind>(reader.word());
    postOp.alpha = reader.number();
    postOp.beta = reader.number();
    postOp.operand = reader.word();
    site.postOps.push_back(postOp);
  }
  return site;
}

int64_t Site::find(OperandRole role) const {
  for (size_t i = 0; i < operands.size(); ++i)
    if (operands[i].role == role)
      return static_cast<int64_t>(i);
  return -1;
}

int64_t View::elements() const {
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size;
  return count;
}

std::vector<View> makeViews(const Site &site, const int64_t *shapes) {
  std::vector<View> views;
  for (const Operand &operand : site.operands) {
    const int64_t *sizes = shapes, *strides = shapes + operand.rank;
    shapes += 2 * operand.rank;
    size_t dims = operand.layout.size();
    View view{Dims(dims, 1), Dims(dims, 1)};
    // From the last dim on, so that a dim without memory can take the stride
    // that it would have in front of the dim after it; oneDNN recognises
    // layouts by the strides of such dims too.
    for (size_t i = dims; i-- > 0;) {
      int64_t from = operand.layout[i];
      if (from >= 0) {
        view.sizes[i] = sizes[from];
        view.strides[i] = strides[from];
      } else if (i + 1 < dims) {
        view.strides[i] = view.strides[i + 1] * view.sizes[i + 1];
      }
    }
    views.push_back(std::move(view));
  }
  return views;
}

} // namespace heed::runtime
