// heed-bench.cpp - times Heed's kernels beside the limits of the machine.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A Google Benchmark: --benchmark_filter, --benchmark_out=FILE.json and the
// like are its flags. Counters of a row: `gflops` or `gbytes` a second, by the
// best call; `percent` of the limit, which is measured in the same process on
// as many threads, bandwidth on the kernel's own buffers; `median_us`.
#include "bench/Kernel.h"
#include "mlir/Parser/Parser.h"
#include "passes/lower/cpu/TargetDescriptor.h"
#include "tools/lib/cli/CommandLine.h"
#include "tools/lib/jit/Session.h"
#include "tools/lib/model/LoadModel.h"
#include "tools/lib/roof/Roof.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"
#include "llvm/TargetParser/Host.h"
#include <benchmark/benchmark.h>
#include <chrono>
#include <map>
#include <random>

using namespace llvm;
using namespace heed;
using namespace heed::bench;

namespace {

struct Options {
  cl::OptionCategory category{"heed-bench options"};
  cl::list<unsigned> threads{"threads", cl::CommaSeparated, cl::cat(category),
                             cl::desc("numbers of threads (default 1)")};
  cl::opt<std::string> mcpu{"mcpu", cl::cat(category),
                            cl::desc("CPU to compile for (default: host)")};
  cl::opt<bool> noFuse{"no-fuse", cl::cat(category),
                       cl::desc("time the unfused program")};
  cl::opt<bool> peak{"peak", cl::cat(category),
                     cl::desc("measure the peak of multiply-adds on so many "
                              "threads, print it as JSON, and end")};
  PlainH plainH;
};

/// Uniform in [-1, 1): bf16 by its upper half.
Array randomArray(const Port &port) {
  Array array;
  array.type = port.type;
  array.shape = port.shape;
  int64_t bytes = dtypeBytes(port.type);
  array.data.resize(array.numElements() * bytes);
  std::mt19937 random(0);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (char *slot = array.data.data(), *end = slot + array.data.size();
       slot < end; slot += bytes) {
    float value = uniform(random);
    std::memcpy(slot, reinterpret_cast<char *>(&value) + 4 - bytes, bytes);
  }
  return array;
}

/// A kernel, compiled and with its data in place.
struct Resident {
  std::unique_ptr<mlir::MLIRContext> context; // its weights lie there
  std::unique_ptr<CompiledProgram> program;
  std::unique_ptr<Session> session;
  size_t firstInput = 0, otherInputs = 0; // bytes
  std::string error;                      // of a call

  static Expected<std::unique_ptr<Resident>>
  make(const Kernel &kernel, const Options &options, unsigned threads);
};

Expected<std::unique_ptr<Resident>>
Resident::make(const Kernel &kernel, const Options &options, unsigned threads) {
  mlir::DialectRegistry registry;
  registerModelDialects(registry);
  auto resident = std::make_unique<Resident>();
  resident->context = std::make_unique<mlir::MLIRContext>(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      kernel.text(), resident->context.get());
  if (!module)
    return createStringError(kernel.name + ": not valid MLIR");
  CompileOptions compilation;
  compilation.mcpu = options.mcpu;
  compilation.fuse = !options.noFuse;
  auto program = CompiledProgram::compile(*module, compilation);
  if (!program)
    return program.takeError();
  resident->program = std::move(*program);
  if (kernel.inPlace)
    if (Error error = resident->program->alias("y", "x"))
      return std::move(error);
  std::vector<Array> inputs;
  for (const Port &port : resident->program->signature().inputs) {
    inputs.push_back(randomArray(port));
    (inputs.size() == 1 ? resident->firstInput : resident->otherInputs) +=
        inputs.back().data.size();
  }
  auto session = Session::open(*resident->program, inputs, threads);
  if (!session)
    return session.takeError();
  resident->session = std::move(*session);
  pinThreads(resident->session->handle());
  return resident;
}

/// The shortest of some runs, in seconds: of at least 5, and of 20 ms.
double shortest(function_ref<void()> run) {
  double best = 1e9, total = 0;
  for (int i = 0; i < 5 || total < 0.02; ++i) {
    auto start = std::chrono::steady_clock::now();
    run();
    std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count());
    total += time.count();
  }
  return best;
}

class Runner {
public:
  explicit Runner(const Options &options) : options(options) {}

  void run(benchmark::State &state, const Kernel &kernel, unsigned threads) {
    // Google Benchmark calls this again and again for one row.
    if (current != &kernel || currentThreads != threads) {
      resident.reset();
      current = nullptr;
      auto made = Resident::make(kernel, options, threads);
      if (!made)
        return state.SkipWithError(toString(made.takeError()).c_str());
      resident = std::move(*made);
      current = &kernel;
      currentThreads = threads;
      limit = 0;
    }
    std::vector<double> times;
    call(times); // faults the pages of results and scratch memory in
    times.clear();
    for (auto _ : state) {
      if (!call(times)) {
        state.SkipWithError(resident->error.c_str());
        return;
      }
      state.SetIterationTime(times.back());
    }
    // A slow kernel is called but once or twice in the time given: too few for
    // a best.
    while (times.size() < 5 && call(times))
      ;
    if (times.empty())
      return;
    llvm::sort(times);
    limit = std::max(limit, measureLimit(kernel));
    double rate = kernel.work / times.front();
    bool flops = kernel.limit == Limit::fma || kernel.limit == Limit::dotBf16;
    state.counters[flops ? "gflops" : "gbytes"] = rate * 1e-9;
    state.counters["percent"] = 100 * rate / limit;
    state.counters["best_us"] = 1e6 * times.front();
    state.counters["median_us"] = 1e6 * times[times.size() / 2];
  }

