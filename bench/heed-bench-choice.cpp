// heed-bench-choice.cpp - times both sides of what runtime/cost/CostModel.cpp
// decides.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   heed-bench-choice [threads]
//
// A row for each shape: the time of every way to compute it, in turns, the
// best of many calls each; what is chosen is marked by *. A choice that costs
// more than a tenth, and half a microsecond, is wrong, and so is the constant
// behind it.
#include "runtime/cost/CostModel.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

using namespace dnnl;
using heed::cost::ProductFamily;
using Desc = memory::desc;
using Dims = memory::dims;
using Tag = memory::format_tag;

namespace {

constexpr auto kF32 = memory::data_type::f32;
constexpr auto kInference = prop_kind::forward_inference;

/// A primitive with memory of its own.
struct Way {
  std::string name;
  bool chosen;
  primitive op;
  std::vector<memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
  double best = 1e30; // seconds

  template <typename PrimitiveDesc>
  Way(std::string name, bool chosen, primitive op, const engine &engine,
      const PrimitiveDesc &desc)
      : name(std::move(name)), chosen(chosen), op(std::move(op)) {
    const std::pair<int, Desc> parts[] = {
        {DNNL_ARG_SRC, desc.src_desc()},
        {DNNL_ARG_WEIGHTS, desc.weights_desc()},
        {DNNL_ARG_DST, desc.dst_desc()}};
    for (const auto &[id, part] : parts) {
      memory held(part, engine);
      auto *data = static_cast<float *>(held.get_data_handle());
      std::fill(data, data + part.get_size() / sizeof(float), 0.5f);
      memories.push_back(held);
      arguments.push_back({id, held.get()});
    }
  }
};

class Bench {
public:
  /// Times the ways, each `calls` times in a row, and prints their row.
  void compare(const std::string &shape, std::vector<Way> &ways, double flop) {
    using Clock = std::chrono::steady_clock;
    auto calls = std::max(1, static_cast<int>(2e6 / flop));
    for (double spent = 0; spent < 0.02;)
      for (Way &way : ways) {
        auto start = Clock::now();
        for (int call = 0; call < calls; ++call)
          dnnl_primitive_execute(way.op.get(), stream.get(),
                                 static_cast<int>(way.arguments.size()),
                                 way.arguments.data());
        std::chrono::duration<double> time = Clock::now() - start;
        spent += time.count() / static_cast<double>(ways.size());
        way.best = std::min(way.best, time.count() / calls);
      }
    double best = 1e30, chosen = 0;
    for (const Way &way : ways) {
      best = std::min(best, way.best);
      if (way.chosen)
        chosen = way.best;
    }
    std::printf("%-34s %6.2f", shape.c_str(), best / chosen);
    for (const Way &way : ways)
      std::printf("  %c%s %.2f us", way.chosen ? '*' : ' ', way.name.c_str(),
                  1e6 * way.best);
    bool isWrong = chosen > 1.1 * best && chosen > best + 5e-7;
    std::printf("%s\n", isWrong ? "  WRONG" : "");
    ++rows;
    wrong += isWrong;
  }

