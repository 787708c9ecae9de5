// heed-decode.cpp - runs an encoder and a decoder, or a decoder alone: token ids
// in, token ids out.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/cli/CommandLine.h"
#include "tools/lib/cli/CompileFlags.h"
#include "tools/lib/cli/Messages.h"
#include "tools/lib/decode/Decoder.h"
#include "tools/lib/model/LoadModel.h"
#include "tools/lib/npy/Npy.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"
#include <cstring>
#include <numeric>

using namespace llvm;
using namespace heed;

namespace {
/// Made in main, after the library's own flags are gone.
struct Options {
  cl::OptionCategory category{"heed-decode options"};
  CompileFlags compile{category};
  cl::list<std::string> models{
      cl::Positional, cl::OneOrMore, cl::cat(category),
      cl::desc("[<encoder>] [<first step>] <decoder with past>")};
  cl::list<std::string> inputs{
      "input", cl::value_desc("ids.npy"), cl::OneOrMore, cl::cat(category),
      cl::desc("a sequence for the encoder, or for the decoder to continue; "
               "repeat for more")};
  cl::list<std::string> expects{
      "expect", cl::value_desc("ids.npy"), cl::cat(category),
      cl::desc("expected tokens, one file an input; compared exactly")};
  cl::list<int64_t> startTokens{
      "start-token", cl::value_desc("id,..."), cl::CommaSeparated,
      cl::cat(category), cl::desc("tokens that the decoder begins with")};
  cl::opt<int64_t> endToken{
      "end-token", cl::value_desc("id"), cl::init(-1), cl::cat(category),
      cl::desc("token that ends a sequence (default: none)")};
  cl::opt<int64_t> maxTokens{
      "max-tokens", cl::init(256), cl::cat(category),
      cl::desc("at most so many new tokens (default 256)")};
  cl::list<std::string> caches{
      "cache", cl::value_desc("out=in"), cl::cat(category),
      cl::desc("outputs that continue inputs, one * on each side (default: "
               "present*=past_key_values*, present*=past*)")};
  cl::opt<std::string> outputDir{
      "output", cl::value_desc("DIR"), cl::cat(category),
      cl::desc("write out0.npy, out1.npy, ... into DIR")};
  cl::opt<unsigned> threads{"threads", cl::init(0), cl::cat(category),
                            cl::desc("number of threads (default: all)")};
  cl::opt<bool> bench{
      "bench", cl::cat(category),
      cl::desc("print tokens per second and the time of steps")};
  cl::opt<bool> json{"json", cl::cat(category),
                     cl::desc("print one JSON object an input")};
  PlainH plainH;
};
} // namespace

static int fail(const Twine &message) {
  return heed::fail("heed-decode", message);
}

static int fail(Error error) { return fail(toString(std::move(error))); }

static Array arrayOf(ArrayRef<int64_t> tokens) {
  Array array;
  array.type = DType::I64;
  array.shape = {int64_t(tokens.size())};
  array.data.resize(tokens.size() * sizeof(int64_t));
  std::memcpy(array.data.data(), tokens.data(), array.data.size());
  return array;
}

/// An error that says where the tokens first differ.
static Error compareTokens(ArrayRef<int64_t> tokens, const Array &expected) {
  size_t count = expected.numElements();
  auto text = [](bool there, int64_t token) {
    return there ? std::to_string(token) : std::string("the end");
  };
  for (size_t i = 0; i < std::max(tokens.size(), count); ++i) {
    int64_t want = i < count ? int64_t(expected.at(i)) : 0;
    int64_t got = i < tokens.size() ? tokens[i] : 0;
    if (i < count && i < tokens.size() && want == got)
      continue;
    return createStringError(formatv("token {0}: expected {1}, got {2}", i,
                                     text(i < count, want),
                                     text(i < tokens.size(), got)));
  }
  return Error::success();
}