  /// FLOP, or exponentials, a second of a context's threads, measured once.
  double peak(Limit which, HeedContext *context) {
    double &rate = peaks[{which, heed_num_threads(context)}];
    if (rate == 0) {
      auto target = lower::getTargetDescriptor(options.mcpu);
      unsigned bytes = target ? target->vectorBytes : 64;
      rate = which == Limit::exponentials ? expPeak(context, bytes)
                                          : fmaPeak(context, bytes);
      if (which == Limit::dotBf16)
        rate = std::max(rate, dotBf16Peak(context));
    }
    return rate;
  }

private:
  bool call(std::vector<double> &times) {
    auto start = std::chrono::steady_clock::now();
    if (Error error = resident->session->call()) {
      resident->error = toString(std::move(error));
      return false;
    }
    std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - start;
    times.push_back(time.count());
    return true;
  }

  /// Work a second, on the buffers of the kernel.
  double measureLimit(const Kernel &kernel) {
    Session &session = *resident->session;
    HeedContext *context = session.handle();
    auto *first = static_cast<const char *>(session.input(0));
    switch (kernel.limit) {
    case Limit::fma:
    case Limit::dotBf16:
      return peak(kernel.limit, context);
    case Limit::read:
      return kernel.work / shortest([&] {
               size_t half = resident->otherInputs / 2;
               for (int64_t input : {1, 2})
                 readOnce(context,
                          static_cast<const char *>(session.input(input)),
                          half);
             });
    case Limit::readAndCopy:
    case Limit::exponentials: {
      double seconds = shortest([&] {
        readAndCopy(context, first, static_cast<char *>(session.output(0)),
                    resident->firstInput, kernel.images);
      });
      if (kernel.limit == Limit::exponentials)
        seconds = std::max(seconds, resident->firstInput / sizeof(float) /
                                        peak(kernel.limit, context));
      return kernel.work / seconds;
    }
    }
    llvm_unreachable("all limits are listed");
  }

  const Options &options;
  const Kernel *current = nullptr;
  unsigned currentThreads = 0;
  std::unique_ptr<Resident> resident;
  double limit = 0;
  std::map<std::pair<Limit, int64_t>, double> peaks;
};

double fmaPeakOn(Runner &runner, unsigned threads) {
  Program program;
  Context context(program, 0, 0, threads);
  pinThreads(context.get());
  return runner.peak(Limit::fma, context.get());
}

/// What a reader of the JSON has to know of the machine.
void addContext(Runner &runner, const Options &options) {
  auto target = lower::getTargetDescriptor(options.mcpu);
  benchmark::AddCustomContext("cpu", sys::getHostCPUName().str());
  benchmark::AddCustomContext(
      "mcpu", options.mcpu.empty() ? "host" : options.mcpu.getValue());
  benchmark::AddCustomContext("vector_bits",
                              std::to_string(8 * target->vectorBytes));
  const char *why = nullptr;
  const char *version = heed_onednn_version(&why);
  benchmark::AddCustomContext("onednn", version ? version : why);
  for (unsigned threads : options.threads)
    benchmark::AddCustomContext(
        formatv("fma_peak_gflops_{0}", threads),
        formatv("{0:f1}", 1e-9 * fmaPeakOn(runner, threads)));
}

/// {"1": {"fma_flops": FLOP a second}, …}, by the number of threads.
void printPeaks(raw_ostream &os, Runner &runner, const Options &options) {
  json::Object peaks;
  for (unsigned threads : options.threads)
    peaks[std::to_string(threads)] =
        json::Object{{"fma_flops", fmaPeakOn(runner, threads)}};
  os << json::Value(std::move(peaks)) << "\n";
}

} // namespace

int main(int argc, char **argv) {
  // Google Benchmark takes its own flags out; listing needs no measurement.
  bool list = any_of(ArrayRef(argv, argc), [](StringRef flag) {
    return flag.starts_with("--benchmark_list_tests");
  });
  benchmark::Initialize(&argc, argv);
  InitLLVM init(argc, argv);
  dropInheritedOptions();
  Options options;
  cl::HideUnrelatedOptions(options.category);
  cl::ParseCommandLineOptions(argc, argv,
                              "Heed: times its kernels beside the limits of "
                              "this machine; --benchmark_* "
                              "are flags of Google Benchmark\n");
  if (options.threads.empty())
    options.threads.push_back(1);
  if (!lower::getTargetDescriptor(options.mcpu)) {
    errs() << "heed-bench: --mcpu: expected a CPU that llc knows, got "
           << options.mcpu << "\n";
    return 1;
  }

  Runner runner(options);
  if (options.peak) {
    printPeaks(outs(), runner, options);
    return 0;
  }
  std::vector<Kernel> kernels;
  for (auto *make : {sdpaKernels, gateKernels, normKernels, recurrentKernels,
                     softmaxKernels})
    llvm::append_range(kernels, make());
  for (const Kernel &kernel : kernels)
    for (unsigned threads : options.threads)
      benchmark::RegisterBenchmark(
          formatv("{0}/t{1}", kernel.name, threads).str().c_str(),
          [&, threads](benchmark::State &state) {
            runner.run(state, kernel, threads);
          })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
  if (!list)
    addContext(runner, options);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
