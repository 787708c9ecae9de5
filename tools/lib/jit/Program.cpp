// Program.cpp - compiles a module in process and runs it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/jit/Program.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "runtime/support/MathCalls.h"
#include "tools/lib/compile/Target.h"
#include "tools/lib/jit/Session.h"
#include <chrono>

using namespace mlir;

namespace heed {
llvm::Expected<std::unique_ptr<CompiledProgram>>
CompiledProgram::compile(ModuleOp module, const CompileOptions &options) {
  std::unique_ptr<CompiledProgram> result(new CompiledProgram());
  auto machine = createTargetMachine(options.mcpu);
  if (!machine)
    return machine.takeError();
  if (llvm::Error error = checkRunsHere(**machine))
    return std::move(error);
  auto lowered = lowerModel(module, options);
  if (!lowered)
    return lowered.takeError();
  result->lowered = std::move(*lowered);
  result->takeKernels(module);
  std::vector<const void *> weights;
  for (ArrayRef<char> weight : result->lowered.weights)
    weights.push_back(weight.data());
  result->program = std::make_unique<heed::Program>(weights);

  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  ExecutionEngineOptions engineOptions;
  auto optimize = makeOptimizingTransformer(options.optLevel, /*sizeLevel=*/0,
                                            machine->get());
  engineOptions.transformer = optimize;
  engineOptions.jitCodeGenOptLevel =
      llvm::CodeGenOpt::getLevel(int(options.optLevel))
          .value_or(llvm::CodeGenOptLevel::Aggressive);
  engineOptions.enableGDBNotificationListener = false;
  auto engine =
      ExecutionEngine::create(module, engineOptions, std::move(*machine));
  if (!engine)
    return engine.takeError();
  result->engine = std::move(*engine);
  result->engine->registerSymbols([](llvm::orc::MangleAndInterner name) {
    auto symbol = [](auto *function) {
      return llvm::orc::ExecutorSymbolDef(
          llvm::orc::ExecutorAddr::fromPtr(function),
          llvm::JITSymbolFlags::Exported);
    };
    return llvm::orc::SymbolMap{
        {name("__truncsfbf2"), symbol(&heed_math___truncsfbf2)},
        {name("__truncdfbf2"), symbol(&heed_math___truncdfbf2)}};
  });
  auto entry = result->engine->lookup("main");
  if (!entry)
    return entry.takeError();
  result->entry = reinterpret_cast<HeedEntry>(*entry);
  return result;
}

llvm::Error CompiledProgram::alias(StringRef output, StringRef input) {
  auto find = [](const std::vector<Port> &list, StringRef name) {
    auto it = llvm::find_if(
        list, [&](const Port &port) { return port.name == name; });
    return it == list.end() ? -1 : int64_t(it - list.begin());
  };
  std::pair<int64_t, int64_t> pair{find(signature().outputs, output),
                                   find(signature().inputs, input)};
  if (pair.first < 0 || pair.second < 0)
    return llvm::createStringError("expected an output and an input, got '" +
                                   output + "' and '" + input + "'");
  if (!llvm::is_contained(lowered.inPlace, pair))
    return llvm::createStringError(
        "output '" + output + "' is not input '" + input +
        "' updated in place, or the program reads the input elsewhere too");
  if (!llvm::is_contained(aliases, pair))
    aliases.push_back(pair);
  return llvm::Error::success();
}

llvm::Error CompiledProgram::bind(heed::Context &context,
                                  ArrayRef<Array> inputs,
                                  std::vector<std::vector<char>> &shared) {
  if (llvm::Error error = signature().check(inputs))
    return error;
  for (auto [index, array] : llvm::enumerate(inputs))
    context.setInput(index, array.data.data(), array.shape);
  for (auto [index, port] : llvm::enumerate(signature().outputs))
    context.setOutput(index, dtypeBytes(port.type));
  shared.reserve(aliases.size());
  for (auto [output, input] : aliases) {
    const Array &array = inputs[input];
    std::vector<char> &memory =
        shared.emplace_back(array.data.begin(), array.data.end());
    context.setInput(input, memory.data(), array.shape);
    context.setOutput(output, dtypeBytes(signature().outputs[output].type),
                      memory.data(), memory.size());
  }
  return llvm::Error::success();
}

llvm::Error CompiledProgram::call(heed::Context &context) {
  if (context.run(entry) != 0)
    return llvm::createStringError(Twine("run failed: ") + context.error());
  heed_cuda_counts(context.get(), &counts);
  why = heed_cuda_why_on_host(context.get());
  return llvm::Error::success();
}

std::vector<Array>
CompiledProgram::collect(const heed::Context &context) const {
  std::vector<Array> outputs;
  for (auto [index, port] : llvm::enumerate(signature().outputs)) {
    Array array;
    array.type = port.type;
    array.shape = context.outputShape(index);
    const char *data = context.output<char>(index);
    array.data.assign(data, data + array.numElements() * dtypeBytes(port.type));
    outputs.push_back(std::move(array));
  }
  return outputs;
}

llvm::Expected<std::vector<Array>> CompiledProgram::run(ArrayRef<Array> inputs,
                                                        int64_t threads) {
  heed::Context context(*program, signature().inputs.size(),
                        signature().outputs.size(), threads);
  std::vector<std::vector<char>> shared;
  if (llvm::Error error = bind(context, inputs, shared))
    return std::move(error);
  if (llvm::Error error = call(context))
    return std::move(error);
  return collect(context);
}

llvm::Expected<std::vector<double>>
CompiledProgram::bench(ArrayRef<Array> inputs, int64_t threads, double seconds,
                       std::vector<Array> &outputs) {
  auto session = Session::open(*this, inputs, threads);
  if (!session)
    return session.takeError();
  using Clock = std::chrono::steady_clock;
  auto timed = [&]() -> llvm::Expected<double> {
    auto start = Clock::now();
    if (llvm::Error error = (*session)->call())
      return std::move(error);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  constexpr int kWarmUp = 3, kMinRuns = 3, kMaxRuns = 100000;
  for (int i = 0; i < kWarmUp; ++i)
    if (auto warm = timed(); !warm)
      return warm.takeError();
  outputs = (*session)->results();
  std::vector<double> times;
  double total = 0;
  while ((total < seconds || times.size() < kMinRuns) &&
         times.size() < kMaxRuns) {
    auto time = timed();
    if (!time)
      return time.takeError();
    times.push_back(*time);
    total += *time;
  }
  return times;
}

} // namespace heed
