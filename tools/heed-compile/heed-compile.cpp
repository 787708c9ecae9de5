// heed-compile.cpp - compiles a model ahead of time: an object or a shared
// library, and a C header; or its kernels for a GPU.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/support/Model.h"
#include "tools/lib/aot/CudaKernels.h"
#include "tools/lib/aot/Header.h"
#include "tools/lib/aot/Link.h"
#include "tools/lib/aot/Names.h"
#include "tools/lib/aot/Object.h"
#include "tools/lib/aot/Outputs.h"
#include "tools/lib/cli/CommandLine.h"
#include "tools/lib/cli/CompileFlags.h"
#include "tools/lib/cli/ExplainFlags.h"
#include "tools/lib/compile/CudaTarget.h"
#include "tools/lib/compile/Target.h"
#include "tools/lib/model/LoadModel.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace heed;

namespace {
/// Made in main, after the library's own flags are gone.
struct Options {
  cl::OptionCategory category{"heed-compile options"};
  ModelFlags compile{category};
  ExplainFlags explain{category};
  enum class Target { cpu, cuda };
  cl::opt<Target> target{
      "target", cl::cat(category), cl::init(Target::cpu),
      cl::desc("what to compile for"),
      cl::values(clEnumValN(Target::cpu, "cpu", "an object (default)"),
                 clEnumValN(Target::cuda, "cuda",
                            "a GPU and the CPU beside it: an object where -o "
                            "ends in .o, or with --shared a library; else the "
                            "kernels and an index of them, in the folder -o"))};
  cl::opt<std::string> chip{
      "chip", cl::value_desc("sm_80"), cl::cat(category),
      cl::desc("the GPU of --target cuda: sm_80, sm_86, sm_87, sm_89, sm_90, "
               "sm_90a, sm_100 or sm_120 (default: sm_80)")};
  cl::opt<std::string> format{
      "format", cl::value_desc("ptx"), cl::cat(category),
      cl::desc("what the kernels become: ptx; cubin or fatbin, by ptxas; mlir "
               "(default ptx)")};
  cl::opt<std::string> output{
      "o", cl::value_desc("model.o"), cl::cat(category),
      cl::desc("the object, with --shared the library; a folder for kernels")};
  cl::opt<std::string> header{"header", cl::value_desc("model.h"),
                              cl::cat(category),
                              cl::desc("its C header, complete by itself")};
  cl::opt<bool> shared{"shared", cl::cat(category),
                       cl::desc("make a shared library")};
  cl::opt<std::string> weights{
      "weights", cl::value_desc("model.bin"), cl::cat(category),
      cl::desc("keep the weights in this file, not in the object")};
  cl::opt<std::string> name{
      "name", cl::value_desc("NAME"), cl::cat(category),
      cl::desc("functions NAME_model and NAME_run (default: from the model "
               "file's name)")};
  cl::list<std::string> caches{
      "cache", cl::value_desc("out=in"), cl::cat(category),
      cl::desc("an output that is an input and new rows behind it: written in "
               "place, into memory of a fixed capacity")};
  cl::opt<std::string> assembly{"dump-asm", cl::value_desc("FILE"),
                                cl::cat(category),
                                cl::desc("write the assembly")};
  PlainH plainH;
};
} // namespace

/// Whether kernels alone are wanted, with no program around them.
static bool isFolder(const Options &options) {
  return options.target == Options::Target::cuda && !options.shared &&
         !StringRef(options.output).ends_with(".o");
}

/// What is wrong with the command line, before the long work.
static Error check(const Options &options) {
  if (options.target == Options::Target::cuda) {
    if (isFolder(options) &&
        (options.output.empty() || !options.header.empty() ||
         !options.weights.empty() || !options.name.empty() ||
         !options.caches.empty() || !options.assembly.empty()))
      return createStringError(
          "--target cuda: expected -o model.o, --shared, or -o FOLDER and none "
          "of --header, --weights, --name, --cache, --dump-asm");
    if (Error error = checkCudaTarget(options.chip, options.format))
      return error;
    if (options.compile.noFuse)
      return createStringError("--target cuda: --no-fuse leaves no attention");
  } else if (!options.chip.empty() || !options.format.empty()) {
    return createStringError("--chip, --format: expected --target cuda");
  }
  if (!options.name.empty())
    if (Error error = checkName(options.name))
      return error;
  if (options.output.empty() && options.header.empty() &&
      options.assembly.empty())
    return createStringError("nothing to write: give -o, --header or "
                             "--dump-asm");
  if (!options.explain.page.empty() && options.compile.noFuse)
    return createStringError("--heed-report: --no-fuse skips what it reports "
                             "on");
  if (options.output.empty() && (options.shared || !options.weights.empty()))
    return createStringError("--shared, --weights: expected -o");
  std::vector<StringRef> files{options.compile.model};
  for (StringRef file :
       {StringRef(options.output), StringRef(options.header),
        StringRef(options.weights), StringRef(options.assembly),
        StringRef(options.explain.json), StringRef(options.explain.page)}) {
    if (file.empty())
      continue;
    for (StringRef other : files)
      if (file == other || sys::fs::equivalent(file, other))
        return createStringError("'" + file + "' and '" + other +
                                 "' are one file");
    files.push_back(file);
  }
  return Error::success();
}

