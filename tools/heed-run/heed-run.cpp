// heed-run.cpp - compiles a model in process, runs it, compares and times it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/heed-run/Cuda.h"
#include "tools/heed-run/Inputs.h"
#include "tools/lib/check/Compare.h"
#include "tools/lib/check/SelfCheck.h"
#include "tools/lib/cli/CommandLine.h"
#include "tools/lib/cli/CompileFlags.h"
#include "tools/lib/cli/ExplainFlags.h"
#include "tools/lib/cli/Messages.h"
#include "tools/lib/jit/Program.h"
#include "tools/lib/model/LoadModel.h"
#include "tools/lib/npy/Npy.h"
#include "tools/lib/profile/Limits.h"
#include "tools/lib/profile/Table.h"
#include "tools/lib/profile/Trace.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include <chrono>
#include <sys/resource.h>

using namespace llvm;
using namespace heed;

namespace {
/// Made in main, after the library's own flags are gone.
struct Options {
  cl::OptionCategory category{"heed-run options"};
  ModelFlags compile{category};
  ExplainFlags explain{category};
  cl::list<std::string> inputs{"input", cl::value_desc("a.npy"),
                               cl::cat(category),
                               cl::desc("input array; repeat in graph order")};
  cl::list<std::string> expects{
      "expect", cl::value_desc("y.npy"), cl::cat(category),
      cl::desc("expected output; repeat in graph order")};
  cl::list<std::string> shapes{
      "shape", cl::value_desc("name=1x3x48x320"), cl::cat(category),
      cl::desc("sizes of a dynamic input, for random data")};
  cl::list<std::string> aliases{
      "alias", cl::value_desc("out=in"), cl::cat(category),
      cl::desc("an output that shares an input's memory, updated in place")};
  cl::opt<std::string> outputDir{
      "output", cl::value_desc("DIR"), cl::cat(category),
      cl::desc("write out0.npy, out1.npy, ... into DIR")};
  cl::opt<double> atol{"atol", cl::init(1e-4), cl::cat(category),
                       cl::desc("absolute tolerance (default 1e-4)")};
  cl::opt<double> rtol{"rtol", cl::init(1e-4), cl::cat(category),
                       cl::desc("relative tolerance (default 1e-4)")};
  cl::opt<unsigned> threads{"threads", cl::init(0), cl::cat(category),
                            cl::desc("number of threads (default: all)")};
  cl::opt<bool> bench{"bench", cl::cat(category),
                      cl::desc("time warm calls with resident data")};
  cl::opt<double> benchSeconds{"bench-seconds", cl::init(1.0),
                               cl::cat(category),
                               cl::desc("time to spend (default 1 s)")};
  cl::opt<bool> json{"json", cl::cat(category),
                     cl::desc("print timings as one JSON object")};
  cl::opt<bool> profile{
      "profile", cl::cat(category),
      cl::desc("print where the time goes, by kernel, beside the limits of "
               "the machine")};
  cl::opt<std::string> profileJson{
      "profile-json", cl::value_desc("FILE"), cl::cat(category),
      cl::desc("write one run's kernels in Chrome's trace format")};
  cl::opt<unsigned> selfCheck{
      "self-check", cl::value_desc("K"), cl::init(0), cl::cat(category),
      cl::desc("first compare with the unfused program on K random inputs "
               "(and those given)")};
  cl::opt<unsigned> seed{"seed", cl::init(0), cl::cat(category),
                         cl::desc("seed of random inputs (default 0)")};
  enum class Device { cpu, cuda };
  cl::opt<Device> device{
      "device", cl::init(Device::cpu), cl::cat(category),
      cl::desc("where it runs (default cpu)"),
      cl::values(clEnumValN(Device::cpu, "cpu", "the CPU"),
                 clEnumValN(Device::cuda, "cuda",
                            "kernels on an NVIDIA GPU, the rest on the CPU"))};
  cl::opt<std::string> chip{
      "chip", cl::value_desc("sm_90"), cl::cat(category),
      cl::desc("GPU to compile for (default: the device's)")};
  cl::opt<std::string> format{
      "format", cl::value_desc("ptx"), cl::cat(category),
      cl::desc(
          "what the driver gets: ptx; cubin or fatbin, by ptxas; mlir, for "
          "an emulated one (default ptx)")};
  PlainH plainH;
};
} // namespace

static int fail(const Twine &message) {
  return heed::fail("heed-run", message);
}

static int fail(Error error) { return fail(toString(std::move(error))); }

