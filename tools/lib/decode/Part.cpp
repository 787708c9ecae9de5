// Part.cpp - one model file of a decoder, made ready for its part and compiled.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A batch is one sequence. Sizes that the part knows are narrowed before the
// import, so that what follows from them folds; results that no later call
// reads are dropped, and what only they need is not computed.
#include "tools/lib/decode/Part.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/lower/cache/LowerCache.h"
#include "tools/lib/decode/Invariant.h"
#include "tools/lib/model/LoadModel.h"

using namespace mlir;

namespace heed {

std::string Part::input(int64_t index) const {
  return file + ": input '" + signature().inputs[index].name + "'";
}

void Part::addInput(Role role, int64_t result, int64_t firstResult,
                    int64_t rowDim) {
  roles.push_back(role);
  results.push_back(result);
  firstResults.push_back(firstResult);
  rowDims.push_back(rowDim);
}

/// Names that exporters give, by what they stand for in a decoder.
static std::optional<Role> knownRole(StringRef name) {
  if (name == "input_ids" || name == "decoder_input_ids")
    return Role::Tokens;
  if (name == "position_ids" || name == "decoder_position_ids" ||
      name == "cache_position")
    return Role::Positions;
  if (name == "encoder_attention_mask")
    return Role::SourceMask;
  if (name == "attention_mask" || name == "decoder_attention_mask")
    return Role::OwnMask;
  if (name == "past_length")
    return Role::Length;
  return std::nullopt;
}

static std::optional<int64_t> findPort(ArrayRef<Port> ports, StringRef name) {
  for (auto [index, port] : llvm::enumerate(ports))
    if (port.name == name)
      return index;
  return std::nullopt;
}

/// The result that the input continues; none where the part has no such.
static std::optional<int64_t>
findPresent(const CacheNames &names, ArrayRef<Port> outputs, StringRef past) {
  for (const std::string &name : names.presentOf(past))
    if (auto index = findPort(outputs, name))
      return index;
  return std::nullopt;
}

/// Sets the sizes of a call with `rows` tokens of one sequence.
static import::NarrowInput narrowTo(std::optional<int64_t> rows,
                                    std::optional<bool> usesCache) {
  return [=](StringRef name, MutableArrayRef<int64_t> sizes,
             std::optional<bool> &element) {
    if (name == PartLoader::kBranchFlag) {
      element = usesCache;
      return;
    }
    std::optional<Role> role = knownRole(name);
    bool isRows = role == Role::Tokens || role == Role::Positions;
    if (sizes.size() > 1 && sizes.front() < 0)
      sizes.front() = 1;
    if (isRows && rows && !sizes.empty() && sizes.back() < 0)
      sizes.back() = *rows;
  };
}

/// Leaves these results of @main, in this order.
static void keepResults(ModuleOp module, ArrayRef<int64_t> kept) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  Operation *terminator = main.getBody().front().getTerminator();
  SmallVector<Value> values;
  SmallVector<DictionaryAttr> attributes;
  for (int64_t index : kept) {
    values.push_back(terminator->getOperand(index));
    attributes.push_back(main.getResultAttrDict(index));
  }
  terminator->setOperands(values);
  main.setFunctionType(FunctionType::get(module.getContext(),
                                         main.getArgumentTypes(),
                                         TypeRange(ValueRange(values))));
  main.setAllResultAttrs(attributes);
}

/// The result "logits", or the first: float32 of [1, rows, vocabulary].
static llvm::Expected<int64_t> findLogits(StringRef file,
                                          ArrayRef<Port> outputs) {
  int64_t index = findPort(outputs, "logits").value_or(0);
  const Port &port = outputs[index];
  if (port.type != DType::F32 || port.shape.size() != 3)
    return llvm::createStringError(
        file + ": expected logits float32[1,rows,vocabulary] as output '" +
        port.name + "', got " + port.str());
  return index;
}

/// What a decoder's input is, but for those of a cache.
static llvm::Error findRole(Part &part, const Port &port, const Part *encoder) {
  int64_t result = -1;
  std::optional<Role> role = knownRole(port.name);
  if (!role && encoder) {
    ArrayRef<Port> outputs = encoder->signature().outputs;
    if (port.name == "encoder_hidden_states")
      result = findPort(outputs, port.name).value_or(0);
    else if (auto index = findPort(outputs, port.name))
      result = *index;
    if (result >= 0)
      role = Role::Source;
  }
  if (!role)
    return llvm::createStringError(
        part.file + ": input '" + port.name +
        "': expected input_ids, position_ids, attention_mask, "
        "encoder_attention_mask, past keys or values, or an output of the "
        "encoder");
  part.addInput(*role, result);
  return llvm::Error::success();
}

static llvm::Error compilePart(Part &part, ModuleOp module,
                               const CompileOptions &options) {
  auto program = CompiledProgram::compile(module, options);
  if (!program)
    return llvm::createStringError(part.file + ": " +
                                   llvm::toString(program.takeError()));
  part.program = std::move(*program);
  return llvm::Error::success();
}

llvm::Expected<Part> PartLoader::load(const std::string &file,
                                      import::NarrowInput narrow) {
  import::ImportOptions options;
  options.narrow = std::move(narrow);
  auto module = loadModel(file, context, options);
  if (!module)
    return module.takeError();
  Part part;
  part.file = file;
  if (llvm::Error error = compilePart(part, **module, compilation))
    return std::move(error);
  return part;
}

