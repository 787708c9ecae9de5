// FakeCublas.cpp - cuBLASLt without a GPU: matrix products in loops
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// HEED_CUBLASLT names it. As the emulated driver, it takes less than the true
// one: matrices must lie in one allocation of the device each, what it is told
// of their alignment must hold, and a result may have no gaps in steps of 0.
#include "runtime/cuda/Library.h"
#include "tests/emulate/driver/FakeCuda.h"
#include "tests/emulate/driver/FakeElement.h"

#include <cstring>

using namespace heed::cuda;

namespace {
// cublasStatus_t, as cublas_api.h numbers them.
enum : Status { kBlasInvalidValue = 7, kBlasNotSupported = 15 };

struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t leading;
  int32_t batches = 1;
  int64_t batchStride = 0;

  int64_t last() const {
    return (batches - 1) * batchStride + (int64_t(columns) - 1) * leading +
           int64_t(rows);
  }
  bool isWithin(DevicePointer base) const {
    std::lock_guard<std::mutex> lock(state().mutex);
    return state().holds(base, size_t(last()) * elementBytesOf(type));
  }
  /// Element (row, column), of the transposed matrix if `op` says so.
  double load(DevicePointer base, int op, int64_t batch, int64_t row,
              int64_t column) const {
    if (op == kOpT)
      std::swap(row, column);
    return loadElement(base, type,
                       batch * batchStride + column * leading + row);
  }
};

struct Matmul {
  int32_t transA = kOpN, transB = kOpN;
  uint32_t epilogue = 1;
  DevicePointer bias = 0;
};

struct Preference {
  uint64_t workspace = 0;
  uint32_t alignments[4] = {256, 256, 256, 256};
};

/// What the algorithm remembers of the preference.
struct Algorithm {
  uint32_t alignments[4];
};

template <typename Member>
Status set(Member &member, const void *value, size_t bytes) {
  if (bytes != sizeof member)
    return kBlasInvalidValue;
  std::memcpy(&member, value, bytes);
  return 0;
}
} // namespace

FAKE_CUDA_CALL cublasLtCreate(void **handle) {
  *handle = new int(0);
  return enter("cublasLtCreate");
}
FAKE_CUDA_CALL cublasLtDestroy(void *handle) {
  delete static_cast<int *>(handle);
  return 0;
}
extern "C" __attribute__((visibility("default"))) const char *
cublasLtGetStatusName(Status status) {
  return status == kBlasNotSupported ? "CUBLAS_STATUS_NOT_SUPPORTED"
                                     : "CUBLAS_STATUS_INVALID_VALUE";
}

FAKE_CUDA_CALL cublasLtMatmulDescCreate(void **made, int compute, int scale) {
  *made = new Matmul();
  return compute == kCompute32F && scale == kDataF32 ? 0 : kBlasNotSupported;
}
FAKE_CUDA_CALL cublasLtMatmulDescSetAttribute(void *descriptor, int attribute,
                                              const void *value, size_t bytes) {
  auto &matmul = *static_cast<Matmul *>(descriptor);
  switch (attribute) {
  case kMatmulTransA:
    return set(matmul.transA, value, bytes);
  case kMatmulTransB:
    return set(matmul.transB, value, bytes);
  case kMatmulEpilogue:
    return set(matmul.epilogue, value, bytes);
  case kMatmulBiasPointer:
    return set(matmul.bias, value, bytes);
  default:
    return kBlasInvalidValue;
  }
}
FAKE_CUDA_CALL cublasLtMatmulDescDestroy(void *descriptor) {
  delete static_cast<Matmul *>(descriptor);
  return 0;
}

FAKE_CUDA_CALL cublasLtMatrixLayoutCreate(void **made, int type, uint64_t rows,
                                          uint64_t columns, int64_t leading) {
  *made = new Layout{type, rows, columns, leading};
  return leading < int64_t(rows) ? kBlasInvalidValue : 0;
}
FAKE_CUDA_CALL cublasLtMatrixLayoutSetAttribute(void *layout, int attribute,
                                                const void *value,
                                                size_t bytes) {
  auto &matrix = *static_cast<Layout *>(layout);
  return attribute == kLayoutBatchCount ? set(matrix.batches, value, bytes)
         : attribute == kLayoutBatchStride
             ? set(matrix.batchStride, value, bytes)
             : kBlasInvalidValue;
}
FAKE_CUDA_CALL cublasLtMatrixLayoutDestroy(void *layout) {
  delete static_cast<Layout *>(layout);
  return 0;
}