static Error writeOutputs(const Options &options,
                          const std::vector<Array> &outputs) {
  if (std::error_code error = sys::fs::create_directories(options.outputDir))
    return createStringError(options.outputDir + ": " + error.message());
  for (auto [index, array] : enumerate(outputs))
    if (Error error = writeNpy(
            formatv("{0}/out{1}.npy", options.outputDir, index).str(), array))
      return error;
  return Error::success();
}

/// Compares the first outputs with --expect; prints a line for each.
static int compareOutputs(const Options &options,
                          const std::vector<Port> &ports,
                          const std::vector<Array> &outputs,
                          const std::vector<Array> &expected) {
  int status = 0;
  for (auto [index, want] : enumerate(expected)) {
    auto comparison =
        compareArrays(outputs[index], want, options.atol, options.rtol);
    std::string name = ports[index].name;
    if (!comparison) {
      status = fail("output " + name + ": " + toString(comparison.takeError()));
      continue;
    }
    if (!comparison->within) {
      status = fail("output " + name + ": " + comparison->message);
      continue;
    }
    if (!options.json)
      outs() << formatv("output {0}: largest error {1:e2}\n", name,
                        comparison->maxAbsError);
  }
  return status;
}

static void printTimes(const Options &options, double compileSeconds,
                       std::vector<double> times) {
  llvm::sort(times);
  auto ms = [&](double q) {
    return 1e3 * times[std::min(times.size() - 1, size_t(q * times.size()))];
  };
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double peakMib = usage.ru_maxrss / 1024.0;
  if (options.json)
    outs() << formatv("{{\"compile_s\":{0:f4},\"min_ms\":{1:f5},\"median_ms\":"
                      "{2:f5},\"p90_ms\":{3:f5},\"runs\":{4},\"peak_mib\":"
                      "{5:f1}}\n",
                      compileSeconds, ms(0), ms(0.5), ms(0.9), times.size(),
                      peakMib);
  else
    outs() << formatv("compile {0:f3} s; run min {1:f3} ms, median {2:f3} ms, "
                      "p90 {3:f3} ms ({4} runs); peak {5:f1} MiB\n",
                      compileSeconds, ms(0), ms(0.5), ms(0.9), times.size(),
                      peakMib);
}

/// Times runs with marks; prints and writes what was asked for.
static Expected<std::vector<Array>>
runProfile(const Options &options, CompiledProgram &program,
           const std::vector<Array> &inputs) {
  showProgress("profiling " + options.compile.model);
  std::vector<Array> outputs;
  auto profile =
      program.profile(inputs, options.threads, options.benchSeconds, outputs);
  if (!profile)
    return profile.takeError();
  if (options.profile) {
    Limits limits = measureLimits(options.threads);
    showProgress("");
    printProfile(outs(), program.kernels(), summarize(*profile), limits,
                 profile->threads);
  }
  showProgress("");
  if (!options.profileJson.empty())
    if (Error error = writeTrace(options.profileJson, program.kernels(),
                                 *profile, options.compile.model))
      return std::move(error);
  return outputs;
}

/// Runs the check on the given inputs and K sets like them, or on K random
/// sets.
static Error checkItself(Options &options, mlir::ModuleOp source,
                         CompiledProgram &program,
                         const CompileOptions &compilation,
                         const std::vector<Array> &inputs,
                         std::vector<Anchor> &anchors) {
  std::vector<std::vector<Array>> cases;
  if (!options.inputs.empty())
    cases.push_back(inputs);
  for (unsigned k = 0; k < options.selfCheck; ++k) {
    uint64_t seed = options.seed + k;
    if (!options.inputs.empty()) {
      cases.push_back(drawInputs(inputs, seed));
      continue;
    }
    auto random =
        makeInputs(program.signature().inputs, {}, options.shapes, seed);
    if (!random)
      return random.takeError();
    cases.push_back(std::move(*random));
  }
  showProgress("checking " + options.compile.model);
  SelfCheckOptions check{compilation, options.atol, options.rtol,
                         options.threads};
  auto largest = selfCheck(source, program, anchors, cases, check);
  showProgress("");
  if (!largest)
    return largest.takeError();
  if (!options.json)
    outs() << formatv("self-check: {0} runs, largest difference {1:e2}\n",
                      cases.size(), *largest);
  return Error::success();
}

