// Window.cpp - the sliding window that convolutions and pooling share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Window.h"

using namespace mlir;

namespace heed::import {

static SmallVector<int64_t> readInts(Node &n, StringRef name, size_t count,
                                     int64_t fallback, int64_t low) {
  auto given = n.intsAttr(name);
  if (!given || given->empty())
    return SmallVector<int64_t>(count, fallback);
  if (given->size() != count)
    fail("attribute " + quoted(name) + " has " + Twine(given->size()) +
         " entries, expected " + Twine(count));
  for (int64_t v : *given)
    if (v < low || v > 1 << 20)
      fail("attribute " + quoted(name) + " holds " + Twine(v));
  return *given;
}

Window readWindow(Node &n, ArrayRef<int64_t> kernel, ArrayRef<Sym> sizes) {
  Emitter &e = n.e;
  size_t count = sizes.size();
  Window w;
  w.kernel.assign(kernel.begin(), kernel.end());
  if (auto given = n.intsAttr("kernel_shape");
      given && ArrayRef<int64_t>(*given) != kernel)
    fail("attribute 'kernel_shape' does not fit the weights");
  for (int64_t k : kernel)
    if (k < 1 || k > 1 << 20)
      fail("a kernel size is " + Twine(k));
  w.strides = readInts(n, "strides", count, 1, 1);
  w.dilations = readInts(n, "dilations", count, 1, 1);
  w.ceilMode = n.intAttr("ceil_mode", 0);
  SmallVector<int64_t> pads = readInts(n, "pads", 2 * count, 0, 0);
  std::string autoPad = n.stringAttr("auto_pad", "NOTSET");
  for (size_t d = 0; d < count; ++d) {
    Sym reach((kernel[d] - 1) * w.dilations[d] + 1), stride(w.strides[d]);
    Sym low(pads[d]), high(pads[d + count]), output;
    if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
      output = e.syms.ceilDiv(sizes[d], stride);
      Sym total = e.syms.max((output - Sym(1)) * stride + reach - sizes[d], 0);
      Sym half = e.syms.floorDiv(total, 2);
      low = autoPad == "SAME_UPPER" ? half : total - half;
      high = total - low;
    } else if (autoPad == "NOTSET" || autoPad == "VALID" || autoPad.empty()) {
      if (autoPad == "VALID")
        low = high = Sym(0);
      Sym room = sizes[d] + low + high - reach;
      if (auto c = room.constant(); c && *c < 0)
        fail("the kernel is larger than the padded input");
      output = e.syms.floorDiv(room, stride) + Sym(1);
      if (w.ceilMode) {
        // One more window where the rest is not empty and the window starts
        // inside of the input or its low pad.
        Sym ceil = e.syms.ceilDiv(room, stride) + Sym(1);
        Sym inside = e.syms.ceilDiv(sizes[d] + low, stride);
        output = e.syms.min(ceil, inside);
        Sym end = (output - Sym(1)) * stride + reach - sizes[d] - low;
        high = e.syms.max(end, high);
      }
    } else {
      fail("attribute 'auto_pad' is " + quoted(autoPad));
    }
    output = e.canonical(output);
    e.requireAtLeast(output, 0, "the kernel is larger than the padded input");
    w.outputs.push_back(output);
    w.low.push_back(low);
    w.high.push_back(e.canonical(high));
  }
  return w;
}

Tensor padded(Emitter &e, const Tensor &x, const Window &window, Value value) {
  SmallVector<Sym> low(2, Sym(0)), high(2, Sym(0));
  low.append(window.low.begin(), window.low.end());
  high.append(window.high.begin(), window.high.end());
  return e.pad(x, low, high, value);
}

} // namespace heed::import