/// Steps around powers of ten and of two, and the last.
static void printTimes(ArrayRef<double> seconds) {
  double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  if (seconds.empty())
    return;
  outs() << formatv("{0:f1} tokens/s over {1} steps\n", seconds.size() / total,
                    seconds.size());
  // The median of a few steps: single ones are noise.
  for (size_t step : {10, 50, 100, 200, 300, 400, 500, 1000, 2000}) {
    constexpr size_t kAround = 4;
    if (step + kAround >= seconds.size() + 2)
      break;
    std::vector<double> near(seconds.begin() + step - kAround - 1,
                             seconds.begin() +
                                 std::min(step + kAround, seconds.size()));
    std::nth_element(near.begin(), near.begin() + near.size() / 2, near.end());
    outs() << formatv("step {0}: {1:f4} ms\n", step,
                      1e3 * near[near.size() / 2]);
  }
}

static void printJson(ArrayRef<int64_t> tokens, ArrayRef<double> seconds) {
  json::Array ids, times;
  for (int64_t token : tokens)
    ids.push_back(token);
  for (double time : seconds)
    times.push_back(1e3 * time);
  outs() << json::Value(json::Object{{"tokens", std::move(ids)},
                                     {"step_ms", std::move(times)}})
         << "\n";
}

static int run(Options &options) {
  auto inputs = readAllNpy(options.inputs);
  if (!inputs)
    return fail(inputs.takeError());
  auto expected = readAllNpy(options.expects);
  if (!expected)
    return fail(expected.takeError());
  if (expected->size() > inputs->size())
    return fail(formatv("--expect: expected at most {0} (the inputs), got {1}",
                        inputs->size(), expected->size()));
  constexpr int64_t kMostTokens = 1 << 20;
  if (options.maxTokens < 1 || options.maxTokens > kMostTokens)
    return fail(formatv("--max-tokens: expected 1 to {0}, got {1}", kMostTokens,
                        options.maxTokens.getValue()));

  DecodeOptions decode;
  decode.compilation = options.compile.options();
  decode.threads = options.threads;
  decode.startTokens.assign(options.startTokens.begin(),
                            options.startTokens.end());
  if (options.endToken >= 0)
    decode.endToken = options.endToken;
  decode.maxTokens = options.maxTokens;
  decode.caches.assign(options.caches.begin(), options.caches.end());
  mlir::DialectRegistry registry;
  registerModelDialects(registry);
  mlir::MLIRContext context(registry);
  showProgress("compiling");
  auto decoder = Decoder::open({options.models.begin(), options.models.end()},
                               context, decode);
  showProgress("");
  if (!decoder)
    return fail(decoder.takeError());
  if (!options.outputDir.empty())
    if (std::error_code error = sys::fs::create_directories(options.outputDir))
      return fail(options.outputDir + ": " + error.message());

  int status = 0;
  for (auto [index, input] : enumerate(*inputs)) {
    const std::string &file = options.inputs[index];
    auto tokens = (*decoder)->decode(input);
    if (!tokens)
      return fail(file + ": " + toString(tokens.takeError()));
    if (options.json) {
      printJson(*tokens, (*decoder)->stepSeconds());
    } else {
      interleave(*tokens, outs(), " ");
      outs() << "\n";
      if (options.bench)
        printTimes((*decoder)->stepSeconds());
    }
    if (!options.outputDir.empty())
      if (Error error = writeNpy(
              formatv("{0}/out{1}.npy", options.outputDir, index).str(),
              arrayOf(*tokens)))
        return fail(std::move(error));
    if (index < expected->size())
      if (Error error = compareTokens(*tokens, (*expected)[index]))
        status = fail(file + ": " + toString(std::move(error)));
  }
  return status;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  dropInheritedOptions();
  Options options;
  cl::HideUnrelatedOptions(options.category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "Heed: decodes greedily, with a cache of keys and values in place\n");
  return run(options);
}