static int runModel(Options &options) {
  mlir::DialectRegistry registry;
  registerModelDialects(registry);
  mlir::MLIRContext context(registry);
  Report report;
  report.model = options.compile.model;
  std::vector<Anchor> &anchors = report.anchors;
  if (failed(collectAnchors(context, anchors)))
    return fail("cannot collect remarks");

  // Everything that may be wrong with the arguments, before the long work.
  if (!options.explain.page.empty() && options.compile.noFuse)
    return fail("--heed-report: --no-fuse skips what it reports on");
  if (options.selfCheck && options.compile.noFuse)
    return fail("--self-check: --no-fuse leaves nothing to compare");
  bool profiles = options.profile || !options.profileJson.empty();
  if (profiles && options.bench)
    return fail("--profile: --bench times the program without marks; give one "
                "of the two");
  if (!options.profileJson.empty())
    if (Error error = checkWritable(options.profileJson))
      return fail("--profile-json: " + toString(std::move(error)));
  CompileOptions compilation = options.compile.options();
  compilation.profile = profiles;
  std::string deviceName;
  if (options.device == Options::Device::cuda) {
    if (profiles)
      return fail("--profile: expected --device cpu: kernels of a GPU have no "
                  "marks");
    auto device = findCudaDevice(options.chip, options.format);
    if (!device)
      return fail("--device cuda: " + toString(device.takeError()));
    compilation.chip = device->chip;
    compilation.format = device->format;
    deviceName = device->name;
  } else if (!options.chip.empty() || !options.format.empty()) {
    return fail("--chip, --format: expected --device cuda");
  }
  auto expected = readAllNpy(options.expects);
  if (!expected)
    return fail(expected.takeError());

  showProgress("importing " + options.compile.model);
  auto module = loadModel(options.compile.model, context);
  if (!module)
    return fail(module.takeError());
  auto signature = Signature::of(**module);
  if (!signature)
    return fail(options.compile.model + ": " + toString(signature.takeError()));
  auto inputs = makeInputs(signature->inputs, options.inputs, options.shapes,
                           options.seed);
  if (!inputs)
    return fail(inputs.takeError());
  if (Error error = signature->check(*inputs))
    return fail(std::move(error));
  if (expected->size() > signature->outputs.size())
    return fail(formatv("--expect: expected at most {0} (the program's "
                        "outputs), got {1}",
                        signature->outputs.size(), expected->size()));

  showProgress("compiling " + options.compile.model);
  auto start = std::chrono::steady_clock::now();
  compilation.configure = [&](mlir::PassManager &pm) {
    options.explain.record(pm, report);
  };
  mlir::OwningOpRef<mlir::ModuleOp> source;
  if (options.selfCheck)
    source = (*module)->clone();
  auto program = CompiledProgram::compile(**module, compilation);
  if (!program)
    return fail(options.compile.model + ": " + toString(program.takeError()));
  std::chrono::duration<double> compileTime =
      std::chrono::steady_clock::now() - start;
  showProgress("");
  for (const std::string &pair : options.aliases) {
    auto [output, input] = StringRef(pair).split('=');
    if (Error error = (*program)->alias(output, input))
      return fail("--alias: " + toString(std::move(error)));
  }

  sortAnchors(anchors);
  if (options.selfCheck)
    if (Error error = checkItself(options, *source, **program, compilation,
                                  *inputs, anchors))
      return fail(std::move(error));
  options.explain.print(outs(), report);
  if (options.explain.explain && !compilation.chip.empty())
    outs() << "kernels: " << (*program)->onGpu()
           << "\nfor cuBLAS and cuDNN: " << (*program)->byLibrary()
           << "\nstays on the CPU: " << (*program)->onCpu() << "\n";
  std::vector<Array> outputs;
  if (profiles) {
    auto results = runProfile(options, **program, *inputs);
    if (!results)
      return fail(results.takeError());
    outputs = std::move(*results);
  } else if (options.bench) {
    auto times = (*program)->bench(*inputs, options.threads,
                                   options.benchSeconds, outputs);
    if (!times)
      return fail(times.takeError());
    printTimes(options, compileTime.count(), *times);
  } else {
    auto results = (*program)->run(*inputs, options.threads);
    if (!results)
      return fail(results.takeError());
    outputs = std::move(*results);
    if (options.outputDir.empty() && expected->empty() &&
        !options.explain.explain)
      for (auto [port, array] : zip_equal(signature->outputs, outputs))
        outs() << "output " << Port{port.name, array.type, array.shape}.str()
               << "\n";
  }
  if (options.device == Options::Device::cuda && !options.json)
    printCudaCounts(outs(), deviceName, (*program)->cudaCounts(),
                    (*program)->whyOnHost());
  if (Error error = options.explain.writeFiles(report))
    return fail(std::move(error));
  int status = compareOutputs(options, signature->outputs, outputs, *expected);
  if (!options.outputDir.empty())
    if (Error error = writeOutputs(options, outputs))
      return fail(std::move(error));
  return status;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  dropInheritedOptions();
  Options options;
  cl::HideUnrelatedOptions(options.category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "Heed: compiles a model in process, runs it, compares and times it\n");
  return runModel(options);
}
