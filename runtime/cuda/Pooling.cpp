// Pooling.cpp - average and maximum pooling by cuDNN
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/DnnTensor.h"

#include <algorithm>

namespace heed::cuda {

using runtime::OperandRole;
using runtime::PostOpKind;
using runtime::PrimitiveKind;

namespace {
struct PoolingCall : LibraryCall {
  PoolingCall(Session &session, const Site &site)
      : cudnn(session.cudnn()), sourceIndex(indexOf(site, OperandRole::Source)),
        destinationIndex(indexOf(site, OperandRole::Destination)) {}

  void run(const std::vector<DevicePointer> &operands) override {
    float zero = 0;
    cudnn.check(cudnn.pool(cudnn.handle, pooling.get(), &factor, source.get(),
                           operands[sourceIndex], &zero, destination.get(),
                           operands[destinationIndex]),
                "cudnnPoolingForward");
  }

  const Cudnn &cudnn;
  size_t sourceIndex, destinationIndex;
  float factor = 1; // of the result
  DnnHandle pooling{nullptr, nullptr}, source{nullptr, nullptr},
      destination{nullptr, nullptr};
};
} // namespace

static int modeOf(PrimitiveKind kind) {
  return kind == PrimitiveKind::PoolMax   ? kPoolMax
         : kind == PrimitiveKind::PoolAvg ? kPoolAverage
                                          : kPoolAverageIncludePad;
}

Placed placePooling(Session &session, const Site &site,
                    const std::vector<View> &views) {
  float factor = 1;
  for (const runtime::PostOp &op : site.postOps) {
    if (op.kind != PostOpKind::Linear || op.beta != 0)
      return {nullptr, "expected a pooling with at most a factor behind it"};
    factor *= op.alpha;
  }
  if (site.padLow != site.padHigh)
    return {nullptr, "expected a pooling with the same padding on both sides"};
  if (std::any_of(site.dilations.begin(), site.dilations.end(),
                  [](int64_t dilation) { return dilation != 1; }))
    return {nullptr, "expected a pooling without dilations"};
  View source = widened(views[indexOf(site, OperandRole::Source)]);
  View destination = widened(views[indexOf(site, OperandRole::Destination)]);
  auto call = std::make_unique<PoolingCall>(session, site);
  call->factor = factor;
  const Cudnn &cudnn = call->cudnn;
  call->source = makeTensor(cudnn, site.element, source);
  call->destination = makeTensor(cudnn, site.element, destination);
  void *made = nullptr;
  cudnn.check(cudnn.poolingCreate(&made), "cudnnCreatePoolingDescriptor");
  call->pooling = DnnHandle(made, cudnn.poolingDestroy);
  std::vector<int> window = toInts(widened(site.kernel, 1)),
                   pads = toInts(widened(site.padLow, 0)),
                   strides = toInts(widened(site.strides, 1));
  cudnn.check(cudnn.poolingSet(made, modeOf(site.kind), kPropagateNan,
                               static_cast<int>(window.size()), window.data(),
                               pads.data(), strides.data()),
              "cudnnSetPoolingNdDescriptor");
  return {std::move(call), ""};
}

} // namespace heed::cuda