FAKE_CUDA_CALL cublasLtMatmulPreferenceCreate(void **made) {
  *made = new Preference();
  return 0;
}
FAKE_CUDA_CALL cublasLtMatmulPreferenceSetAttribute(void *preference,
                                                    int attribute,
                                                    const void *value,
                                                    size_t bytes) {
  auto &wanted = *static_cast<Preference *>(preference);
  if (attribute == kPreferWorkspace)
    return set(wanted.workspace, value, bytes);
  if (attribute < kPreferAlignmentA || attribute > kPreferAlignmentD)
    return kBlasInvalidValue;
  return set(wanted.alignments[attribute - kPreferAlignmentA], value, bytes);
}
FAKE_CUDA_CALL cublasLtMatmulPreferenceDestroy(void *preference) {
  delete static_cast<Preference *>(preference);
  return 0;
}

FAKE_CUDA_CALL cublasLtMatmulAlgoGetHeuristic(void *, void *, void *, void *,
                                              void *, void *, void *preference,
                                              int wanted,
                                              MatmulHeuristic *results,
                                              int *found) {
  *results = MatmulHeuristic{};
  auto &given = *static_cast<Preference *>(preference);
  Algorithm algorithm;
  std::memcpy(algorithm.alignments, given.alignments, sizeof given.alignments);
  std::memcpy(results->algorithm, &algorithm, sizeof algorithm);
  results->workspaceBytes = std::min<uint64_t>(given.workspace, 4096);
  *found = wanted > 0;
  return enter("cublasLtMatmulAlgoGetHeuristic");
}

FAKE_CUDA_CALL
cublasLtMatmul(void *, void *descriptor, const float *alpha,
               DevicePointer aBase, Layout *a, DevicePointer bBase, Layout *b,
               const float *beta, DevicePointer cBase, Layout *c,
               DevicePointer dBase, Layout *d, const Algorithm *algorithm,
               DevicePointer workspace, size_t workspaceBytes, StreamHandle) {
  const auto &matmul = *static_cast<Matmul *>(descriptor);
  bool isT = matmul.transA == kOpT, isBT = matmul.transB == kOpT;
  int64_t m = int64_t(d->rows), n = int64_t(d->columns);
  int64_t k = int64_t(isT ? a->rows : a->columns);
  if (Result result =
          enter("cublasLtMatmul", llvm::Twine(m) + "x" + llvm::Twine(n) + "x" +
                                      llvm::Twine(k) + " batches " +
                                      llvm::Twine(d->batches)))
    return result;
  bool agree = int64_t(isT ? a->columns : a->rows) == m &&
               int64_t(isBT ? b->columns : b->rows) == k &&
               int64_t(isBT ? b->rows : b->columns) == n &&
               c->rows == d->rows && c->columns == d->columns &&
               a->batches == d->batches && b->batches == d->batches &&
               c->batches == d->batches &&
               (d->batches == 1 || d->batchStride != 0);
  const DevicePointer bases[] = {aBase, bBase, cBase, dBase};
  for (int i = 0; i < 4; ++i)
    agree &= bases[i] % algorithm->alignments[i] == 0;
  if (!agree || !a->isWithin(aBase) || !b->isWithin(bBase) ||
      !c->isWithin(cBase) || !d->isWithin(dBase))
    return kBlasInvalidValue;
  {
    std::lock_guard<std::mutex> lock(state().mutex);
    bool hasBias = matmul.epilogue == uint32_t(kEpilogueBias);
    if ((hasBias &&
         !state().holds(matmul.bias, size_t(m) * elementBytesOf(d->type))) ||
        !state().holds(workspace, workspaceBytes))
      return kBlasInvalidValue;
  }
  for (int64_t batch = 0; batch < d->batches; ++batch)
    for (int64_t column = 0; column < n; ++column)
      for (int64_t row = 0; row < m; ++row) {
        double sum = 0;
        for (int64_t i = 0; i < k; ++i)
          sum += a->load(aBase, matmul.transA, batch, row, i) *
                 b->load(bBase, matmul.transB, batch, i, column);
        sum *= *alpha;
        if (*beta != 0)
          sum += *beta * c->load(cBase, kOpN, batch, row, column);
        if (matmul.epilogue == uint32_t(kEpilogueBias))
          sum += loadElement(matmul.bias, d->type, row);
        storeElement(dBase, d->type,
                     batch * d->batchStride + column * d->leading + row, sum);
      }
  return 0;
}
