// DnnTensor.cpp - cuDNN's descriptors of tensors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/DnnTensor.h"

#include <limits>

namespace heed::cuda {

using runtime::ElementKind;

int dnnType(ElementKind kind) {
  return kind == ElementKind::F32   ? kDnnF32
         : kind == ElementKind::F16 ? kDnnF16
                                    : kDnnBF16;
}

View widened(View view) {
  while (view.sizes.size() < 4) {
    view.strides.push_back(1);
    view.sizes.push_back(1);
  }
  return view;
}

Dims widened(Dims dims, int64_t value) {
  if (dims.size() < 2)
    dims.resize(2, value);
  return dims;
}

Dims packedStrides(const Dims &sizes, int format) {
  std::vector<size_t> order = {0}; // outermost first
  for (size_t dim = 2; dim < sizes.size(); ++dim)
    order.push_back(dim);
  order.insert(format == kFormatNhwc ? order.end() : order.begin() + 1, 1);
  Dims strides(sizes.size());
  int64_t count = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = count;
    count *= sizes[order[i]];
  }
  return strides;
}

std::vector<int> toInts(const Dims &dims) {
  std::vector<int> list;
  for (int64_t dim : dims) {
    if (dim > std::numeric_limits<int>::max())
      throw Error{"expected sizes and strides below 2^31 for cuDNN, got " +
                  std::to_string(dim)};
    list.push_back(static_cast<int>(dim));
  }
  return list;
}

DnnHandle makeTensor(const Cudnn &cudnn, ElementKind kind, const View &view) {
  void *made = nullptr;
  cudnn.check(cudnn.tensorCreate(&made), "cudnnCreateTensorDescriptor");
  DnnHandle tensor(made, cudnn.tensorDestroy);
  std::vector<int> sizes = toInts(view.sizes), strides = toInts(view.strides);
  cudnn.check(cudnn.tensorSet(made, dnnType(kind),
                              static_cast<int>(sizes.size()), sizes.data(),
                              strides.data()),
              "cudnnSetTensorNdDescriptor");
  return tensor;
}

/// The strides of dims of size 1 say nothing.
static bool hasStrides(const View &view, const Dims &strides) {
  for (size_t dim = 0; dim < view.sizes.size(); ++dim)
    if (view.sizes[dim] != 1 && view.strides[dim] != strides[dim])
      return false;
  return true;
}

DnnOperand::DnnOperand(Session &session, ElementKind kind, const View &view,
                       int format, const Dims &low, const Dims &high)
    : sizes(view.sizes), session(session) {
  for (size_t i = 0; i < low.size(); ++i) {
    sizes[2 + i] += low[i] + high[i];
    isPadded |= low[i] != 0 || high[i] != 0;
  }
  View own{sizes, packedStrides(sizes, format)};
  const Cudnn &cudnn = session.cudnn();
  tensor = makeTensor(cudnn, kind, own);
  if (!isPadded && hasStrides(view, own.strides))
    return;
  scratchBytes = own.elements() * elementBytes(kind);
  for (size_t i = 0; i < low.size(); ++i)
    insideOffset += low[i] * own.strides[2 + i] * elementBytes(kind);
  given = makeTensor(cudnn, kind, view);
  inside = makeTensor(cudnn, kind, {view.sizes, own.strides});
}

DevicePointer DnnOperand::in(DevicePointer operand,
                             const DeviceScratch &scratch) const {
  return scratchBytes > 0 ? scratch.address : operand;
}

void DnnOperand::copy(void *from, DevicePointer source, void *to,
                      DevicePointer destination) const {
  const Cudnn &cudnn = session.cudnn();
  float one = 1, zero = 0;
  cudnn.check(
      cudnn.transform(cudnn.handle, &one, from, source, &zero, to, destination),
      "cudnnTransformTensor");
}

void DnnOperand::copyIn(DevicePointer operand,
                        const DeviceScratch &scratch) const {
  if (scratchBytes == 0)
    return;
  if (isPadded)
    session.device.check(session.device.driver->fillBytes(
                             scratch.address, 0,
                             static_cast<size_t>(scratchBytes), session.stream),
                         "cuMemsetD8Async");
  copy(given.get(), operand, inside.get(),
       scratch.address + static_cast<DevicePointer>(insideOffset));
}

void DnnOperand::copyOut(const DeviceScratch &scratch,
                         DevicePointer operand) const {
  if (scratchBytes > 0)
    copy(inside.get(),
         scratch.address + static_cast<DevicePointer>(insideOffset),
         given.get(), operand);
}

} // namespace heed::cuda
