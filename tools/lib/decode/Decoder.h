// Decoder.h - greedy decoding with a cache of keys and values that is updated in
// place.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_DECODE_DECODER_H
#define HEED_TOOLS_LIB_DECODE_DECODER_H

#include "tools/lib/decode/Part.h"
#include "tools/lib/jit/Session.h"

namespace heed {

struct DecodeOptions {
  CompileOptions compilation;
  int64_t threads = 0; // all
  std::vector<int64_t> startTokens;
  std::optional<int64_t> endToken; // none: until the limit
  int64_t maxTokens = 256;         // at most so many new ones
  std::vector<std::string> caches; // patterns of names (CacheNames.h)
};

/// A model as up to three compiled parts, and the memory of one caller.
class Decoder {
public:
  /// `files`: the decoder; or the encoder and the decoder, as one file or as its
  /// first step and its later one (Part.h).
  static llvm::Expected<std::unique_ptr<Decoder>>
  open(const std::vector<std::string> &files, mlir::MLIRContext &context,
       const DecodeOptions &options);

  /// The likeliest token again and again, until the end token, which is the
  /// last one returned, or the limit. `input`: what the encoder reads, or,
  /// without one, token ids that the result continues; [S] or [1, S].
  ///
  /// Step n reads n rows of each cache and writes one. No step allocates.
  llvm::Expected<std::vector<int64_t>> decode(const Array &input);

  /// Of the last call: seconds of each step, from the second token on.
  llvm::ArrayRef<double> stepSeconds() const { return seconds; }

private:
  /// A part with what its inputs are bound to from call to call.
  struct Bound {
    Part part;
    std::unique_ptr<Session> session;
    std::vector<std::vector<int64_t>> shapes; // by input
    std::vector<std::vector<char>> data;      // small arrays, by input
  };
  struct Cache {
    Memory memory;
    std::vector<int64_t> shape;
    int64_t bytes = 0;
  };

  explicit Decoder(const DecodeOptions &options) : options(options) {}
  void add(std::optional<Bound> &bound, Part part);
  llvm::Error runEncoder(const Array &input);
  /// Sizes and memory of the inputs of a part, for calls with `rows` tokens.
  llvm::Error prepare(Bound &bound, int64_t rows);
  /// The memory of result `result` of a part for input `index` of `bound`.
  llvm::Error bindResult(Bound &bound, int64_t index, const Bound &from,
                         int64_t result);
  llvm::Error allocateCaches();
  /// New tokens, behind the `length` rows that there are.
  void fill(Bound &bound, llvm::ArrayRef<int64_t> tokens);
  llvm::Expected<int64_t> runFirst(llvm::ArrayRef<int64_t> tokens);
  llvm::Error takeRows();
  void warmUp();
  llvm::Expected<int64_t> runStep(int64_t token);
  llvm::Expected<int64_t> likeliest(const Bound &bound) const;

  DecodeOptions options;
  std::optional<Bound> encoder, first, invariants, step;
  std::vector<Cache> caches; // by input of `step`
  int64_t capacity = 0;      // rows of each
  int64_t length = 0;        // rows filled
  int64_t sourceRows = 0;
  std::vector<double> seconds;
};

} // namespace heed

#endif // HEED_TOOLS_LIB_DECODE_DECODER_H
