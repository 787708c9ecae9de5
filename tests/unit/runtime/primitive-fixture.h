// primitive-fixture.h - makes site records, and compares calls with the reference
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_TESTS_UNIT_RUNTIME_PRIMITIVE_FIXTURE_H
#define HEED_TESTS_UNIT_RUNTIME_PRIMITIVE_FIXTURE_H

#include "runtime/onednn/Onednn.h"
#include "runtime/reference/Reference.h"
#include "runtime/support/Host.h"
#include "runtime/support/SiteRecord.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace heed::runtime {

using Dims = std::vector<int64_t>;

/// A tensor in memory: logical dim i lies in dimension layout[i], row-major.
struct Array {
  Dims sizes, strides, layout;
  std::vector<float> data;

  /// The reference tensor stored with its dims in the order `order` (outermost
  /// first; empty: as they are).
  static Array of(const reference::Tensor &tensor, Dims order = {}) {
    Array array;
    size_t rank = tensor.shape.size();
    if (order.empty())
      for (size_t i = 0; i < rank; ++i)
        order.push_back(static_cast<int64_t>(i));
    array.layout.resize(rank);
    for (size_t i = 0; i < rank; ++i) {
      array.sizes.push_back(tensor.shape[static_cast<size_t>(order[i])]);
      array.layout[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
    }
    array.strides.assign(rank, 1);
    for (size_t i = rank; i-- > 1;)
      array.strides[i - 1] = array.strides[i] * array.sizes[i];
    array.data.resize(tensor.data.size());
    reference::Shape index(rank, 0);
    if (tensor.data.empty())
      return array;
    do
      array.data[array.offset(index)] = static_cast<float>(tensor.at(index));
    while (reference::next(index, tensor.shape));
    return array;
  }
  size_t offset(const Dims &logical) const {
    int64_t offset = 0;
    for (size_t i = 0; i < logical.size(); ++i)
      if (layout[i] >= 0)
        offset += logical[i] * strides[static_cast<size_t>(layout[i])];
    return static_cast<size_t>(offset);
  }
};

inline reference::Tensor random(reference::Shape shape, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  reference::Tensor tensor(std::move(shape));
  for (double &value : tensor.data)
    value = uniform(generator);
  return tensor;
}

/// Orders of dims by rank, with channels behind the positions.
inline const Dims kChannelsLast[] = {{},        {},           {},
                                     {0, 2, 1}, {0, 2, 3, 1}, {0, 2, 3, 4, 1}};

/// Weights (g·o, i, k…) as the memory (g, o, i, k…), whose logical dims are
/// the same; without groups the first has no memory.
inline Array weightsArray(const reference::Tensor &w, int64_t groups) {
  Array array = Array::of(w);
  Dims layout = {-1};
  layout.insert(layout.end(), array.layout.begin(), array.layout.end());
  if (groups > 1) {
    int64_t outputs = w.shape[0] / groups;
    array.sizes[0] = outputs;
    array.sizes.insert(array.sizes.begin(), groups);
    array.strides.insert(array.strides.begin(), outputs * array.strides[0]);
    for (size_t i = 0; i < layout.size(); ++i)
      layout[i] = static_cast<int64_t>(i);
  }
  array.layout = layout;
  return array;
}

/// One primitive: its operands in order, and what the record says of it.
struct Primitive {
  struct Part {
    OperandRole role;
    bool constant;
    Array *array;
  };
  struct Op {
    PostOpKind kind;
    double alpha = 0, beta = 0;
    int64_t operand = -1;
  };
  PrimitiveKind kind;
  std::vector<Part> parts;
  Dims strides = {}, dilations = {}, padLow = {}, padHigh = {}, kernel = {};
  std::vector<Op> postOps = {};

  std::vector<int64_t> record() const {
    std::vector<int64_t> words = {kSiteVersion,
                                  static_cast<int64_t>(kind),
                                  static_cast<int64_t>(ElementKind::F32),
                                  static_cast<int64_t>(strides.size()),
                                  static_cast<int64_t>(parts.size()),
                                  static_cast<int64_t>(postOps.size())};
    auto append = [&](const Dims &list) {
      words.insert(words.end(), list.begin(), list.end());
    };
    for (const Dims *list : {&strides, &dilations, &padLow, &padHigh, &kernel})
      append(*list);
    for (const Part &part : parts) {
      append({static_cast<int64_t>(part.role), part.constant,
              static_cast<int64_t>(part.array->sizes.size()),
              static_cast<int64_t>(part.array->layout.size())});
      append(part.array->layout);
    }
    for (const Op &op : postOps) {
      int64_t alpha, beta;
      std::memcpy(&alpha, &op.alpha, 8);
      std::memcpy(&beta, &op.beta, 8);
      append({static_cast<int64_t>(op.kind), alpha, beta, op.operand});
    }
    return words;
  }
  std::vector<int64_t> call() const {
    std::vector<int64_t> words;
    for (const Part &part : parts)
      words.push_back(reinterpret_cast<int64_t>(part.array->data.data()));
    for (const Part &part : parts) {
      words.insert(words.end(), part.array->sizes.begin(),
                   part.array->sizes.end());
      words.insert(words.end(), part.array->strides.begin(),
                   part.array->strides.end());
    }
    return words;
  }
};

inline void compare(const Array &got, const reference::Tensor &expected) {
  if (expected.data.empty())
    return;
  double worst = 0;
  Dims index(expected.shape.size(), 0), where = index;
  do {
    double want = expected.at(index);
    double error = std::abs(double(got.data[got.offset(index)]) - want) /
                   (1 + std::abs(want));
    if (!(error <= worst)) {
      worst = error;
      where = index;
    }
  } while (reference::next(index, expected.shape));
  EXPECT_LT(worst, 2e-5) << "at " << testing::PrintToString(where) << ": got "
                         << got.data[got.offset(where)] << ", expected "
                         << expected.at(where);
}

class OnednnTest : public testing::Test {
protected:
  void SetUp() override {
    const char *why = nullptr;
    if (!heed_onednn_version(&why))
      GTEST_SKIP() << why;
  }

  /// Runs the primitive twice, with one and with two threads, and compares its
  /// destination (the last operand). Returns the implementation's name.
  std::string expect(const Primitive &primitive,
                     const reference::Tensor &expected) {
    std::vector<int64_t> record = primitive.record(), call = primitive.call();
    heed::Program program;
    std::string implementation;
    Array &result = *primitive.parts.back().array;
    for (int64_t threads : {1, 2}) {
      heed::Context context(program, 0, 0, threads);
      for (int run = 0; run < 2; ++run) {
        std::fill(result.data.begin(), result.data.end(), -77.f);
        EXPECT_EQ(
            heed_onednn_primitive(context.get(), record.data(), call.data()), 0)
            << context.error();
        compare(result, expected);
      }
      if (const char *name =
              heed_onednn_implementation(context.get(), record.data()))
        implementation = name;
    }
    return implementation;
  }
};

} // namespace heed::runtime

#endif // HEED_TESTS_UNIT_RUNTIME_PRIMITIVE_FIXTURE_H
