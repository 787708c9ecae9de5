// FakeCudnn.cpp - cuDNN without a GPU: convolutions and poolings in loops
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// HEED_CUDNN names it. It asks for what the true one asks for: tensors of
// convolutions in NCHW or NHWC without gaps, filters in the same order, sizes
// that agree by the formula of cudnnGetConvolutionNdForwardOutputDim; and that
// tensors lie in one allocation of the device each.
#include "runtime/cuda/Library.h"
#include "tests/emulate/driver/FakeCuda.h"
#include "tests/emulate/driver/FakeElement.h"

#include <functional>
#include <limits>

using namespace heed::cuda;

namespace {
// cudnnStatus_t
enum : Status { kDnnBadParam = 2000, kDnnNotSupported = 3000 };

using Ints = std::vector<int64_t>;

/// cudaDataType_t of a cudnnDataType_t.
int dataType(int type) {
  return type == kDnnF32 ? kDataF32 : type == kDnnF16 ? kDataF16 : kDataBF16;
}

/// A tensor's descriptor, or a filter's, which has a format.
struct Tensor {
  int type = 0, format = -1;
  Ints sizes, strides;

  int64_t offset(const Ints &index) const {
    int64_t sum = 0;
    for (size_t i = 0; i < index.size(); ++i)
      sum += index[i] * strides[i];
    return sum;
  }
  bool isWithin(DevicePointer base) const {
    int64_t last = 0;
    for (size_t i = 0; i < sizes.size(); ++i)
      last += (sizes[i] - 1) * strides[i];
    std::lock_guard<std::mutex> lock(state().mutex);
    return state().holds(base, size_t(last + 1) * elementBytesOf(type));
  }
  double load(DevicePointer base, const Ints &index) const {
    return loadElement(base, type, offset(index));
  }
  void store(DevicePointer base, const Ints &index, double value) const {
    storeElement(base, type, offset(index), value);
  }
  void pack(int order) {
    std::vector<size_t> dims = {0};
    for (size_t dim = 2; dim < sizes.size(); ++dim)
      dims.push_back(dim);
    dims.insert(order == kFormatNhwc ? dims.end() : dims.begin() + 1, 1);
    strides.assign(sizes.size(), 1);
    int64_t count = 1;
    for (size_t i = dims.size(); i-- > 0;)
      strides[dims[i]] = count, count *= sizes[dims[i]];
  }
  bool isPacked(int order) const {
    Tensor other = *this;
    other.pack(order);
    for (size_t i = 0; i < sizes.size(); ++i)
      if (sizes[i] != 1 && strides[i] != other.strides[i])
        return false;
    return true;
  }
};

struct Convolution {
  Ints pads, strides, dilations;
  int64_t groups = 1;
  int math = 0;
};

struct Pooling {
  int mode = 0;
  Ints window, pads, strides;
};

Ints list(const int *values, int count) { return Ints(values, values + count); }

void forEach(const Ints &sizes, const std::function<void(const Ints &)> &body) {
  Ints index(sizes.size(), 0);
  for (;;) {
    body(index);
    size_t dim = sizes.size();
    while (dim > 0 && ++index[dim - 1] == sizes[dim - 1])
      index[--dim] = 0;
    if (dim == 0)
      return;
  }
}

/// Whether x, w and y are a convolution that the library has code for.
Status check(const Tensor &x, const Tensor &w, const Convolution &convolution,
             const Tensor &y) {
  if (x.sizes.size() < 4 || x.sizes.size() > 5 || w.format < 0 ||
      !x.isPacked(w.format) || !y.isPacked(w.format))
    return kDnnNotSupported;
  if (x.type != kDataF32 && convolution.math != kMathTensorOp)
    return kDnnNotSupported;
  if (x.type == kDataF32 && convolution.math != kMathFma)
    return kDnnNotSupported; // TF32
  bool agree = x.sizes[0] == y.sizes[0] &&
               x.sizes[1] == w.sizes[1] * convolution.groups &&
               y.sizes[1] == w.sizes[0] && w.sizes[0] % convolution.groups == 0;
  for (size_t i = 0; i + 2 < x.sizes.size(); ++i)
    agree &=
        y.sizes[2 + i] == (x.sizes[2 + i] + 2 * convolution.pads[i] -
                           convolution.dilations[i] * (w.sizes[2 + i] - 1) -
                           1) / convolution.strides[i] +
                              1;
  return agree ? 0 : kDnnBadParam;
}

/// Calls `body` with each product of an element of x and one of w, and where in
/// y it is added.
void forEachProduct(
    const Tensor &x, const Tensor &w, const Convolution &convolution,
    const Tensor &y,
    const std::function<void(const Ints &, const Ints &, const Ints &)> &body) {
  int64_t outputs = w.sizes[0] / convolution.groups;
  forEach(y.sizes, [&](const Ints &to) {
    Ints taps(w.sizes.begin() + 1, w.sizes.end());
    forEach(taps, [&](const Ints &tap) {
      Ints from = {to[0], to[1] / outputs * w.sizes[1] + tap[0]};
      Ints by = {to[1], tap[0]};
      for (size_t i = 0; i + 2 < x.sizes.size(); ++i) {
        int64_t at = to[2 + i] * convolution.strides[i] - convolution.pads[i] +
                     tap[1 + i] * convolution.dilations[i];
        if (at < 0 || at >= x.sizes[2 + i])
          return;
        from.push_back(at);
        by.push_back(tap[1 + i]);
      }
      body(from, by, to);
    });
  });
}

Status choose(Status status, int wanted, int *found,
              ConvolutionChoice *choices) {
  // The first has no code for the case, as happens; the second takes TF32.
  int count = 0;
  for (auto [state, math] : {std::pair<Status, int>{kDnnNotSupported, 0},
                             {0, kMathTensorOp},
                             {0, kMathFma}})
    if (count < wanted)
      choices[count++] = {count, status ? status : state, 1, 4096, 1, math, {}};
  *found = count;
  return 0;
}
} // namespace

