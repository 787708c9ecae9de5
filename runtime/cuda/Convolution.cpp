// Convolution.cpp - convolutions and transposed convolutions by cuDNN
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cuDNN has channels in front of the positions or behind them, the same padding
// on both sides, and weights without gaps in the format of the tensors. What
// lies otherwise is copied, padded if need be. A transposed convolution is the
// gradient of a convolution by its data: its weights are g i o k… there.

#include "runtime/cuda/DnnTensor.h"

#include <optional>
#include <utility>

namespace heed::cuda {

using runtime::ElementKind;
using runtime::OperandRole;
using runtime::PrimitiveKind;

/// What a convolution may take from the pool.
static constexpr size_t kMaxWorkspaceBytes = size_t(512) << 20;

namespace {
class ConvolutionCall : public LibraryCall {
public:
  ConvolutionCall(Session &session, const Site &site, DnnOperand source,
                  DnnOperand weights, DnnOperand destination)
      : session(session), cudnn(session.cudnn()),
        isTransposed(site.kind == PrimitiveKind::Deconvolution),
        sourceIndex(indexOf(site, OperandRole::Source)),
        weightsIndex(indexOf(site, OperandRole::Weights)),
        destinationIndex(indexOf(site, OperandRole::Destination)),
        biasIndex(site.find(OperandRole::Bias)), source(std::move(source)),
        weights(std::move(weights)), destination(std::move(destination)) {}

  void run(const std::vector<DevicePointer> &operands) override {
    DeviceScratch sourceScratch(session, source.scratchBytes);
    DeviceScratch weightsScratch(session, weights.scratchBytes);
    DeviceScratch destinationScratch(session, destination.scratchBytes);
    DeviceScratch workspace(session,
                            static_cast<int64_t>(choice.workspaceBytes));
    source.copyIn(operands[sourceIndex], sourceScratch);
    weights.copyIn(operands[weightsIndex], weightsScratch);
    DevicePointer x = source.in(operands[sourceIndex], sourceScratch);
    DevicePointer w = weights.in(operands[weightsIndex], weightsScratch);
    DevicePointer y =
        destination.in(operands[destinationIndex], destinationScratch);
    float one = 1, zero = 0;
    if (isTransposed)
      cudnn.check(cudnn.backward(cudnn.handle, &one, filter.get(), w,
                                 source.tensor.get(), x, convolution.get(),
                                 choice.algorithm, workspace.address,
                                 choice.workspaceBytes, &zero,
                                 destination.tensor.get(), y),
                  "cudnnConvolutionBackwardData");
    else
      cudnn.check(cudnn.forward(cudnn.handle, &one, source.tensor.get(), x,
                                filter.get(), w, convolution.get(),
                                choice.algorithm, workspace.address,
                                choice.workspaceBytes, &zero,
                                destination.tensor.get(), y),
                  "cudnnConvolutionForward");
    if (biasIndex >= 0)
      cudnn.check(cudnn.add(cudnn.handle, &one, bias.get(),
                            operands[static_cast<size_t>(biasIndex)], &one,
                            destination.tensor.get(), y),
                  "cudnnAddTensor");
    destination.copyOut(destinationScratch, operands[destinationIndex]);
  }

