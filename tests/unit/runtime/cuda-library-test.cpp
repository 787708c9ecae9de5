// cuda-library-test.cpp - primitives by cuBLAS and cuDNN, on the emulated ones,
// against the reference
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/cuda/Cuda.h"
#include "tests/unit/runtime/primitive-fixture.h"

#include <cstdlib>

using namespace heed::runtime;
using namespace heed::reference;

namespace {

class CudaLibrary : public testing::Test {
protected:
  CudaLibrary() {
    for (const char *name : {"HEED_CUDA_DRIVER", "HEED_CUBLASLT", "HEED_CUDNN"})
      setenv(name, HEED_FAKE_CUDA, 1);
  }
  ~CudaLibrary() override {
    unsetenv("HEED_FAKE_CUDA_FAIL");
    for (const char *name : {"HEED_CUBLASLT", "HEED_CUDNN"})
      unsetenv(name);
  }

  /// Runs the primitive twice, the second time on operands that are on the
  /// device, and compares. Returns why it ran on the host; nothing if it did
  /// not.
  std::string run(const Primitive &primitive, const Tensor &expected) {
    std::vector<int64_t> record = primitive.record(), call = primitive.call();
    heed::Program program;
    heed::Context context(program, 0, 0, 1);
    HeedContext *handle = context.get();
    EXPECT_EQ(heed_cuda_start(handle), 0) << context.error();
    Array &result = *primitive.parts.back().array;
    for (const Primitive::Part &part : primitive.parts)
      heed_cuda_buffer(handle, part.array->data.data(),
                       4 * int64_t(part.array->data.size()),
                       part.constant ? HEED_CUDA_CONSTANT : HEED_CUDA_INPUT);
    for (int step = 0; step < 2; ++step) {
      std::fill(result.data.begin(), result.data.end(), -77.f);
      heed_cuda_to_host(handle, result.data.data(), /*writes=*/1);
      EXPECT_EQ(heed_cuda_primitive(handle, record.data(), call.data()), 0)
          << context.error();
      heed_cuda_to_host(handle, result.data.data(), /*writes=*/0);
      compare(result, expected);
    }
    HeedCudaCounts counts;
    heed_cuda_counts(handle, &counts);
    EXPECT_EQ(counts.libraryCalls + counts.hostCalls, 2);
    std::string why = heed_cuda_why_on_host(handle);
    EXPECT_EQ(why.empty(), counts.libraryCalls == 2);
    EXPECT_EQ(heed_cuda_finish(handle), 0) << context.error();
    return why;
  }

  std::string product(const Tensor &a, const Tensor &b, Dims orderA = {},
                      Dims orderB = {}, Dims orderC = {}, bool hasBias = false,
                      bool hasAddend = false) {
    Tensor expected = matmul(a, b);
    Tensor bias = random({b.shape.back()}, 31),
           addend = random(expected.shape, 32);
    for (int64_t i = 0; i < expected.size(); ++i) {
      auto at = static_cast<size_t>(i);
      if (hasBias)
        expected.data[at] += bias.data[at % bias.data.size()];
      if (hasAddend)
        expected.data[at] += addend.data[at];
    }
    Array arrays[] = {Array::of(a, orderA), Array::of(b, orderB),
                      Array::of(bias), Array::of(addend),
                      Array::of(Tensor(expected.shape), orderC)};
    while (arrays[1].layout.size() < expected.shape.size())
      arrays[1].layout.insert(arrays[1].layout.begin(), -1);
    Primitive primitive{PrimitiveKind::Matmul,
                        {{OperandRole::Source, false, &arrays[0]},
                         {OperandRole::Weights, true, &arrays[1]}}};
    if (hasBias)
      primitive.parts.push_back({OperandRole::Bias, true, &arrays[2]});
    if (hasAddend) {
      primitive.postOps.push_back(
          {PostOpKind::Add, 0, 0, int64_t(primitive.parts.size())});
      primitive.parts.push_back({OperandRole::PostOp, false, &arrays[3]});
    }
    primitive.parts.push_back({OperandRole::Destination, false, &arrays[4]});
    return run(primitive, expected);
  }