llvm::Expected<bool> PartLoader::isMerged(const std::string &file) {
  bool found = false;
  import::ImportOptions options;
  options.narrow = [&](StringRef name, MutableArrayRef<int64_t>,
                       std::optional<bool> &element) {
    if (name != kBranchFlag)
      return;
    found = true;
    element = true;
  };
  auto module = loadModel(file, context, options);
  if (!module)
    return module.takeError();
  return found;
}

llvm::Expected<Part> PartLoader::loadEncoder(const std::string &file) {
  auto part = load(file, narrowTo(std::nullopt, std::nullopt));
  if (!part)
    return part;
  for (const Port &port : part->signature().inputs) {
    bool isMask = port.name == "attention_mask";
    if (!isMask && part->has(Role::Tokens))
      return llvm::createStringError(
          file + ": input '" + port.name +
          "': expected one input of an encoder, and attention_mask");
    part->addInput(isMask ? Role::SourceMask : Role::Tokens);
  }
  if (!part->has(Role::Tokens))
    return llvm::createStringError(file + ": expected an input beside "
                                          "attention_mask");
  return part;
}

llvm::Expected<Part> PartLoader::loadFirst(const std::string &file,
                                           int64_t rows, const Part *encoder) {
  auto part = load(file, narrowTo(rows, false));
  if (!part)
    return part;
  for (const Port &port : part->signature().inputs) {
    if (!names.isPast(port.name)) {
      if (llvm::Error error = findRole(*part, port, encoder))
        return std::move(error);
      continue;
    }
    part->addInput(Role::Held); // of the branch that is not taken
  }
  auto logits = findLogits(file, part->signature().outputs);
  if (!logits)
    return logits.takeError();
  part->logits = *logits;
  return part;
}

/// What the step computes from its source alone, as a part of its own whose
/// results are the step's last inputs.
llvm::Expected<std::optional<Part>> PartLoader::loadInvariants(ModuleOp step,
                                                               Part &part) {
  Part taken;
  taken.file = part.file;
  SmallVector<unsigned> fixed;
  for (auto [index, role] : llvm::enumerate(part.roles))
    if (role == Role::Source || role == Role::SourceMask ||
        role == Role::Held) {
      fixed.push_back(index);
      taken.addInput(role, part.results[index]);
    }
  OwningOpRef<ModuleOp> module = takeInvariants(step, fixed);
  if (!module)
    return std::nullopt;
  if (llvm::Error error = compilePart(taken, *module, compilation))
    return std::move(error);
  for (size_t i = 0; i < taken.signature().outputs.size(); ++i)
    part.addInput(Role::Invariant, i);
  return taken;
}

llvm::Expected<StepParts> PartLoader::loadStep(const std::string &file,
                                               const Part *encoder,
                                               const Part *first) {
  import::ImportOptions options;
  options.narrow = narrowTo(1, true);
  auto module = loadModel(file, context, options);
  if (!module)
    return module.takeError();
  auto signature = Signature::of(**module);
  if (!signature)
    return llvm::createStringError(file + ": " +
                                   llvm::toString(signature.takeError()));
  auto main = (*module)->lookupSymbol<func::FuncOp>("main");
  auto logits = findLogits(file, signature->outputs);
  if (!logits)
    return logits.takeError();

  StepParts parts;
  Part &part = parts.step;
  part.file = file;
  part.logits = 0;
  SmallVector<int64_t> kept{*logits};
  CompileOptions withCaches = compilation;
  for (auto [index, port] : llvm::enumerate(signature->inputs)) {
    if (!names.isPast(port.name)) {
      if (llvm::Error error = findRole(part, port, encoder))
        return std::move(error);
      continue;
    }
    std::string reason = "expected an output that continues it";
    auto present = findPresent(names, signature->outputs, port.name);
    std::optional<lower::GrowingCache> cache;
    if (present)
      cache = lower::findGrowingCache(main, *present, index, reason);
    auto held = first
                    ? findPresent(names, first->signature().outputs, port.name)
                    : std::nullopt;
    if (first && !held)
      return llvm::createStringError(first->file +
                                     ": expected an output that begins '" +
                                     port.name + "' of " + file);
    if (cache) {
      part.addInput(Role::Cache, kept.size(), held.value_or(-1), cache->dim());
      kept.push_back(*present);
      withCaches.caches.push_back(signature->outputs[*present].name + "=" +
                                  port.name);
      continue;
    }
    if (!held)
      return llvm::createStringError(file + ": input '" + port.name +
                                     "': " + reason +
                                     ", or a first step that computes it");
    part.addInput(Role::Held, *held);
  }
  if (withCaches.caches.empty())
    return llvm::createStringError(
        file + ": expected inputs of past keys and values; --cache names them");

  keepResults(**module, kept);
  auto invariants = loadInvariants(**module, part);
  if (!invariants)
    return invariants.takeError();
  parts.invariants = std::move(*invariants);
  part.addInput(Role::Length); // which heed-lower-cache adds, the last
  if (llvm::Error error = compilePart(part, **module, withCaches))
    return std::move(error);
  for (StringRef pair : withCaches.caches) {
    auto [present, past] = pair.split('=');
    if (llvm::Error error = part.program->alias(present, past))
      return llvm::createStringError(file + ": " +
                                     llvm::toString(std::move(error)));
  }
  return parts;
}

} // namespace heed