#define DESCRIPTOR(title, Type)                                                \
  FAKE_CUDA_CALL cudnnCreate##title##Descriptor(void **made) {                 \
    *made = new Type();                                                        \
    return 0;                                                                  \
  }                                                                            \
  FAKE_CUDA_CALL cudnnDestroy##title##Descriptor(void *made) {                 \
    delete static_cast<Type *>(made);                                          \
    return 0;                                                                  \
  }
DESCRIPTOR(Tensor, Tensor)
DESCRIPTOR(Filter, Tensor)
DESCRIPTOR(Convolution, Convolution)
DESCRIPTOR(Pooling, Pooling)

FAKE_CUDA_CALL cudnnCreate(void **handle) {
  *handle = new int(0);
  return enter("cudnnCreate");
}
FAKE_CUDA_CALL cudnnDestroy(void *handle) {
  delete static_cast<int *>(handle);
  return 0;
}
FAKE_CUDA_CALL cudnnSetStream(void *, StreamHandle) { return 0; }
extern "C" __attribute__((visibility("default"))) const char *
cudnnGetErrorString(Status status) {
  return status == kDnnNotSupported ? "CUDNN_STATUS_NOT_SUPPORTED"
                                    : "CUDNN_STATUS_BAD_PARAM";
}

FAKE_CUDA_CALL cudnnSetTensorNdDescriptor(Tensor *tensor, int type, int dims,
                                          const int *sizes,
                                          const int *strides) {
  *tensor = {dataType(type), -1, list(sizes, dims), list(strides, dims)};
  return dims < 4 ? kDnnBadParam : 0;
}
FAKE_CUDA_CALL cudnnSetFilterNdDescriptor(Tensor *filter, int type, int format,
                                          int dims, const int *sizes) {
  *filter = {dataType(type), format, list(sizes, dims), {}};
  filter->pack(format);
  return 0;
}
FAKE_CUDA_CALL cudnnSetConvolutionNdDescriptor(Convolution *convolution,
                                               int dims, const int *pads,
                                               const int *strides,
                                               const int *dilations, int mode,
                                               int type) {
  convolution->pads = list(pads, dims);
  convolution->strides = list(strides, dims);
  convolution->dilations = list(dilations, dims);
  return dims < 2 || mode != kCrossCorrelation || type != kDnnF32 ? kDnnBadParam
                                                                  : 0;
}
FAKE_CUDA_CALL cudnnSetConvolutionGroupCount(Convolution *convolution,
                                             int groups) {
  convolution->groups = groups;
  return 0;
}
FAKE_CUDA_CALL cudnnSetConvolutionMathType(Convolution *convolution, int math) {
  convolution->math = math;
  return 0;
}
FAKE_CUDA_CALL cudnnSetPoolingNdDescriptor(Pooling *pooling, int mode, int,
                                           int dims, const int *window,
                                           const int *pads,
                                           const int *strides) {
  *pooling = {mode, list(window, dims), list(pads, dims), list(strides, dims)};
  for (int i = 0; i < dims; ++i)
    if (pads[i] >= window[i])
      return kDnnBadParam;
  return 0;
}

FAKE_CUDA_CALL cudnnGetConvolutionForwardAlgorithm_v7(
    void *, Tensor *x, Tensor *w, Convolution *convolution, Tensor *y,
    int wanted, int *found, ConvolutionChoice *choices) {
  return choose(check(*x, *w, *convolution, *y), wanted, found, choices);
}
FAKE_CUDA_CALL cudnnGetConvolutionBackwardDataAlgorithm_v7(
    void *, Tensor *w, Tensor *dy, Convolution *convolution, Tensor *dx,
    int wanted, int *found, ConvolutionChoice *choices) {
  return choose(check(*dx, *w, *convolution, *dy), wanted, found, choices);
}

