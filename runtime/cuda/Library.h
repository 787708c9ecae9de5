// Library.h - the functions of cuBLASLt and cuDNN that are used, found at run
// time
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types, numbers and prototypes are those of cublasLt.h (11 and later) and
// cudnn.h (8 and later), written down here so that neither is needed to build.
// Both libraries are optional: what they would do then runs on the CPU.

#ifndef HEED_RUNTIME_CUDA_LIBRARY_H
#define HEED_RUNTIME_CUDA_LIBRARY_H

#include "runtime/cuda/Driver.h"
#include "runtime/support/SiteRecord.h"

namespace heed::cuda {

using Status = int; // cublasStatus_t, cudnnStatus_t; 0 is success

// cublasLt.h

/// cudaDataType_t
constexpr int kDataF32 = 0, kDataF16 = 2, kDataBF16 = 14;
/// cublasComputeType_t: sums and products in f32, no TF32.
constexpr int kCompute32F = 68;
/// cublasOperation_t
constexpr int kOpN = 0, kOpT = 1;
/// cublasLtMatmulDescAttributes_t
constexpr int kMatmulTransA = 3, kMatmulTransB = 4, kMatmulEpilogue = 7,
              kMatmulBiasPointer = 8;
/// cublasLtEpilogue_t: a value for each row of the result.
constexpr int kEpilogueBias = 4;
/// cublasLtMatrixLayoutAttribute_t
constexpr int kLayoutBatchCount = 5, kLayoutBatchStride = 6;
/// cublasLtMatmulPreferenceAttributes_t: bytes, all of them.
constexpr int kPreferWorkspace = 1, kPreferAlignmentA = 5,
              kPreferAlignmentB = 6, kPreferAlignmentC = 7,
              kPreferAlignmentD = 8;

/// cublasLtMatmulHeuristicResult_t
struct MatmulHeuristic {
  uint64_t algorithm[8]; // cublasLtMatmulAlgo_t
  size_t workspaceBytes;
  Status state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(MatmulHeuristic) == 96, "as in cublasLt.h");

// name, symbol, parameters
#define HEED_CUBLAS_FUNCTIONS(X)                                               \
  X(create, "cublasLtCreate", (void **))                                       \
  X(destroy, "cublasLtDestroy", (void *))                                      \
  X(matmulCreate, "cublasLtMatmulDescCreate", (void **, int, int))             \
  X(matmulSet, "cublasLtMatmulDescSetAttribute",                               \
    (void *, int, const void *, size_t))                                       \
  X(matmulDestroy, "cublasLtMatmulDescDestroy", (void *))                      \
  X(layoutCreate, "cublasLtMatrixLayoutCreate",                                \
    (void **, int, uint64_t, uint64_t, int64_t))                               \
  X(layoutSet, "cublasLtMatrixLayoutSetAttribute",                             \
    (void *, int, const void *, size_t))                                       \
  X(layoutDestroy, "cublasLtMatrixLayoutDestroy", (void *))                    \
  X(preferenceCreate, "cublasLtMatmulPreferenceCreate", (void **))             \
  X(preferenceSet, "cublasLtMatmulPreferenceSetAttribute",                     \
    (void *, int, const void *, size_t))                                       \
  X(preferenceDestroy, "cublasLtMatmulPreferenceDestroy", (void *))            \
  X(heuristic, "cublasLtMatmulAlgoGetHeuristic",                               \
    (void *handle, void *matmul, void *a, void *b, void *c, void *d,           \
     void *preference, int wanted, MatmulHeuristic *, int *found))             \
  X(matmul, "cublasLtMatmul",                                                  \
    (void *handle, void *matmul, const void *alpha, DevicePointer a,           \
     void *aLayout, DevicePointer b, void *bLayout, const void *beta,          \
     DevicePointer c, void *cLayout, DevicePointer d, void *dLayout,           \
     const uint64_t *algorithm, DevicePointer workspace, size_t,               \
     StreamHandle))

// cudnn.h

/// cudnnDataType_t
constexpr int kDnnF32 = 0, kDnnF16 = 2, kDnnBF16 = 9;
/// cudnnTensorFormat_t
constexpr int kFormatNchw = 0, kFormatNhwc = 1;
/// cudnnConvolutionMode_t
constexpr int kCrossCorrelation = 1;
/// cudnnMathType_t; the default takes TF32 for f32.
constexpr int kMathTensorOp = 1, kMathTensorOpConversion = 2, kMathFma = 3;
/// cudnnPoolingMode_t, cudnnNanPropagation_t
constexpr int kPoolMax = 0, kPoolAverageIncludePad = 1, kPoolAverage = 2;
constexpr int kPropagateNan = 1;

/// cudnnConvolutionFwdAlgoPerf_t and …BwdDataAlgoPerf_t
struct ConvolutionChoice {
  int algorithm;
  Status status;
  float milliseconds;
  size_t workspaceBytes;
  int determinism;
  int math;
  int reserved[3];
};
static_assert(sizeof(ConvolutionChoice) == 48, "as in cudnn.h");

#define HEED_CUDNN_FUNCTIONS(X)                                                \
  X(create, "cudnnCreate", (void **))                                          \
  X(destroy, "cudnnDestroy", (void *))                                         \
  X(setStream, "cudnnSetStream", (void *, StreamHandle))                       \
  X(tensorCreate, "cudnnCreateTensorDescriptor", (void **))                    \
  X(tensorSet, "cudnnSetTensorNdDescriptor",                                   \
    (void *, int type, int dims, const int *sizes, const int *strides))        \
  X(tensorDestroy, "cudnnDestroyTensorDescriptor", (void *))                   \
  X(filterCreate, "cudnnCreateFilterDescriptor", (void **))                    \
  X(filterSet, "cudnnSetFilterNdDescriptor",                                   \
    (void *, int type, int format, int dims, const int *sizes))                \
  X(filterDestroy, "cudnnDestroyFilterDescriptor", (void *))                   \
  X(convolutionCreate, "cudnnCreateConvolutionDescriptor", (void **))          \
  X(convolutionSet, "cudnnSetConvolutionNdDescriptor",                         \
    (void *, int dims, const int *pads, const int *strides,                    \
     const int *dilations, int mode, int computeType))                         \
  X(convolutionSetGroups, "cudnnSetConvolutionGroupCount", (void *, int))      \
  X(convolutionSetMath, "cudnnSetConvolutionMathType", (void *, int))          \
  X(convolutionDestroy, "cudnnDestroyConvolutionDescriptor", (void *))         \
  X(chooseForward, "cudnnGetConvolutionForwardAlgorithm_v7",                   \
    (void *handle, void *x, void *w, void *convolution, void *y, int wanted,   \
     int *found, ConvolutionChoice *))                                         \
  X(forward, "cudnnConvolutionForward",                                        \
    (void *handle, const void *alpha, void *xDesc, DevicePointer x,            \
     void *wDesc, DevicePointer w, void *convolution, int algorithm,           \
     DevicePointer workspace, size_t, const void *beta, void *yDesc,           \
     DevicePointer y))                                                         \
  X(chooseBackward, "cudnnGetConvolutionBackwardDataAlgorithm_v7",             \
    (void *handle, void *w, void *dy, void *convolution, void *dx, int wanted, \
     int *found, ConvolutionChoice *))                                         \
  X(backward, "cudnnConvolutionBackwardData",                                  \
    (void *handle, const void *alpha, void *wDesc, DevicePointer w,            \
     void *dyDesc, DevicePointer dy, void *convolution, int algorithm,         \
     DevicePointer workspace, size_t, const void *beta, void *dxDesc,          \
     DevicePointer dx))                                                        \
  X(add, "cudnnAddTensor",                                                     \
    (void *handle, const void *alpha, void *aDesc, DevicePointer a,            \
     const void *beta, void *cDesc, DevicePointer c))                          \
  X(transform, "cudnnTransformTensor",                                         \
    (void *handle, const void *alpha, void *xDesc, DevicePointer x,            \
     const void *beta, void *yDesc, DevicePointer y))                          \
  X(poolingCreate, "cudnnCreatePoolingDescriptor", (void **))                  \
  X(poolingSet, "cudnnSetPoolingNdDescriptor",                                 \
    (void *, int mode, int nan, int dims, const int *window, const int *pads,  \
     const int *strides))                                                      \
  X(poolingDestroy, "cudnnDestroyPoolingDescriptor", (void *))                 \
  X(pool, "cudnnPoolingForward",                                               \
    (void *handle, void *pooling, const void *alpha, void *xDesc,              \
     DevicePointer x, const void *beta, void *yDesc, DevicePointer y))

#define HEED_CUDA_MEMBER(name, symbol, parameters)                             \
  Status(*name) parameters = nullptr;

/// cuBLASLt, for the current device. Any thread may use the handle.
struct Cublas {
  HEED_CUBLAS_FUNCTIONS(HEED_CUDA_MEMBER)
  /// Opens libcublasLt, or what HEED_CUBLASLT names.
  Cublas();
  ~Cublas();
  Cublas(const Cublas &) = delete;
  Cublas &operator=(const Cublas &) = delete;
  /// Throws Error unless `status` is success.
  void check(Status status, const char *what) const;

  void *handle = nullptr;
  std::string why; // there is no handle
  const char *(*statusName)(Status) = nullptr;
};

/// cuDNN, for the current device and one stream.
struct Cudnn {
  HEED_CUDNN_FUNCTIONS(HEED_CUDA_MEMBER)
  /// Opens libcudnn, or what HEED_CUDNN names.
  explicit Cudnn(StreamHandle stream);
  ~Cudnn();
  Cudnn(const Cudnn &) = delete;
  Cudnn &operator=(const Cudnn &) = delete;
  /// Throws Error unless `status` is success.
  void check(Status status, const char *what) const;

  void *handle = nullptr;
  std::string why; // there is no handle
  const char *(*statusName)(Status) = nullptr;
};
#undef HEED_CUDA_MEMBER

constexpr int64_t elementBytes(runtime::ElementKind kind) {
  return kind == runtime::ElementKind::F32 ? 4 : 2;
}

} // namespace heed::cuda

#endif // HEED_RUNTIME_CUDA_LIBRARY_H
