// Matmul.cpp - matrix products by cuBLASLt
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cuBLAS stores matrices by columns. A result by rows is the transposed one by
// columns, of the exchanged operands:
//
//   c[m, n] = Σ_k a[m, k] · b[k, n]        cᵀ[n, m] = Σ_k bᵀ[n, k] · aᵀ[k, m]
//
// so b is its A, a its B, and a bias of n is one value for each row. What is
// stored by rows is its own transpose there and is taken as it is ("N"), what is
// stored by columns is transposed ("T").

#include "runtime/cuda/LibraryCalls.h"

#include "runtime/support/Product.h"

#include <algorithm>
#include <memory>
#include <optional>

namespace heed::cuda {

using runtime::ElementKind;
using runtime::OperandRole;
using runtime::PostOpKind;
using runtime::Product;

/// What a product may take from the pool; NVIDIA's advice for 9.0.
static constexpr uint64_t kMaxWorkspaceBytes = 32 << 20;

namespace {
/// A matrix as cuBLAS sees it.
struct Matrix {
  bool transposed;
  int64_t rows, columns, leading; // as stored, by columns
};

using Handle = std::unique_ptr<void, Status (*)(void *)>;

class MatmulCall : public LibraryCall {
public:
  MatmulCall(Session &session, const Product &product)
      : session(session), cublas(session.device.cublas()),
        source(product.source), weights(product.weights),
        destination(product.destination), bias(product.bias),
        bytes(elementBytes(product.site.element)) {}

  void run(const std::vector<DevicePointer> &operands) override {
    DeviceScratch workspace(session,
                            static_cast<int64_t>(choice.workspaceBytes));
    if (bias >= 0)
      set(matmul, kMatmulBiasPointer, operands[static_cast<size_t>(bias)]);
    float one = 1, beta = addend >= 0 ? 1 : 0;
    DevicePointer d = operands[destination];
    DevicePointer c = addend >= 0 ? operands[static_cast<size_t>(addend)] : d;
    for (const std::vector<int64_t> &offset : offsets) {
      auto at = [&](DevicePointer base, size_t which) {
        return base + static_cast<DevicePointer>(offset[which] * bytes);
      };
      cublas.check(cublas.matmul(cublas.handle, matmul.get(), &one,
                                 at(operands[weights], 0), layouts[0].get(),
                                 at(operands[source], 1), layouts[1].get(),
                                 &beta, at(c, 2), layouts[2].get(), at(d, 3),
                                 layouts[3].get(), choice.algorithm,
                                 workspace.address, choice.workspaceBytes,
                                 session.stream),
                   "cublasLtMatmul");
    }
  }

  template <typename Value>
  void set(const Handle &descriptor, int attribute, Value value) {
    cublas.check(
        cublas.matmulSet(descriptor.get(), attribute, &value, sizeof value),
        "cublasLtMatmulDescSetAttribute");
  }

