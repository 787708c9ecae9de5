// SelfCheck.cpp - the fused program against the unfused one, and which block
// differs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/check/SelfCheck.h"

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/decompose/Passes.h"
#include "passes/recognize/Unfused.h"
#include "tools/lib/check/Compare.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace heed {

llvm::Expected<std::vector<size_t>>
findCulprits(size_t count,
             llvm::function_ref<llvm::Expected<bool>(ArrayRef<size_t>)> fails) {
  std::vector<size_t> set(count);
  for (size_t i = 0; i < count; ++i)
    set[i] = i;
  while (set.size() > 1) {
    std::vector<size_t> halves[] = {{set.begin(), set.begin() + set.size() / 2},
                                    {set.begin() + set.size() / 2, set.end()}};
    bool smaller = false;
    for (std::vector<size_t> &half : halves) {
      llvm::Expected<bool> failing = fails(half);
      if (!failing)
        return failing.takeError();
      if (*failing) {
        set = std::move(half);
        smaller = true;
        break;
      }
    }
    if (!smaller) // only together
      break;
  }
  return set;
}

namespace {

using Outputs = std::vector<Array>;

/// The first output that differs: its index and how; none where all agree.
struct Difference {
  size_t output;
  std::string message;
};

class SelfCheck {
public:
  SelfCheck(ModuleOp source, std::vector<Anchor> &anchors,
            const SelfCheckOptions &options)
      : source(source), anchors(anchors), options(options) {}

  llvm::Expected<double> run(CompiledProgram &fused,
                             ArrayRef<std::vector<Array>> cases) {
    CompileOptions unfusedOptions = options.compilation;
    unfusedOptions.fuse = false;
    unfusedOptions.chip.clear(); // the reference is the CPU's
    unfusedOptions.configure = nullptr;
    unfusedOptions.beforeLowering = nullptr;
    OwningOpRef<ModuleOp> copy = source.clone();
    auto unfused = CompiledProgram::compile(*copy, unfusedOptions);
    if (!unfused)
      return unfused.takeError();
    double largest = 0;
    for (auto [number, inputs] : llvm::enumerate(cases)) {
      auto want = (*unfused)->run(inputs, options.threads);
      if (!want)
        return want.takeError();
      auto difference = compare(fused, inputs, *want, &largest);
      if (!difference)
        return difference.takeError();
      if (!*difference)
        continue;
      auto blame = findBlame(inputs, *want);
      if (!blame)
        return blame.takeError();
      return llvm::createStringError(
          llvm::formatv("self-check, run {0} of {1}: output {2}: {3}; fused "
                        "and unfused program differ {4}",
                        number + 1, cases.size(),
                        fused.signature().outputs[(*difference)->output].name,
                        (*difference)->message, *blame));
    }
    return largest;
  }

private:
  llvm::Expected<std::optional<Difference>>
  compare(CompiledProgram &program, const std::vector<Array> &inputs,
          const Outputs &want, double *largest = nullptr) {
    auto got = program.run(inputs, options.threads);
    if (!got)
      return got.takeError();
    for (size_t i = 0; i < want.size(); ++i) {
      auto comparison =
          compareArrays((*got)[i], want[i], options.atol, options.rtol);
      if (!comparison)
        return Difference{i, llvm::toString(comparison.takeError())};
      if (largest)
        *largest = std::max(*largest, comparison->maxAbsError);
      if (!comparison->within)
        return Difference{i, comparison->message};
    }
    return std::nullopt;
  }

  /// Whether a program with only the blocks of the set fused differs.
  llvm::Expected<bool> differs(ArrayRef<size_t> set, bool decomposed,
                               const std::vector<Array> &inputs,
                               const Outputs &want) {
    OwningOpRef<ModuleOp> copy = source.clone();
    unfuse(*copy, set);
    CompileOptions compilation = options.compilation;
    compilation.configure = nullptr;
    auto given = compilation.beforeLowering;
    compilation.beforeLowering = [&](OpPassManager &pm) {
      if (given)
        given(pm);
      if (decomposed)
        pm.addPass(decompose::createDecompose());
    };
    auto program = CompiledProgram::compile(*copy, compilation);
    if (!program)
      return program.takeError();
    auto difference = compare(**program, inputs, want);
    if (!difference)
      return difference.takeError();
    return difference->has_value();
  }

  /// Recognition passes over the other blocks; those that the model spells as
  /// an attn op are decomposed.
  void unfuse(ModuleOp module, ArrayRef<size_t> kept) {
    llvm::SetVector<Location> places;
    for (size_t i = 0; i < blocks.size(); ++i)
      if (!llvm::is_contained(kept, i))
        places.insert(Location::getFromOpaquePointer(blocks[i].place));
    recognize::leaveUnfused(module, places.getArrayRef());
    SmallVector<linalg::AggregatedOpInterface> ops;
    module.walk([&](linalg::AggregatedOpInterface op) {
      if (isa<attn::AttnDialect>(op->getDialect()) &&
          op->getNumResults() != 0 && places.contains(op->getLoc()))
        ops.push_back(op);
    });
    IRRewriter rewriter(module.getContext());
    for (linalg::AggregatedOpInterface op : ops) {
      rewriter.setInsertionPoint(op);
      if (auto values = op.decomposeOperation(rewriter); succeeded(values))
        rewriter.replaceOp(op, *values);
    }
  }

  /// "at block …", as far as it can be told.
  llvm::Expected<std::string> findBlame(const std::vector<Array> &inputs,
                                        const Outputs &want) {
    // The programs compiled from here on are none to report on.
    std::vector<Anchor> kept = anchors;
    llvm::scope_exit restore([&] { anchors = std::move(kept); });
    // Two blocks at one place cannot be told apart.
    llvm::DenseSet<const void *> places;
    for (const Anchor &anchor : anchors)
      if (anchor.fused && places.insert(anchor.place).second)
        blocks.push_back(anchor);
    auto none = differs({}, false, inputs, want);
    if (!none)
      return none.takeError();
    if (*none)
      return "with no block fused as well: by the fusion of other operations";
    auto culprits = findCulprits(blocks.size(), [&](ArrayRef<size_t> set) {
      return differs(set, false, inputs, want);
    });
    if (!culprits)
      return culprits.takeError();
    std::string names;
    constexpr size_t most = 4;
    for (size_t i : ArrayRef<size_t>(*culprits).take_front(most))
      names += (names.empty() ? "'" : ", '") + blocks[i].node + "' (attn." +
               blocks[i].op + ")";
    if (culprits->size() > 1)
      return llvm::formatv("with {0} blocks fused together, and not with "
                           "half of them: {1}{2}",
                           culprits->size(), names,
                           culprits->size() > most ? ", …" : "")
          .str();
    auto meaning = differs(*culprits, true, inputs, want);
    if (!meaning)
      return meaning.takeError();
    return "at block " + names +
           (*meaning ? ": the op computes something else than what stood there"
                     : ": its kernel does not compute what the op means");
  }

  ModuleOp source;
  std::vector<Anchor> &anchors;
  const SelfCheckOptions &options;
  std::vector<Anchor> blocks; // those that were fused
};

} // namespace

llvm::Expected<double> selfCheck(ModuleOp source, CompiledProgram &fused,
                                 std::vector<Anchor> &anchors,
                                 ArrayRef<std::vector<Array>> cases,
                                 const SelfCheckOptions &options) {
  return SelfCheck(source, anchors, options).run(fused, cases);
}

} // namespace heed
