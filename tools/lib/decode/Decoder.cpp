// Decoder.cpp - greedy decoding with a cache of keys and values that is updated
// in place.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All memory is there before the loop: caches at their capacity, which results
// share with inputs; keys and values of the source where the first part wrote
// them; scratch memory by one call at the limit. A step then changes a token, a
// position, a length, and the size of a mask.
#include "tools/lib/decode/Decoder.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <utility>

namespace heed {

llvm::Expected<std::unique_ptr<Decoder>>
Decoder::open(const std::vector<std::string> &files, mlir::MLIRContext &context,
              const DecodeOptions &options) {
  if (files.empty() || files.size() > 3)
    return llvm::createStringError("expected one to three model files");
  auto names = CacheNames::parse(options.caches);
  if (!names)
    return names.takeError();
  PartLoader loader{context, options.compilation, *names};
  std::unique_ptr<Decoder> decoder(new Decoder(options));
  auto partOf = [](std::optional<Bound> &bound) {
    return bound ? &bound->part : nullptr;
  };
  if (files.size() > 1) {
    if (options.startTokens.empty())
      return llvm::createStringError(
          "expected a start token for a decoder with an encoder");
    auto part = loader.loadEncoder(files.front());
    if (!part)
      return part.takeError();
    decoder->add(decoder->encoder, std::move(*part));
  }
  bool merged = false;
  if (files.size() == 2) {
    auto isMerged = loader.isMerged(files.back());
    if (!isMerged)
      return isMerged.takeError();
    merged = *isMerged;
  }
  if (merged || files.size() == 3) {
    auto part = loader.loadFirst(files[1], options.startTokens.size(),
                                 partOf(decoder->encoder));
    if (!part)
      return part.takeError();
    decoder->add(decoder->first, std::move(*part));
  }
  auto parts = loader.loadStep(files.back(), partOf(decoder->encoder),
                               partOf(decoder->first));
  if (!parts)
    return parts.takeError();
  if (parts->invariants)
    decoder->add(decoder->invariants, std::move(*parts->invariants));
  decoder->add(decoder->step, std::move(parts->step));
  return decoder;
}

void Decoder::add(std::optional<Bound> &bound, Part part) {
  bound.emplace();
  size_t inputs = part.signature().inputs.size();
  bound->session = Session::open(*part.program, options.threads);
  bound->part = std::move(part);
  bound->shapes.resize(inputs);
  bound->data.resize(inputs);
}

static int64_t product(llvm::ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

/// An error where an array of this type and shape is not what the input takes.
static llvm::Error checkInput(const Part &part, int64_t index, DType type,
                              llvm::ArrayRef<int64_t> shape) {
  const Port &port = part.signature().inputs[index];
  if (port.takes(type, shape))
    return llvm::Error::success();
  return llvm::createStringError(
      part.input(index) + ": expected " + port.str() + ", got " +
      Port{"array", type, {shape.begin(), shape.end()}}.str());
}

/// Stores a number that every integer type holds; false for types that hold
/// something else.
static bool storeNumber(char *at, DType type, int64_t value) {
  auto store = [&](auto typed) {
    std::memcpy(at, &typed, sizeof typed);
    return true;
  };
  switch (type) {
  case DType::Bool:
    return store(value != 0);
  case DType::I32:
    return store(int32_t(value));
  case DType::I64:
    return store(value);
  case DType::F32:
    return store(float(value));
  default:
    return false;
  }
}

/// Token ids of [S] or [1, S].
static llvm::Expected<std::vector<int64_t>> readTokens(const Array &array) {
  bool isRow = array.shape.size() == 1 ||
               (array.shape.size() == 2 && array.shape[0] == 1);
  if (!isRow || (array.type != DType::I64 && array.type != DType::I32) ||
      array.numElements() == 0)
    return llvm::createStringError(
        "expected token ids int64[S] or int64[1,S], got " +
        Port{"array", array.type, array.shape}.str());
  std::vector<int64_t> tokens;
  for (int64_t i = 0; i < array.numElements(); ++i)
    tokens.push_back(int64_t(array.at(i)));
  return tokens;
}

llvm::Error Decoder::runEncoder(const Array &input) {
  Part &part = encoder->part;
  for (auto [index, port] : llvm::enumerate(part.signature().inputs)) {
    if (part.roles[index] != Role::Tokens)
      continue;
    std::vector<int64_t> &shape = encoder->shapes[index];
    shape = input.shape;
    if (shape.size() + 1 == port.shape.size())
      shape.insert(shape.begin(), 1);
    if (llvm::Error error = checkInput(part, index, input.type, shape))
      return error;
    if (shape.size() < 2 || shape[0] != 1 || product(shape) == 0)
      return llvm::createStringError(
          part.input(index) + ": expected one sequence, got " +
          Port{"array", input.type, input.shape}.str());
    sourceRows = shape[1];
    encoder->session->bindInput(index, input.data.data(), shape);
  }
  if (llvm::Error error = prepare(*encoder, 0))
    return error;
  if (llvm::Error error = encoder->session->call())
    return llvm::createStringError(part.file + ": " +
                                   llvm::toString(std::move(error)));
  llvm::ArrayRef<int64_t> states = encoder->session->outputShape(0);
  if (states.size() > 1)
    sourceRows = states[1]; // speech: fewer than went in
  return llvm::Error::success();
}

llvm::Error Decoder::bindResult(Bound &bound, int64_t index, const Bound &from,
                                int64_t result) {
  bound.shapes[index] = from.session->outputShape(result).vec();
  if (llvm::Error error = checkInput(bound.part, index,
                                     from.part.signature().outputs[result].type,
                                     bound.shapes[index]))
    return error;
  bound.session->bindInput(index, from.session->output(result),
                           bound.shapes[index]);
  return llvm::Error::success();
}

llvm::Error Decoder::prepare(Bound &bound, int64_t rows) {
  Part &part = bound.part;
  for (auto [index, port] : llvm::enumerate(part.signature().inputs)) {
    std::vector<int64_t> &shape = bound.shapes[index];
    std::vector<char> &data = bound.data[index];
    int64_t result = part.results[index];
    int64_t count = rows, room = rows; // ones in the last dim, and to come
    switch (part.roles[index]) {
    case Role::Source:
      if (llvm::Error error = bindResult(bound, index, *encoder, result))
        return error;
      continue;
    case Role::Invariant:
      if (llvm::Error error = bindResult(bound, index, *invariants, result))
        return error;
      continue;
    case Role::Held:
      if (result >= 0) {
        if (llvm::Error error = bindResult(bound, index, *first, result))
          return error;
        continue;
      }
      // Of a branch that is not taken.
      shape = port.shape;
      for (int64_t &size : shape)
        size = size < 0 ? sourceRows : size;
      data.assign(product(shape) * dtypeBytes(port.type), 0);
      bound.session->bindInput(index, data.data(), shape);
      continue;
    case Role::Cache: {
      Cache &cache = caches[index];
      shape = cache.shape;
      bound.session->bindInput(index, cache.memory.get(), shape);
      bound.session->bindOutput(result, cache.memory.get(), cache.bytes);
      continue;
    }
    case Role::Tokens:
      if (encoder && &bound == &*encoder)
        continue; // the caller's
      break;
    case Role::OwnMask:
      room = capacity;
      break;
    case Role::SourceMask:
      count = room = sourceRows;
      break;
    case Role::Length:
    case Role::Positions:
      break;
    }
    shape.assign(port.shape.size(), 1);
    if (!shape.empty())
      shape.back() = count;
    if (llvm::Error error = checkInput(part, index, port.type, shape))
      return error;
    int64_t bytes = dtypeBytes(port.type);
    data.assign(room * bytes, 0);
    for (int64_t i = 0; i < room; ++i)
      if (!storeNumber(&data[i * bytes], port.type, 1))
        return llvm::createStringError(
            part.input(index) +
            ": expected int64, int32, float32 or bool, got " + port.str());
    bound.session->bindInput(index, data.data(), shape);
  }
  return llvm::Error::success();
}

llvm::Error Decoder::allocateCaches() {
  const Part &part = step->part;
  caches.resize(part.roles.size());
  for (auto [index, port] : llvm::enumerate(part.signature().inputs)) {
    if (part.roles[index] != Role::Cache)
      continue;
    Cache &cache = caches[index];
    std::vector<int64_t> shape = port.shape;
    shape[part.rowDims[index]] = capacity;
    if (llvm::any_of(shape, [](int64_t size) { return size < 0; }))
      return llvm::createStringError(
          part.input(index) + ": expected known sizes but for the rows', got " +
          port.str());
    if (shape == cache.shape)
      continue;
    cache.shape = shape;
    cache.bytes = product(shape) * dtypeBytes(port.type);
    cache.memory = allocateMemory(cache.bytes);
    if (!cache.memory)
      return llvm::createStringError(part.input(index) + ": out of memory");
    std::memset(cache.memory.get(), 0, cache.bytes);
  }
  return llvm::Error::success();
}

void Decoder::fill(Bound &bound, llvm::ArrayRef<int64_t> tokens) {
  const Part &part = bound.part;
  for (auto [index, port] : llvm::enumerate(part.signature().inputs)) {
    char *data = bound.data[index].data();
    int64_t bytes = dtypeBytes(port.type);
    switch (part.roles[index]) {
    case Role::Tokens:
      for (auto [i, token] : llvm::enumerate(tokens))
        storeNumber(data + i * bytes, port.type, token);
      break;
    case Role::Positions:
      for (size_t i = 0; i < tokens.size(); ++i)
        storeNumber(data + i * bytes, port.type, length + i);
      break;
    case Role::Length:
      storeNumber(data, port.type, length);
      break;
    case Role::OwnMask:
      bound.shapes[index].back() = length + tokens.size();
      bound.session->bindInput(index, data, bound.shapes[index]);
      break;
    default:
      break;
    }
  }
}

/// The token of the greatest logit in the last row; the first one of equals.
llvm::Expected<int64_t> Decoder::likeliest(const Bound &bound) const {
  int64_t index = bound.part.logits;
  llvm::ArrayRef<int64_t> shape = bound.session->outputShape(index);
  if (product(shape) < 1)
    return llvm::createStringError(bound.part.file +
                                   ": expected logits, got none");
  auto *end =
      static_cast<const float *>(bound.session->output(index)) + product(shape);
  return std::max_element(end - shape[2], end) - (end - shape[2]);
}

llvm::Expected<int64_t> Decoder::runFirst(llvm::ArrayRef<int64_t> tokens) {
  if (llvm::Error error = prepare(*first, tokens.size()))
    return std::move(error);
  fill(*first, tokens);
  if (llvm::Error error = first->session->call())
    return llvm::createStringError(first->part.file + ": " +
                                   llvm::toString(std::move(error)));
  return likeliest(*first);
}

/// The rows that the first part made, into the caches: those of a dim in the
/// middle lie as far apart as the capacity says.
llvm::Error Decoder::takeRows() {
  const Part &part = step->part;
  for (auto [index, cache] : llvm::enumerate(caches)) {
    if (part.roles[index] != Role::Cache)
      continue;
    int64_t present = part.firstResults[index], dim = part.rowDims[index];
    llvm::ArrayRef<int64_t> shape = first->session->outputShape(present);
    std::vector<int64_t> expected = cache.shape;
    expected[dim] = shape.size() == expected.size() ? shape[dim] : 0;
    const Port &port = first->part.signature().outputs[present];
    if (shape != llvm::ArrayRef(expected) || shape[dim] > capacity ||
        port.type != part.signature().inputs[index].type)
      return llvm::createStringError(
          part.input(index) + ": expected rows of " +
          part.signature().inputs[index].str() + " from " + first->part.file +
          ", got " + Port{port.name, port.type, shape.vec()}.str());
    int64_t run = product(shape.drop_front(dim + 1)) * dtypeBytes(port.type);
    auto *from = static_cast<const char *>(first->session->output(present));
    auto *to = static_cast<char *>(cache.memory.get());
    for (int64_t i = 0; i < product(shape.take_front(dim)); ++i)
      std::memcpy(to + i * capacity * run, from + i * shape[dim] * run,
                  shape[dim] * run);
    length = shape[dim];
  }
  return llvm::Error::success();
}

llvm::Expected<int64_t> Decoder::runStep(int64_t token) {
  fill(*step, token);
  if (llvm::Error error = step->session->call())
    return llvm::createStringError(step->part.file + ": " +
                                   llvm::toString(std::move(error)));
  ++length;
  return likeliest(*step);
}

/// A call at the limit: no later one needs more scratch memory, or a primitive
/// that is not there yet. It writes the last row, which is written again before
/// it is read. Where the model itself allows fewer rows it fails, and a step
/// that is in the way of that says so.
void Decoder::warmUp() {
  int64_t filled = std::exchange(length, capacity - 1);
  if (auto token = runStep(0); !token)
    llvm::consumeError(token.takeError());
  length = filled;
}

llvm::Expected<std::vector<int64_t>> Decoder::decode(const Array &input) {
  std::vector<int64_t> prompt = options.startTokens;
  if (encoder) {
    if (llvm::Error error = runEncoder(input))
      return std::move(error);
  } else {
    auto tokens = readTokens(input);
    if (!tokens)
      return tokens.takeError();
    prompt.insert(prompt.end(), tokens->begin(), tokens->end());
  }
  capacity = prompt.size() + options.maxTokens - 1; // the last is not fed
  length = 0;
  if (llvm::Error error = allocateCaches())
    return std::move(error);
  int64_t token = -1;
  if (first) {
    auto next = runFirst(prompt);
    if (!next)
      return next.takeError();
    token = *next;
    if (llvm::Error error = takeRows())
      return std::move(error);
  }
  if (invariants) {
    if (llvm::Error error = prepare(*invariants, 1))
      return std::move(error);
    if (llvm::Error error = invariants->session->call())
      return llvm::createStringError(invariants->part.file + ": " +
                                     llvm::toString(std::move(error)));
  }
  if (llvm::Error error = prepare(*step, 1))
    return std::move(error);
  warmUp();
  // Without a first part the prompt goes through the step, too.
  for (size_t i = 0; !first && i < prompt.size(); ++i) {
    auto next = runStep(prompt[i]);
    if (!next)
      return next.takeError();
    token = *next;
  }

  std::vector<int64_t> result{token};
  result.reserve(options.maxTokens);
  seconds.clear();
  seconds.reserve(options.maxTokens);
  using Clock = std::chrono::steady_clock;
  while (int64_t(result.size()) < options.maxTokens &&
         result.back() != options.endToken) {
    auto start = Clock::now();
    auto next = runStep(result.back());
    if (!next)
      return next.takeError();
    seconds.push_back(
        std::chrono::duration<double>(Clock::now() - start).count());
    result.push_back(*next);
  }
  return result;
}

} // namespace heed