  Session &session;
  const Cublas &cublas;
  size_t source, weights, destination;
  int64_t bias, addend = -1;
  int64_t bytes; // of an element
  Handle matmul{nullptr, nullptr};
  std::vector<Handle> layouts; // b, a, addend or result, result
  /// Of products beside the batch that is one call: elements, as `layouts`.
  std::vector<std::vector<int64_t>> offsets;
  MatmulHeuristic choice{};
};
} // namespace

/// The matrix of the last two dims, of `rows` and `columns` by rows.
static std::optional<Matrix> matrixOf(const View &view) {
  size_t row = view.sizes.size() - 2, column = row + 1;
  int64_t rows = view.sizes[row], columns = view.sizes[column];
  if (view.strides[column] == 1 && (view.strides[row] >= columns || rows == 1))
    return Matrix{false, columns, rows, std::max(view.strides[row], columns)};
  if (view.strides[row] == 1 && (view.strides[column] >= rows || columns == 1))
    return Matrix{true, rows, columns, std::max(view.strides[column], rows)};
  return std::nullopt;
}

namespace {
/// Batch dims in common: of size 1 in an operand is a stride of 0.
struct Batch {
  int64_t size;
  std::vector<int64_t> strides; // of b, a, addend or result, result
};
} // namespace

/// Outermost first; dims that step evenly in all operands are one.
static std::vector<Batch> batchesOf(const std::vector<const View *> &views) {
  std::vector<Batch> batches;
  const View &result = *views.back();
  for (size_t dim = 0; dim + 2 < result.sizes.size(); ++dim) {
    Batch batch{result.sizes[dim], {}};
    if (batch.size == 1)
      continue;
    for (const View *view : views)
      batch.strides.push_back(view->sizes[dim] == 1 ? 0 : view->strides[dim]);
    bool isEven = !batches.empty();
    for (size_t i = 0; isEven && i < views.size(); ++i)
      isEven = batches.back().strides[i] == batch.strides[i] * batch.size;
    if (isEven)
      batch.size *= batches.back().size, batches.back() = batch;
    else
      batches.push_back(batch);
  }
  return batches;
}

/// Steps through all batch dims but the last, which cuBLAS steps through.
static std::vector<std::vector<int64_t>>
outerOffsets(const std::vector<Batch> &batches, size_t operands) {
  std::vector<std::vector<int64_t>> list = {std::vector<int64_t>(operands, 0)};
  for (size_t dim = 0; dim + 1 < batches.size(); ++dim) {
    std::vector<std::vector<int64_t>> next;
    for (const auto &base : list)
      for (int64_t step = 0; step < batches[dim].size; ++step) {
        next.push_back(base);
        for (size_t i = 0; i < operands; ++i)
          next.back()[i] += step * batches[dim].strides[i];
      }
    list = std::move(next);
  }
  return list;
}

static int dataType(ElementKind kind) {
  return kind == ElementKind::F32   ? kDataF32
         : kind == ElementKind::F16 ? kDataF16
                                    : kDataBF16;
}

/// Why cuBLAS does not hold the product; else `addend` is what is added.
static std::string whyNotHeld(const Product &product, int64_t &addend) {
  const View &result = product.views[product.destination];
  for (const runtime::PostOp &op : product.site.postOps) {
    if (op.kind != PostOpKind::Add || product.site.postOps.size() > 1 ||
        product.bias >= 0)
      return "expected a product with a bias or one addend behind it";
    addend = op.operand;
    if (product.views[static_cast<size_t>(addend)].sizes != result.sizes)
      return "expected an addend of the product's size";
  }
  if (product.bias >= 0 &&
      product.views[static_cast<size_t>(product.bias)].strides.back() != 1)
    return "expected a bias without gaps";
  return "";
}

Placed placeMatmul(Session &session, const Site &site, std::vector<View> views,
                   const std::vector<int64_t> &alignments) {
  Product product = runtime::makeProduct(site, std::move(views));
  auto call = std::make_unique<MatmulCall>(session, product);
  if (std::string why = whyNotHeld(product, call->addend); !why.empty())
    return {nullptr, why};
  size_t third = call->addend >= 0 ? static_cast<size_t>(call->addend)
                                   : product.destination;
  const size_t order[] = {product.weights, product.source, third,
                          product.destination};
  std::vector<const View *> list;
  std::vector<Matrix> matrices;
  for (size_t operand : order) {
    list.push_back(&product.views[operand]);
    std::optional<Matrix> matrix = matrixOf(*list.back());
    if (!matrix || (matrix->transposed && list.size() > 2))
      return {nullptr, "expected matrices by rows or by columns, and a result "
                       "by rows"};
    matrices.push_back(*matrix);
  }
  std::vector<Batch> batches = batchesOf(list);
  call->offsets = outerOffsets(batches, list.size());
  if (call->offsets.size() > 64)
    return {nullptr, "expected batches in even steps"};

  const Cublas &cublas = call->cublas;
  int type = dataType(site.element);
  void *made = nullptr;
  cublas.check(cublas.matmulCreate(&made, kCompute32F, kDataF32),
               "cublasLtMatmulDescCreate");
  call->matmul = Handle(made, cublas.matmulDestroy);
  call->set(call->matmul, kMatmulTransA,
            int32_t(matrices[0].transposed ? kOpT : kOpN));
  call->set(call->matmul, kMatmulTransB,
            int32_t(matrices[1].transposed ? kOpT : kOpN));
  if (product.bias >= 0) {
    call->set(call->matmul, kMatmulEpilogue, uint32_t(kEpilogueBias));
    // Of this alignment; the address comes with each call.
    call->set(call->matmul, kMatmulBiasPointer,
              static_cast<DevicePointer>(
                  alignments[static_cast<size_t>(product.bias)]));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    cublas.check(cublas.layoutCreate(&made, type,
                                     static_cast<uint64_t>(matrices[i].rows),
                                     static_cast<uint64_t>(matrices[i].columns),
                                     matrices[i].leading),
                 "cublasLtMatrixLayoutCreate");
    call->layouts.emplace_back(made, cublas.layoutDestroy);
    if (batches.empty())
      continue;
    auto number = static_cast<int32_t>(batches.back().size);
    int64_t stride = batches.back().strides[i];
    cublas.check(
        cublas.layoutSet(made, kLayoutBatchCount, &number, sizeof number),
        "cublasLtMatrixLayoutSetAttribute");
    cublas.check(
        cublas.layoutSet(made, kLayoutBatchStride, &stride, sizeof stride),
        "cublasLtMatrixLayoutSetAttribute");
  }

  cublas.check(cublas.preferenceCreate(&made),
               "cublasLtMatmulPreferenceCreate");
  Handle preference(made, cublas.preferenceDestroy);
  auto prefer = [&](int attribute, auto value) {
    cublas.check(cublas.preferenceSet(made, attribute, &value, sizeof value),
                 "cublasLtMatmulPreferenceSetAttribute");
  };
  prefer(kPreferWorkspace, kMaxWorkspaceBytes);
  const int attributes[] = {kPreferAlignmentA, kPreferAlignmentB,
                            kPreferAlignmentC, kPreferAlignmentD};
  for (size_t i = 0; i < list.size(); ++i) {
    int64_t bits = alignments[order[i]];
    for (const std::vector<int64_t> &offset : call->offsets)
      bits |= offset[i] * call->bytes;
    prefer(attributes[i], static_cast<uint32_t>(alignmentOf(bits)));
  }
  int found = 0;
  Status status = cublas.heuristic(
      cublas.handle, call->matmul.get(), call->layouts[0].get(),
      call->layouts[1].get(), call->layouts[2].get(), call->layouts[3].get(),
      preference.get(), 1, &call->choice, &found);
  if (status != 0 || found == 0 || call->choice.state != 0)
    return {nullptr, "expected a product that cuBLAS has code for"};
  return {std::move(call), ""};
}

} // namespace heed::cuda