  Session &session;
  const Cudnn &cudnn;
  bool isTransposed;
  size_t sourceIndex, weightsIndex, destinationIndex;
  int64_t biasIndex;
  DnnOperand source, weights, destination;
  DnnHandle filter{nullptr, nullptr}, convolution{nullptr, nullptr},
      bias{nullptr, nullptr};
  ConvolutionChoice choice{};
};
} // namespace

/// g·o i k…, of a transposed convolution g·i o k…; none if the groups do not
/// step as their channels do.
static std::optional<View> filterOf(const View &weights, bool isTransposed) {
  View view = weights;
  if (isTransposed) {
    std::swap(view.sizes[1], view.sizes[2]);
    std::swap(view.strides[1], view.strides[2]);
  }
  if (view.sizes[0] != 1 && view.sizes[1] != 1 &&
      view.strides[0] != view.strides[1] * view.sizes[1])
    return std::nullopt;
  if (view.sizes[1] == 1)
    view.strides[1] = view.strides[0];
  view.sizes[1] *= view.sizes[0];
  view.sizes.erase(view.sizes.begin());
  view.strides.erase(view.strides.begin());
  return widened(view);
}

/// Channels behind the positions, where both tensors have them there.
static int formatOf(const View &source, const View &destination) {
  auto isLast = [](const View &view) {
    return view.sizes[1] == 1 || view.strides[1] == 1;
  };
  bool areOnes = source.sizes[1] == 1 && destination.sizes[1] == 1;
  return isLast(source) && isLast(destination) && !areOnes ? kFormatNhwc
                                                           : kFormatNchw;
}

/// Fills in the convolution, the filter and the algorithm; false if there is
/// none.
static bool choose(ConvolutionCall &call, const Site &site, int format,
                   int64_t groups, const Dims &pads) {
  const Cudnn &cudnn = call.cudnn;
  bool isF32 = site.element == ElementKind::F32;
  void *made = nullptr;
  cudnn.check(cudnn.convolutionCreate(&made),
              "cudnnCreateConvolutionDescriptor");
  call.convolution = DnnHandle(made, cudnn.convolutionDestroy);
  std::vector<int> padding = toInts(pads),
                   strides = toInts(widened(site.strides, 1)),
                   dilations = toInts(widened(site.dilations, 1));
  cudnn.check(cudnn.convolutionSet(
                  made, static_cast<int>(padding.size()), padding.data(),
                  strides.data(), dilations.data(), kCrossCorrelation, kDnnF32),
              "cudnnSetConvolutionNdDescriptor");
  cudnn.check(cudnn.convolutionSetGroups(made, static_cast<int>(groups)),
              "cudnnSetConvolutionGroupCount");
  cudnn.check(cudnn.convolutionSetMath(made, isF32 ? kMathFma : kMathTensorOp),
              "cudnnSetConvolutionMathType");
  cudnn.check(cudnn.filterCreate(&made), "cudnnCreateFilterDescriptor");
  call.filter = DnnHandle(made, cudnn.filterDestroy);
  std::vector<int> sizes = toInts(call.weights.sizes);
  cudnn.check(cudnn.filterSet(made, dnnType(site.element), format,
                              static_cast<int>(sizes.size()), sizes.data()),
              "cudnnSetFilterNdDescriptor");

  ConvolutionChoice list[8];
  int found = 0;
  Status status =
      call.isTransposed
          ? cudnn.chooseBackward(cudnn.handle, call.filter.get(),
                                 call.source.tensor.get(),
                                 call.convolution.get(),
                                 call.destination.tensor.get(), 8, &found, list)
          : cudnn.chooseForward(cudnn.handle, call.source.tensor.get(),
                                call.filter.get(), call.convolution.get(),
                                call.destination.tensor.get(), 8, &found, list);
  if (status != 0)
    return false;
  // The fastest first. f32 stays f32: no TF32.
  for (int i = 0; i < found; ++i) {
    const ConvolutionChoice &choice = list[i];
    bool isExact =
        choice.math != kMathTensorOp && choice.math != kMathTensorOpConversion;
    if (choice.status != 0 || choice.workspaceBytes > kMaxWorkspaceBytes ||
        (isF32 && !isExact))
      continue;
    if (!isF32)
      cudnn.check(cudnn.convolutionSetMath(call.convolution.get(), choice.math),
                  "cudnnSetConvolutionMathType");
    call.choice = choice;
    return true;
  }
  return false;
}

Placed placeConvolution(Session &session, const Site &site,
                        const std::vector<View> &views) {
  if (!site.postOps.empty())
    return {nullptr,
            "expected a convolution with nothing but a bias behind it"};
  bool isTransposed = site.kind == PrimitiveKind::Deconvolution;
  View source = widened(views[indexOf(site, OperandRole::Source)]);
  View destination = widened(views[indexOf(site, OperandRole::Destination)]);
  const View &weights = views[indexOf(site, OperandRole::Weights)];
  std::optional<View> filter = filterOf(weights, isTransposed);
  if (!filter)
    return {nullptr, "expected groups of weights that follow each other"};
  int format = formatOf(source, destination);
  Dims low = widened(site.padLow, 0), high = widened(site.padHigh, 0);
  Dims none(low.size(), 0);
  // Unequal padding becomes part of the larger tensor.
  bool isEven = low == high;
  bool padSource = !isEven && !isTransposed,
       padResult = !isEven && isTransposed;
  DnnOperand x(session, site.element, source, format, padSource ? low : none,
               padSource ? high : none);
  DnnOperand w(session, site.element, *filter, format, {}, {});
  DnnOperand y(session, site.element, destination, format,
               padResult ? low : none, padResult ? high : none);
  auto call = std::make_unique<ConvolutionCall>(session, site, std::move(x),
                                                std::move(w), std::move(y));
  if (call->biasIndex >= 0) {
    const View &bias = views[static_cast<size_t>(call->biasIndex)];
    View wide{Dims(destination.sizes.size(), 1),
              Dims(destination.sizes.size(), 1)};
    wide.sizes[1] = bias.sizes[0];
    wide.strides[0] = bias.sizes[0] * bias.strides[0];
    wide.strides[1] = bias.strides[0];
    call->bias = makeTensor(call->cudnn, site.element, wide);
  }
  if (!choose(*call, site, format, weights.sizes[0], isEven ? low : none))
    return {nullptr, "expected a convolution that cuDNN has code for"};
  return {std::move(call), ""};
}

} // namespace heed::cuda
