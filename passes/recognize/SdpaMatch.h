// SdpaMatch.h - what is known about one attention between finding it and
// building attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_SDPAMATCH_H
#define HEED_PASSES_RECOGNIZE_SDPAMATCH_H

#include "dialect/sdpa/SdpaOps.h"
#include "passes/recognize/Element.h"
#include <variant>

namespace heed::recognize {

/// Why an anchor is not fused, and what to change in the source model.
struct Missed {
  const char *reason;
  const char *suggestion;
};
template <typename T> using Match = std::variant<T, Missed>;

/// An addend of the score: coefficient · value.
struct Term {
  Element value;
  double coefficient;
};

/// select(condition, s, sentinel), or with the arms exchanged.
struct MaskTerm {
  Element condition;
  bool attendIf;
  double sentinel;
};

/// A scalar op on the way from q·k to the softmax; operand `spine` is the way.
struct Step {
  Element at;
  unsigned spine;
};

/// softmax input = mask(region(softcap · tanh(scale · q·k / softcap) + bias)).
struct Score {
  TensorView q, k;
  Factors contracted;
  double scale = 1;
  /// Tensors that scale whole rows (a learned temperature for each head):
  /// multiplied into the queries, or divided by.
  struct RowFactor {
    TensorView value;
    bool divides;
  };
  llvm::SmallVector<RowFactor> rowFactors;
  std::optional<double> softcap;
  llvm::SmallVector<Term> bias;
  llvm::SmallVector<Step> region; // the first is the innermost
  llvm::SmallVector<MaskTerm> masks;
};

/// The score of a softmax over `keys`, from its input `s`. Keys that are
/// constants are a layer's weights, unless `memory` says that the values are
/// constants, too, and the score looks like one of keys.
Match<Score> matchScore(const TensorView &s, const Factors &keys,
                        FactorTable &table, bool memory = false);

/// Keys attended by a query i: i + off − left ≤ j ≤ i + off + right, −1 for no
/// bound; off = 0 or Sk − Sq as `causal` says.
struct Band {
  attn::Causal causal = attn::Causal::none;
  int64_t left = -1, right = -1;
  bool isOpen() const {
    return causal == attn::Causal::none && left < 0 && right < 0;
  }
};

/// The pairs that a condition (an i1 element) opens, if they are a band; it is
/// evaluated for every pair where sizes are known, else read as comparisons of
/// i and j.
std::optional<Band> bandOfCondition(const Element &condition, bool attendIf,
                                    const Factors &queries, const Factors &keys,
                                    FactorTable &table);

/// What an additive mask adds: 0 where it is open, −inf or a large negative
/// number where it is closed.
inline bool isZeroOrClosed(double added) { return added == 0 || added <= -1e9; }

/// The band of an additive mask. With a finite number each row must have an open
/// key; `finite` tells.
struct AdditiveBand {
  Band band;
  bool finite;
};
std::optional<AdditiveBand> bandOfTerm(const Term &term, const Factors &queries,
                                       const Factors &keys, FactorTable &table);

/// The same by reading comparisons of i and j, for sizes not known yet.
std::optional<Band> symbolicBandOfCondition(const Element &condition,
                                            bool attendIf,
                                            const Factors &queries,
                                            const Factors &keys,
                                            FactorTable &table);
std::optional<AdditiveBand> symbolicBandOfTerm(const Term &term,
                                               const Factors &queries,
                                               const Factors &keys,
                                               FactorTable &table);

/// condition ? first : second, in any arithmetic with numbers.
struct Choice {
  Element condition;
  double first, second;
};
std::optional<Choice> choiceOf(const Element &element, FactorTable &table);

/// Masks that were put into the region because the order of their finite
/// numbers matters: the pairs they open, if each row has an open key.
std::optional<std::vector<char>> openPairsOfSteps(llvm::ArrayRef<Step> steps,
                                                  const Factors &queries,
                                                  const Factors &keys,
                                                  FactorTable &table);

/// The band that is exactly the open pairs.
std::optional<Band> bandOfPairs(llvm::ArrayRef<char> open,
                                const Factors &queries, const Factors &keys,
                                FactorTable &table);

/// Whether each row of `columns` pairs has an open one.
bool eachRowIsOpen(llvm::ArrayRef<char> open, int64_t columns);

/// Both bands hold; none if one band cannot say it.
std::optional<Band> intersect(const Band &a, const Band &b);

/// The values of an element for all (row, column), row major; none unless it is
/// made of constants and indices, and `accept` (if given) holds for each of
/// them. See ConstantGrid.cpp.
std::optional<std::vector<double>>
evaluateGrid(const Element &element, const Factors &rows,
             const Factors &columns, FactorTable &table,
             llvm::function_ref<bool(double)> accept = {});

/// One more key without a value, an attention sink: e^c joins the softmax's
/// sum. Its score c is a tensor's element, or a number.
struct Sink {
  std::optional<TensorView> value;
  double number = 0;
};

/// The probabilities as a product reads them:
///   p = factor · Π factors · softmax(scores over keys and sink),
/// 0 where `zeroed`, and with NaN rows replaced by 0 where guarded.
struct Weights {
  Access dims;
  TensorView scores;
  Factors keys;
  bool guarded = false;
  std::optional<Element> zeroed;
  double factor = 1;
  llvm::SmallVector<Score::RowFactor> factors;
  std::optional<Sink> sink;
};

/// The softmax's result behind `side` of a product.
std::optional<Weights> findWeights(const Element &side,
                                   mlir::linalg::SoftmaxOp softmax,
                                   FactorTable &table);

/// Each index of the factor is one of the result's.
bool isFactorOf(const TensorView &factor, const TensorView &result,
                FactorTable &table);

/// The condition holds for exactly the pairs that the score's masks close.
bool isMaskOf(const Element &condition, const Score &score, FactorTable &table);

/// Conjunctions apart, negations into `attendIf`.
void splitMask(const MaskTerm &mask, llvm::SmallVectorImpl<MaskTerm> &parts,
               FactorTable &table);

/// The whole attention.
struct Attention {
  mlir::linalg::SoftmaxOp softmax;
  mlir::linalg::LinalgOp output; // Σ_j p·v
  TensorView out;                // its result
  Weights weights;               // p as read there
  TensorView v;
  Factors keys;
  Score score;
};

/// The factors of each dim of attn.sdpa's iteration space, outermost first.
struct Groups {
  Factors of[attn::SdpaOp::NumDims];
};

/// What constants say about the pairs, taken out of the score: a band, and the
/// open ones of those that are no band, row major over `dims`, some of b, h, i
/// and j.
struct ConstantMask {
  Band band;
  attn::MaskedRows rows = attn::MaskedRows::nan;
  llvm::SmallVector<unsigned> dims;
  std::vector<char> open;
};
ConstantMask takeConstantMask(Attention &attention, const Groups &groups,
                              FactorTable &table);

/// How a tensor is brought into the shape that its map needs.
struct Fit {
  Access dims; // of the tensor that the op reads or writes
  mlir::AffineMap map;
  bool copies = false; // by a transpose
};

Groups groupFactors(const Attention &attention, FactorTable &table);

/// The fit of a tensor that has the dims `present`. `required` of them get a
/// dimension of size 1 where they have no factors.
std::optional<Fit> fitTensor(const Access &access, const Groups &groups,
                             llvm::ArrayRef<unsigned> present,
                             llvm::ArrayRef<unsigned> required,
                             FactorTable &table, mlir::MLIRContext *context);

/// Builds the op before attention.output; the value that replaces its result.
Match<mlir::Value> buildSdpa(mlir::OpBuilder &b, Attention &attention,
                             FactorTable &table);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_SDPAMATCH_H
