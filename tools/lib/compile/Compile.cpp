// Compile.cpp - a model's module to the LLVM dialect, and what goes with it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/compile/Compile.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "passes/lower/cache/Passes.h"
#include "passes/pipelines/Pipelines.h"
#include "runtime/support/Host.h"
#include "tools/lib/compile/Target.h"
#include <map>

using namespace mlir;

namespace heed {
namespace {

/// The bytes of the k-th weight: the resource's own memory where it has some;
/// splats and bit-packed booleans are written out into `expanded`.
llvm::Expected<ArrayRef<char>> weightData(Attribute attribute,
                                          std::vector<char> &expanded) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    int64_t bits = resource.getType().getElementType().getIntOrFloatBitWidth();
    uint64_t bytes =
        resource.getType().getNumElements() * llvm::divideCeil(bits, 8);
    if (!blob || blob->getData().size() < bytes)
      return llvm::createStringError("weight '" +
                                     resource.getRawHandle().getKey() +
                                     "': the resource is missing or too short");
    return blob->getData().take_front(bytes);
  }
  auto dense = cast<DenseElementsAttr>(attribute);
  Type element = dense.getElementType();
  if (element.isInteger(1)) {
    for (bool value : dense.getValues<bool>())
      expanded.push_back(value);
    return expanded;
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return raw;
  for (int64_t i = 0; i < dense.getNumElements(); ++i)
    expanded.insert(expanded.end(), raw.begin(), raw.end());
  return expanded;
}

/// The sum of the arena's parts, where all are constants.
std::optional<int64_t> workspaceBytes(ModuleOp module) {
  std::map<int64_t, int64_t> parts;
  WalkResult result = module.walk([&](LLVM::CallOp call) {
    StringRef callee = call.getCallee().value_or("");
    if (callee == "heed_block")
      return WalkResult::interrupt();
    if (callee != "heed_arena" && callee != "heed_arena_part")
      return WalkResult::advance();
    APInt part(64, 0), bytes;
    if ((callee == "heed_arena_part" &&
         !matchPattern(call.getOperand(1), m_ConstantInt(&part))) ||
        !matchPattern(call->getOperands().back(), m_ConstantInt(&bytes)))
      return WalkResult::interrupt();
    int64_t &largest = parts[part.getSExtValue()];
    largest = std::max(largest, bytes.getSExtValue());
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return std::nullopt;
  int64_t sum = 0;
  for (auto [part, bytes] : parts)
    sum += bytes;
  return sum;
}

} // namespace

llvm::Expected<Lowered> lowerModel(ModuleOp module,
                                   const CompileOptions &options) {
  Lowered result;
  auto signature = Signature::of(module);
  if (!signature)
    return signature.takeError();
  if (!options.caches.empty()) {
    PassManager pm(module.getContext());
    lower::LowerCacheOptions caches;
    llvm::append_range(caches.pairs, options.caches);
    pm.addPass(lower::createLowerCache(caches));
    if (failed(pm.run(module)))
      return llvm::createStringError("compilation failed");
    signature = Signature::of(module);
    if (!signature)
      return signature.takeError();
  }
  result.signature = *signature;

  PassManager pm(module.getContext());
  pm.enableVerifier(false); // the pipeline verifies where its stages end
  LowerCpuOptions lowering;
  lowering.mcpu = isHostCpu(options.mcpu) ? "" : options.mcpu;
  lowering.profile = options.profile;
  lowering.workspace = options.workspace;
  lowering.chip = options.chip;
  lowering.format = options.format;
  // A runtime that was built, or runs, without oneDNN has the native path.
  const char *why = nullptr;
  lowering.onednn = options.onednn && heed_onednn_version(&why);
  buildCpuPipeline(pm, lowering, options.fuse, [&](OpPassManager &pm) {
    if (options.beforeLowering)
      options.beforeLowering(pm);
  });
  if (options.configure)
    options.configure(pm);
  if (failed(pm.run(module)))
    return llvm::createStringError("compilation failed");

  if (auto table = module->getAttrOfType<ArrayAttr>("attn.weights")) {
    result.expanded.resize(table.size());
    for (auto [index, attribute] : llvm::enumerate(table)) {
      auto data = weightData(attribute, result.expanded[index]);
      if (!data)
        return data.takeError();
      result.weights.push_back(*data);
    }
    module->removeAttr("attn.weights");
  }
  if (auto pairs = module->getAttrOfType<DenseI64ArrayAttr>("attn.in_place"))
    for (int64_t i = 0; i + 1 < pairs.size(); i += 2)
      result.inPlace.push_back({pairs[i], pairs[i + 1]});
  module->removeAttr("attn.in_place");
  if (auto places = module->getAttrOfType<ArrayAttr>("attn.places")) {
    result.onGpu = cast<StringAttr>(places[0]).str();
    result.byLibrary = cast<StringAttr>(places[1]).str();
    result.onCpu = cast<StringAttr>(places[2]).str();
  }
  module->removeAttr("attn.places");
  result.workspace = workspaceBytes(module);
  return result;
}

} // namespace heed