FAKE_CUDA_CALL cudnnConvolutionForward(
    void *, const float *alpha, Tensor *x, DevicePointer xBase, Tensor *w,
    DevicePointer wBase, Convolution *convolution, int algorithm, DevicePointer,
    size_t bytes, const float *beta, Tensor *y, DevicePointer yBase) {
  if (Result result = enter("cudnnConvolutionForward", " "))
    return result;
  if (Status status = check(*x, *w, *convolution, *y))
    return status;
  if (*alpha != 1 || *beta != 0 || algorithm == 0 || bytes != 4096 ||
      !x->isWithin(xBase) || !w->isWithin(wBase) || !y->isWithin(yBase))
    return kDnnBadParam;
  std::map<int64_t, double> at;
  forEach(y->sizes, [&](const Ints &to) { at[y->offset(to)] = 0; });
  forEachProduct(*x, *w, *convolution, *y,
                 [&](const Ints &from, const Ints &by, const Ints &to) {
                   at[y->offset(to)] +=
                       x->load(xBase, from) * w->load(wBase, by);
                 });
  for (auto [offset, sum] : at)
    storeElement(yBase, y->type, offset, sum);
  return 0;
}

FAKE_CUDA_CALL cudnnConvolutionBackwardData(void *, const float *alpha,
                                            Tensor *w, DevicePointer wBase,
                                            Tensor *dy, DevicePointer dyBase,
                                            Convolution *convolution,
                                            int algorithm, DevicePointer,
                                            size_t bytes, const float *beta,
                                            Tensor *dx, DevicePointer dxBase) {
  if (Result result = enter("cudnnConvolutionBackwardData", " "))
    return result;
  if (Status status = check(*dx, *w, *convolution, *dy))
    return status;
  if (*alpha != 1 || *beta != 0 || algorithm == 0 || bytes != 4096 ||
      !dx->isWithin(dxBase) || !w->isWithin(wBase) || !dy->isWithin(dyBase))
    return kDnnBadParam;
  std::map<int64_t, double> at;
  forEach(dx->sizes, [&](const Ints &to) { at[dx->offset(to)] = 0; });
  forEachProduct(*dx, *w, *convolution, *dy,
                 [&](const Ints &from, const Ints &by, const Ints &to) {
                   at[dx->offset(from)] +=
                       dy->load(dyBase, to) * w->load(wBase, by);
                 });
  for (auto [offset, sum] : at)
    storeElement(dxBase, dx->type, offset, sum);
  return 0;
}

FAKE_CUDA_CALL cudnnAddTensor(void *, const float *alpha, Tensor *a,
                              DevicePointer aBase, const float *beta, Tensor *c,
                              DevicePointer cBase) {
  if (*alpha != 1 || *beta != 1 || !a->isWithin(aBase) || !c->isWithin(cBase))
    return kDnnBadParam;
  forEach(c->sizes, [&](const Ints &to) {
    Ints from = to;
    for (size_t i = 0; i < from.size(); ++i)
      if (a->sizes[i] == 1)
        from[i] = 0;
    c->store(cBase, to, c->load(cBase, to) + a->load(aBase, from));
  });
  return 0;
}

FAKE_CUDA_CALL cudnnTransformTensor(void *, const float *alpha, Tensor *x,
                                    DevicePointer xBase, const float *beta,
                                    Tensor *y, DevicePointer yBase) {
  if (Result result = enter("cudnnTransformTensor", " "))
    return result;
  if (*alpha != 1 || *beta != 0 || x->sizes != y->sizes || x->type != y->type ||
      !x->isWithin(xBase) || !y->isWithin(yBase))
    return kDnnBadParam;
  forEach(x->sizes, [&](const Ints &index) {
    y->store(yBase, index, x->load(xBase, index));
  });
  return 0;
}

FAKE_CUDA_CALL cudnnPoolingForward(void *, Pooling *pooling, const float *alpha,
                                   Tensor *x, DevicePointer xBase,
                                   const float *beta, Tensor *y,
                                   DevicePointer yBase) {
  if (Result result = enter("cudnnPoolingForward", " "))
    return result;
  if (*beta != 0 || !x->isWithin(xBase) || !y->isWithin(yBase))
    return kDnnBadParam;
  for (size_t i = 0; i + 2 < x->sizes.size(); ++i)
    if (y->sizes[2 + i] !=
        (x->sizes[2 + i] + 2 * pooling->pads[i] - pooling->window[i]) /
                pooling->strides[i] +
            1)
      return kDnnBadParam;
  bool isMax = pooling->mode == kPoolMax;
  forEach(y->sizes, [&](const Ints &to) {
    double sum = 0, most = -std::numeric_limits<double>::infinity();
    int64_t inside = 0, all = 0;
    forEach(pooling->window, [&](const Ints &tap) {
      ++all;
      Ints from = {to[0], to[1]};
      for (size_t i = 0; i < tap.size(); ++i)
        from.push_back(to[2 + i] * pooling->strides[i] - pooling->pads[i] +
                       tap[i]);
      for (size_t i = 2; i < from.size(); ++i)
        if (from[i] < 0 || from[i] >= x->sizes[i])
          return;
      ++inside;
      double value = x->load(xBase, from);
      sum += value;
      most = std::max(most, value);
    });
    int64_t count = pooling->mode == kPoolAverage ? inside : all;
    y->store(yBase, to, *alpha * (isMax ? most : sum / double(count)));
  });
  return 0;
}