/// The library in its temporary place, from an object that goes again.
static Error link(const Options &options, ArrayRef<char> object,
                  StringRef library) {
  Outputs scratch;
  StringRef soname = sys::path::filename(options.output);
  std::string temporary;
  if (Error error = scratch.addMade(
          std::string(options.output) + ".o", [&](StringRef path) -> Error {
            temporary = path.str();
            return writeToOutput(path, [&](raw_ostream &os) {
              os.write(object.data(), object.size());
              return Error::success();
            });
          }))
    return error;
  return linkShared(temporary, library, soname);
}

static Error writeAll(const Options &options, const Lowered &lowered,
                      const WeightsLayout &layout, const ObjectCode &code,
                      const HeaderOptions &header) {
  Outputs outputs;
  auto bytes = [](ArrayRef<char> data) {
    return [data](raw_ostream &os) { os.write(data.data(), data.size()); };
  };
  if (!options.weights.empty())
    if (Error error = outputs.add(options.weights, [&](raw_ostream &os) {
          writeWeights(os, layout, lowered.weights);
        }))
      return error;
  if (!options.assembly.empty())
    if (Error error = outputs.add(options.assembly, bytes(code.assembly)))
      return error;
  if (!options.header.empty())
    if (Error error = outputs.add(options.header, [&](raw_ostream &os) {
          writeHeader(os, lowered, header);
        }))
      return error;
  // Last: who sees the object sees the rest.
  if (options.shared) {
    if (Error error = outputs.addMade(options.output, [&](StringRef path) {
          return link(options, code.object, path);
        }))
      return error;
  } else if (!options.output.empty()) {
    if (Error error = outputs.add(options.output, bytes(code.object)))
      return error;
  }
  return outputs.publish();
}

/// The GPU of --target cuda, and what its kernels become.
static std::pair<std::string, std::string> gpuOf(const Options &options) {
  auto either = [](const std::string &given, const char *standard) {
    return given.empty() ? standard : given;
  };
  return {either(options.chip, "sm_80"), either(options.format, "ptx")};
}

/// The kernels of a loaded model into the folder.
static Error compileKernels(const Options &options, mlir::ModuleOp module,
                            Report &report) {
  auto [chip, format] = gpuOf(options);
  auto kernels =
      compileCudaKernels(module, chip, format, [&](mlir::PassManager &pm) {
        options.explain.record(pm, report);
      });
  if (!kernels)
    return createStringError(options.compile.model + ": " +
                             toString(kernels.takeError()));
  if (Error error = writeCudaKernels(options.output, *kernels))
    return error;
  sortAnchors(report.anchors);
  options.explain.print(outs(), report);
  return options.explain.writeFiles(report);
}

static Error compileModel(Options &options) {
  if (Error error = check(options))
    return error;
  auto machine = createObjectTargetMachine(options.compile.mcpu);
  if (!machine)
    return machine.takeError();
  mlir::DialectRegistry registry;
  registerModelDialects(registry);
  mlir::MLIRContext context(registry);
  Report report;
  report.model = options.compile.model;
  if (failed(collectAnchors(context, report.anchors)))
    return createStringError("cannot collect remarks");
  auto module = loadModel(options.compile.model, context);
  if (!module)
    return module.takeError();
  if (isFolder(options))
    return compileKernels(options, **module, report);

  CompileOptions compilation = options.compile.options();
  if (options.target == Options::Target::cuda)
    std::tie(compilation.chip, compilation.format) = gpuOf(options);
  compilation.workspace = true;
  compilation.caches.assign(options.caches.begin(), options.caches.end());
  compilation.configure = [&](mlir::PassManager &pm) {
    options.explain.record(pm, report);
  };
  auto lowered = lowerModel(**module, compilation);
  if (!lowered)
    return createStringError(options.compile.model + ": " +
                             toString(lowered.takeError()));
  sortAnchors(report.anchors);

  HeaderOptions header;
  header.name = options.name.empty() ? nameFromFile(options.compile.model)
                                     : std::string(options.name);
  header.file = sys::path::filename(options.header).str();
  header.source = sys::path::filename(options.compile.model).str();
  header.cpu = (*machine)->getTargetCPU().str();
  header.weightsInFile = !options.weights.empty();
  ObjectOptions object;
  object.name = header.name;
  object.weightsInFile = header.weightsInFile;
  object.assembly = !options.assembly.empty();
  WeightsLayout layout(lowered->weights);
  ObjectCode code;
  if (!options.output.empty() || object.assembly) {
    auto emitted = emitObject(**module, *lowered, layout, **machine, object);
    if (!emitted)
      return createStringError(options.compile.model + ": " +
                               toString(emitted.takeError()));
    code = std::move(*emitted);
  }
  if (Error error = writeAll(options, *lowered, layout, code, header))
    return error;
  options.explain.print(outs(), report);
  return options.explain.writeFiles(report);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  dropInheritedOptions();
  Options options;
  cl::HideUnrelatedOptions(options.category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "Heed: compiles a model to an object with a C header, for "
      "libheed_runtime\n");
  if (Error error = compileModel(options)) {
    errs() << "heed-compile: " << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