  engine cpu{engine::kind::cpu, 0};
  dnnl::stream stream{cpu};
  int rows = 0, wrong = 0;
};

void product(Bench &bench, int64_t m, int64_t k, int64_t n, int64_t threads) {
  Desc a({m, k}, kF32, Tag::ab), c({m, n}, kF32, Tag::ab);
  matmul::primitive_desc plain(bench.cpu, a, Desc({k, n}, kF32, Tag::any), c);
  // Only over a general GEMM is there something to choose.
  if (std::strncmp(plain.impl_info_str(), "gemm", 4) != 0)
    return;
  inner_product_forward::primitive_desc inner(bench.cpu, kInference, a,
                                              Desc({n, k}, kF32, Tag::any), c);
  auto makeConvolution = [&] {
    return convolution_forward::primitive_desc(
        bench.cpu, kInference, algorithm::convolution_direct,
        Desc({1, k, 1, m}, kF32, Tag::nhwc), Desc({n, k, 1, 1}, kF32, Tag::any),
        Desc({1, n, 1, m}, kF32, Tag::nhwc), Dims{1, 1}, Dims{0, 0}, Dims{0, 0},
        Dims{0, 0});
  };
  auto convolution = makeConvolution();
  const char *faster = heed::cost::fasterThan(convolution.impl_info_str());
  while (faster && std::strcmp(convolution.impl_info_str(), faster) != 0 &&
         convolution.next_impl())
    ;
  ProductFamily chosen = heed::cost::chooseProductFamily(m, k, n, threads);
  std::vector<Way> ways;
  ways.emplace_back("matmul", chosen == ProductFamily::Matmul, matmul(plain),
                    bench.cpu, plain);
  ways.emplace_back("inner product", chosen == ProductFamily::InnerProduct,
                    inner_product_forward(inner), bench.cpu, inner);
  ways.emplace_back("convolution", chosen == ProductFamily::Convolution,
                    convolution_forward(convolution), bench.cpu, convolution);
  bench.compare("product m" + std::to_string(m) + " k" + std::to_string(k) +
                    " n" + std::to_string(n),
                ways, 2. * m * k * n);
}

struct Picture {
  int64_t channels, height, width, outputs, groups, kernel, stride;
};

void convolution(Bench &bench, const Picture &p) {
  int64_t pad = p.kernel / 2;
  int64_t height = (p.height + 2 * pad - p.kernel) / p.stride + 1;
  int64_t width = (p.width + 2 * pad - p.kernel) / p.stride + 1;
  Dims weights = {p.outputs, p.channels / p.groups, p.kernel, p.kernel};
  if (p.groups > 1)
    weights = {p.groups, p.outputs / p.groups, p.channels / p.groups, p.kernel,
               p.kernel};
  convolution_forward::primitive_desc desc(
      bench.cpu, kInference, algorithm::convolution_direct,
      Desc({1, p.channels, p.height, p.width}, kF32, Tag::nhwc),
      Desc(weights, kF32, Tag::any),
      Desc({1, p.outputs, height, width}, kF32, Tag::nhwc),
      Dims{p.stride, p.stride}, Dims{0, 0}, Dims{pad, pad}, Dims{pad, pad});
  std::string first = desc.impl_info_str();
  const char *faster = heed::cost::fasterThan(first.c_str());
  if (!faster)
    return;
  std::vector<Way> ways;
  ways.emplace_back(first, false, convolution_forward(desc), bench.cpu, desc);
  while (desc.next_impl())
    if (std::strcmp(desc.impl_info_str(), faster) == 0)
      ways.emplace_back(faster, true, convolution_forward(desc), bench.cpu,
                        desc);
  if (ways.size() < 2)
    return;
  double flop = 2. * p.outputs * height * width * p.channels / p.groups *
                p.kernel * p.kernel;
  bench.compare("convolution " + std::to_string(p.channels) + "x" +
                    std::to_string(p.height) + "x" + std::to_string(p.width) +
                    " to " + std::to_string(p.outputs) + ", " +
                    std::to_string(p.kernel) + "x" + std::to_string(p.kernel),
                ways, flop);
}

} // namespace

int main(int argc, char **argv) {
  int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  if (threads < 1) {
    std::fprintf(stderr,
                 "heed-bench-choice: expected a number of threads, "
                 "got %s\n",
                 argv[1]);
    return 1;
  }
  omp_set_num_threads(threads);
  Bench bench;
  std::printf("threads: %d; times, and the best's as a share of the chosen "
              "one's\n",
              threads);
  const int64_t sizes[][2] = {{64, 64},    {128, 128},  {200, 2},
                              {256, 256},  {120, 360},  {384, 384},
                              {384, 1536}, {1536, 384}, {512, 2048},
                              {768, 768},  {768, 2304}, {120, 6625}};
  for (auto [k, n] : sizes)
    for (int64_t m : {1, 2, 4, 8, 12, 16, 32, 64, 128})
      product(bench, m, k, n, threads);
  const Picture pictures[] = {
      {16, 160, 240, 16, 16, 3, 1}, {32, 160, 240, 32, 32, 3, 2},
      {96, 40, 60, 96, 96, 3, 1},   {192, 20, 30, 192, 192, 5, 1},
      {480, 6, 80, 480, 480, 5, 1}, {88, 3, 96, 88, 88, 5, 1},
      {16, 160, 240, 32, 1, 1, 1},  {48, 80, 120, 48, 1, 1, 1},
      {384, 10, 15, 384, 1, 1, 1},  {480, 6, 80, 480, 1, 1, 1},
      {8, 12, 96, 24, 1, 1, 1},     {24, 6, 96, 8, 1, 1, 1},
      {64, 56, 56, 256, 1, 1, 1},   {256, 56, 56, 64, 1, 1, 1},
      {1024, 14, 14, 256, 1, 1, 1}, {512, 7, 7, 2048, 1, 1, 1},
      {256, 56, 56, 512, 1, 1, 2}};
  for (const Picture &picture : pictures)
    convolution(bench, picture);
  std::printf("%d of %d choices cost more than a tenth\n", bench.wrong,
              bench.rows);
  if (bench.rows == 0)
    std::printf("nothing to choose: on this CPU oneDNN's first "
                "implementations stay\n");
  return 0;
}