  std::string convolve(const Tensor &x, const Tensor &w, const ConvParams &p,
                       bool last, bool mixed = false, Dims orderW = {}) {
    Tensor bias = random({w.shape[0]}, 21);
    Tensor expected = convolution(x, w, bias, p);
    Dims order = last ? kChannelsLast[x.shape.size()] : Dims{};
    Array arrays[] = {
        Array::of(x, order), weightsArray(w, p.groups), Array::of(bias),
        Array::of(Tensor(expected.shape), mixed ? Dims{} : order)};
    if (!orderW.empty()) {
      arrays[1] = Array::of(w, orderW);
      arrays[1].layout.insert(arrays[1].layout.begin(), -1);
    }
    Dims kernel(w.shape.begin() + 2, w.shape.end());
    return run({PrimitiveKind::Convolution,
                {{OperandRole::Source, false, &arrays[0]},
                 {OperandRole::Weights, true, &arrays[1]},
                 {OperandRole::Bias, true, &arrays[2]},
                 {OperandRole::Destination, false, &arrays[3]}},
                p.strides,
                p.dilations,
                p.padLow,
                p.padHigh,
                kernel},
               expected);
  }
};

TEST_F(CudaLibrary, Product) {
  for (Dims mnk : {Dims{8, 12, 16}, Dims{1, 17, 33}, Dims{5, 1, 7},
                   Dims{1, 1, 1}, Dims{9, 11, 1}})
    EXPECT_EQ(product(random({mnk[0], mnk[2]}, 1), random({mnk[2], mnk[1]}, 2)),
              "");
}

TEST_F(CudaLibrary, TransposedOperands) {
  Tensor a = random({12, 20}, 3), b = random({20, 24}, 4);
  for (const Dims &orderA : {Dims{0, 1}, Dims{1, 0}})
    for (const Dims &orderB : {Dims{0, 1}, Dims{1, 0}})
      for (const Dims &orderC : {Dims{0, 1}, Dims{1, 0}})
        EXPECT_EQ(product(a, b, orderA, orderB, orderC), "");
}

TEST_F(CudaLibrary, Batches) {
  Tensor a = random({2, 3, 5, 16}, 5), b = random({2, 3, 16, 9}, 6);
  EXPECT_EQ(product(a, b), "");
  // Heads between rows and columns: their steps are not even with the batch's.
  EXPECT_EQ(product(a, b, {0, 2, 1, 3}, {0, 2, 1, 3}, {0, 2, 1, 3}), "");
  EXPECT_EQ(product(a, b, {0, 2, 1, 3}, {0, 3, 1, 2}), "");
  // Weights that some batch or all have in common.
  EXPECT_EQ(product(a, random({1, 3, 16, 9}, 7)), "");
  EXPECT_EQ(product(a, random({16, 9}, 8), {0, 2, 1, 3}, {}, {0, 2, 1, 3}), "");
}

TEST_F(CudaLibrary, BiasAndAddend) {
  Tensor a = random({2, 6, 16}, 9), b = random({16, 8}, 10);
  EXPECT_EQ(product(a, b, {}, {}, {}, /*hasBias=*/true), "");
  EXPECT_EQ(product(a, b, {}, {1, 0}, {}, /*hasBias=*/true), "");
  EXPECT_EQ(product(a, b, {}, {}, {}, false, /*hasAddend=*/true), "");
  EXPECT_EQ(product(a, random({2, 16, 8}, 11), {}, {}, {}, false, true), "");
  // One epilogue has one of them.
  EXPECT_EQ(product(a, b, {}, {}, {}, true, true),
            "expected a product with a bias or one addend behind it");
  // A bias of the columns of a result that is stored by columns.
  EXPECT_EQ(product(random({6, 16}, 12), b, {}, {}, {1, 0}, true),
            "expected matrices by rows or by columns, and a result by rows");
}

TEST_F(CudaLibrary, OtherEpilogue) {
  Tensor a = random({6, 16}, 13), b = random({16, 8}, 14);
  Tensor expected = matmul(a, b);
  for (double &value : expected.data)
    value = std::max(value, 0.0);
  Array arrays[] = {Array::of(a), Array::of(b),
                    Array::of(Tensor(expected.shape))};
  EXPECT_EQ(run({PrimitiveKind::Matmul,
                 {{OperandRole::Source, false, &arrays[0]},
                  {OperandRole::Weights, true, &arrays[1]},
                  {OperandRole::Destination, false, &arrays[2]}},
                 {},
                 {},
                 {},
                 {},
                 {},
                 {{PostOpKind::Relu}}},
                expected),
            "expected a product with a bias or one addend behind it");
}

TEST_F(CudaLibrary, Convolution) {
  for (bool last : {false, true}) {
    ConvParams p{{2, 1}, {1, 1}, {1, 1}, {1, 1}, 1};
    EXPECT_EQ(
        convolve(random({2, 3, 9, 10}, 1), random({8, 3, 3, 3}, 2), p, last),
        "");
    ConvParams one{{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
    EXPECT_EQ(
        convolve(random({1, 16, 6, 7}, 1), random({8, 16, 1, 1}, 2), one, last),
        "");
    ConvParams dilated{{1, 1}, {2, 3}, {2, 3}, {2, 3}, 1};
    EXPECT_EQ(convolve(random({1, 4, 12, 13}, 5), random({6, 4, 3, 3}, 6),
                       dilated, last),
              "");
  }
}

TEST_F(CudaLibrary, ConvolutionOfGroups) {
  for (bool last : {false, true}) {
    ConvParams p{{1, 2}, {1, 1}, {2, 2}, {2, 2}, 16};
    EXPECT_EQ(
        convolve(random({1, 16, 9, 10}, 3), random({16, 1, 5, 5}, 4), p, last),
        "");
    p.groups = 2;
    EXPECT_EQ(
        convolve(random({1, 8, 9, 10}, 3), random({6, 4, 3, 3}, 4), p, last),
        "");
  }
}

TEST_F(CudaLibrary, ConvolutionOfOneAndThreeDims) {
  for (bool last : {false, true}) {
    EXPECT_EQ(convolve(random({2, 6, 20}, 7), random({4, 6, 5}, 8),
                       {{1}, {1}, {2}, {2}, 1}, last),
              "");
    EXPECT_EQ(convolve(random({1, 4, 5, 6, 7}, 9), random({8, 4, 3, 3, 1}, 10),
                       {{1, 2, 1}, {1, 1, 1}, {1, 1, 0}, {1, 1, 0}, 1}, last),
              "");
  }
}

// As TensorFlow pads: cuDNN knows the same padding on both sides only.
TEST_F(CudaLibrary, UnequalPadding) {
  ConvParams p{{2, 2}, {1, 1}, {0, 1}, {1, 2}, 1};
  for (bool last : {false, true})
    EXPECT_EQ(
        convolve(random({2, 3, 8, 9}, 1), random({4, 3, 3, 3}, 2), p, last),
        "");
}

// Weights h w i o, as JAX has them, and tensors of two orders.
TEST_F(CudaLibrary, OrdersOfDims) {
  ConvParams p{{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1};
  Tensor x = random({2, 3, 8, 9}, 1), w = random({4, 3, 3, 3}, 2);
  EXPECT_EQ(convolve(x, w, p, true, false, {2, 3, 1, 0}), "");
  EXPECT_EQ(convolve(x, w, p, false, false, {2, 3, 1, 0}), "");
  EXPECT_EQ(convolve(x, w, p, true, /*mixed=*/true), "");
}

TEST_F(CudaLibrary, Deconvolution) {
  for (int64_t groups : {1, 2})
    for (int64_t high : {1, 0}) // 0: unequal padding
      for (bool last : {false, true}) {
        ConvParams p{{2, 2}, {1, 1}, {1, 1}, {high, high}, groups};
        Tensor x = random({2, 4, 5, 6}, 1), w = random({4, 3, 3, 3}, 2);
        Tensor bias = random({3 * groups}, 3);
        Tensor expected = deconvolution(x, w, bias, p);
        Dims order = last ? kChannelsLast[4] : Dims{};
        // (g·i, o, k…) in memory; g o i k… are the logical dims.
        Array weights = Array::of(w);
        int64_t inputs = 4 / groups;
        weights.sizes = {groups, inputs, 3, 3, 3};
        weights.strides = {27 * inputs, 27, 9, 3, 1};
        weights.layout = {0, 2, 1, 3, 4};
        Array arrays[] = {Array::of(x, order), Array::of(bias),
                          Array::of(Tensor(expected.shape), order)};
        EXPECT_EQ(run({PrimitiveKind::Deconvolution,
                       {{OperandRole::Source, false, &arrays[0]},
                        {OperandRole::Weights, true, &weights},
                        {OperandRole::Bias, true, &arrays[1]},
                        {OperandRole::Destination, false, &arrays[2]}},
                       p.strides,
                       p.dilations,
                       p.padLow,
                       p.padHigh,
                       {3, 3}},
                      expected),
                  "");
      }
}

TEST_F(CudaLibrary, Pools) {
  const std::pair<PrimitiveKind, Pool> kinds[] = {
      {PrimitiveKind::PoolAvg, Pool::Avg},
      {PrimitiveKind::PoolAvgIncludePad, Pool::AvgIncludePad},
      {PrimitiveKind::PoolMax, Pool::Max}};
  Tensor x = random({2, 6, 9, 8}, 22);
  for (int64_t high : {0, 1})
    for (bool last : {false, true})
      for (auto [kind, pooling] : kinds) {
        ConvParams p{{2, 2}, {1, 1}, {1, 0}, {1, high}, 1};
        Tensor expected = pool(x, pooling, {3, 2}, p);
        for (double &value : expected.data)
          value *= 3;
        Dims order = last ? kChannelsLast[4] : Dims{};
        Array arrays[] = {Array::of(x, order),
                          Array::of(Tensor(expected.shape), order)};
        EXPECT_EQ(run({kind,
                       {{OperandRole::Source, false, &arrays[0]},
                        {OperandRole::Destination, false, &arrays[1]}},
                       p.strides,
                       p.dilations,
                       p.padLow,
                       p.padHigh,
                       {3, 2},
                       {{PostOpKind::Linear, 3, 0}}},
                      expected),
                  high == 0 ? ""
                            : "expected a pooling with the same padding on "
                              "both sides");
      }
}

TEST_F(CudaLibrary, WithoutLibraries) {
  setenv("HEED_CUBLASLT", "none.so", 1);
  setenv("HEED_CUDNN", HEED_FAKE_CUDA, 1);
  std::string why = product(random({4, 8}, 1), random({8, 4}, 2));
  EXPECT_EQ(why.find("no cuBLAS: none.so: cannot open shared object file"), 0u)
      << why;
  EXPECT_NE(why.find("(HEED_CUBLASLT names another library)"),
            std::string::npos);
  setenv("HEED_FAKE_CUDA_FAIL", "cudnnCreate=1001", 1);
  ConvParams p{{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1};
  EXPECT_EQ(
      convolve(random({1, 2, 5, 5}, 3), random({2, 2, 3, 3}, 4), p, false),
      "no cuDNN: cudnnCreate: CUDNN_STATUS_BAD_PARAM");
}

TEST_F(CudaLibrary, Failures) {
  setenv("HEED_FAKE_CUDA_FAIL", "cublasLtMatmul=7", 1);
  Array arrays[] = {Array::of(random({4, 8}, 1)), Array::of(random({8, 4}, 2)),
                    Array::of(Tensor({4, 4}))};
  Primitive primitive{PrimitiveKind::Matmul,
                      {{OperandRole::Source, false, &arrays[0]},
                       {OperandRole::Weights, false, &arrays[1]},
                       {OperandRole::Destination, false, &arrays[2]}}};
  std::vector<int64_t> record = primitive.record(), call = primitive.call();
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  EXPECT_NE(heed_cuda_primitive(context.get(), record.data(), call.data()), 0);
  EXPECT_STREQ(context.error(), "expected heed_cuda_start first");

  heed::Context second(program, 0, 0, 1);
  HeedContext *handle = second.get();
  heed_cuda_start(handle);
  EXPECT_NE(heed_cuda_primitive(handle, record.data(), call.data()), 0);
  EXPECT_STREQ(second.error(), "expected an address of a buffer");

  heed::Context third(program, 0, 0, 1);
  handle = third.get();
  heed_cuda_start(handle);
  for (Array &array : arrays)
    heed_cuda_buffer(handle, array.data.data(), 4 * int64_t(array.data.size()),
                     HEED_CUDA_INPUT);
  EXPECT_NE(heed_cuda_primitive(handle, record.data(), call.data()), 0);
  EXPECT_STREQ(third.error(), "cublasLtMatmul: CUBLAS_STATUS_INVALID_VALUE");
}

/// A product of halves, whose operands are rounded to `kind`; bounds are a unit
/// in the last place of the result.
class CudaHalves : public CudaLibrary,
                   public testing::WithParamInterface<ElementKind> {
protected:
  static uint16_t round(double number) {
    if (GetParam() == ElementKind::F16) {
      auto half = static_cast<_Float16>(number);
      uint16_t bits;
      std::memcpy(&bits, &half, 2);
      return bits;
    }
    auto value = static_cast<float>(number);
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  static double widen(uint16_t bits) {
    if (GetParam() == ElementKind::F16) {
      _Float16 half;
      std::memcpy(&half, &bits, 2);
      return static_cast<double>(half);
    }
    uint32_t wide = uint32_t(bits) << 16;
    float value;
    std::memcpy(&value, &wide, 4);
    return value;
  }
  static std::vector<uint16_t> narrow(Tensor &tensor) {
    std::vector<uint16_t> halves;
    for (double &value : tensor.data) {
      halves.push_back(round(value));
      value = widen(halves.back());
    }
    return halves;
  }

  void expectProduct() {
    // Two layers that call one site, each with weights of its own.
    Tensor a = random({5, 64}, 1);
    Tensor layers[] = {random({64, 48}, 2), random({64, 48}, 3)};
    std::vector<uint16_t> halves[] = {narrow(a), std::vector<uint16_t>(5 * 48),
                                      narrow(layers[0]), narrow(layers[1])};
    int64_t element = int64_t(GetParam());
    const int64_t record[] = {kSiteVersion,
                              0,
                              element,
                              0,
                              3,
                              0,
                              0,
                              0,
                              2,
                              2,
                              0,
                              1, // source
                              1,
                              1,
                              2,
                              2,
                              0,
                              1, // weights, constant
                              4,
                              0,
                              2,
                              2,
                              0,
                              1}; // destination
    auto at = [&](int i) {
      return reinterpret_cast<int64_t>(halves[i].data());
    };
    heed::Program program;
    heed::Context context(program, 0, 0, 1);
    HeedContext *handle = context.get();
    heed_cuda_start(handle);
    for (std::vector<uint16_t> &memory : halves)
      heed_cuda_buffer(handle, memory.data(), 2 * int64_t(memory.size()),
                       HEED_CUDA_INPUT);
    double unit = GetParam() == ElementKind::F16 ? 1.0 / 1024 : 1.0 / 128;
    for (int layer : {0, 1}) {
      const int64_t call[] = {
          at(0), at(2 + layer), at(1), 5, 64, 64, 1, 64, 48, 48, 1, 5, 48, 48,
          1};
      EXPECT_EQ(heed_cuda_primitive(handle, record, call), 0)
          << context.error();
      heed_cuda_to_host(handle, halves[1].data(), 0);
      Tensor expected = matmul(a, layers[layer]);
      for (size_t i = 0; i < expected.data.size(); ++i)
        EXPECT_NEAR(widen(halves[1][i]), expected.data[i],
                    unit * (0.1 + std::abs(expected.data[i])));
      // Another row, at the same address.
      halves[0][0] = round(a.data[0] = 0.5);
      heed_cuda_to_host(handle, halves[0].data(), 1);
    }
    HeedCudaCounts counts;
    heed_cuda_counts(handle, &counts);
    bool onHost = *heed_cuda_why_on_host(handle) != 0;
    EXPECT_EQ(onHost ? counts.hostCalls : counts.libraryCalls, 2);
  }
};

TEST_P(CudaHalves, ByLibrary) { expectProduct(); }

TEST_P(CudaHalves, OnHost) {
  setenv("HEED_CUBLASLT", "none.so", 1);
  expectProduct();
}

INSTANTIATE_TEST_SUITE_P(Elements, CudaHalves,
                         testing::Values(ElementKind::F16, ElementKind::BF16));
} // namespace
