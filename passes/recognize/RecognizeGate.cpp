// RecognizeGate.cpp - finds y = x * excite(pools of x) in every spelling:
// attn.gate.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matched, with D a set of dimensions of x and pool_k in {mean, max, sum}:
//
//   p_k  = pool_k over D of x          GatePools.cpp
//   g    = excite(p_0, p_1, ...)       GateExcitation.cpp: anything pure
//   y[i] = f(x[i] * g[i without D])    the anchor: GateMatch.cpp
//
// Reshapes, transpositions and broadcasts may stand anywhere between
// (Movement.cpp). Squeeze-and-excitation, ECA and both halves of CBAM are this;
// GateKind.cpp tells them apart, GateBuild.cpp writes the op.
#include "passes/recognize/Passes.h"

#include "dialect/gate/GateOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/recognize/GateMatch.h"
#include "passes/recognize/Unfused.h"

using namespace mlir;

namespace heed::recognize {
#define GEN_PASS_DEF_RECOGNIZEGATE
#include "passes/recognize/Passes.h.inc"

static std::string join(ArrayRef<int64_t> values) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(values, stream);
  return text;
}

static std::string join(ArrayRef<attn::Pool> pools) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(pools, stream, [&](attn::Pool kind) {
    stream << attn::stringifyPool(kind);
  });
  return text;
}

namespace {
/// Gates of one tensor that each keep (channel) or pool (spatial) another of
/// its dimensions cannot all treat it as the channels: dimension 1 is, else the
/// last, else the first of them; the others gate an axis.
class Roles {
public:
  void add(Value root, size_t index, const GateMatch &match) {
    if (match.refusal ||
        (match.kind != GateKind::Channel && match.kind != GateKind::Spatial))
      return;
    bool kept = match.kind == GateKind::Channel;
    llvm::SmallSetVector<int64_t, 2> dims;
    for (auto [dim, axis] : llvm::enumerate(match.xAxes))
      if (llvm::is_contained(match.dimensions, static_cast<int64_t>(dim)) !=
          kept)
        for (Atom atom : axis)
          if (atom.dim > 0)
            dims.insert(atom.dim);
    if (dims.size() == 1)
      roles[root].push_back({index, match.kind, dims[0]});
  }

  void forget(Value root) { roles.erase(root); }

  void settle(MutableArrayRef<GateMatch> matches) {
    for (auto &entry : roles)
      for (GateKind kind : {GateKind::Channel, GateKind::Spatial}) {
        auto isKind = [&](const Role &role) { return role.kind == kind; };
        llvm::SmallSetVector<int64_t, 4> dims;
        for (const Role &role : llvm::make_filter_range(entry.second, isKind))
          dims.insert(role.dim);
        if (dims.size() < 2)
          continue;
        int64_t channels = dims[0];
        for (int64_t dim : dims)
          if (dim == 1 || (channels != 1 && dim > channels))
            channels = dim;
        for (const Role &role : llvm::make_filter_range(entry.second, isKind))
          if (role.dim != channels)
            matches[role.index].kind = GateKind::Axis;
      }
  }

private:
  struct Role {
    size_t index;
    GateKind kind;
    int64_t dim;
  };
  llvm::MapVector<Value, SmallVector<Role, 2>> roles;
};
} // namespace

static void report(Location loc, const GateMatch &match) {
  auto options = remark::RemarkOpts::name("gate").category("heed-recognize");
  std::string kind = stringify(match.kind).str();
  if (match.refusal) {
    remark::missed(loc, options)
        << remark::metric("kind", kind)
        << remark::reason("{0}", match.refusal->reason)
        << remark::suggest("{0}", match.refusal->suggestion);
    return;
  }
  remark::passed(loc, options)
      << remark::metric("kind", kind)
      << remark::metric("pools", join(match.pools))
      << remark::metric("dims", join(match.dimensions));
}

namespace {
struct RecognizeGate : impl::RecognizeGateBase<RecognizeGate> {
  void runOnOperation() override {
    SmallVector<Operation *> candidates;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (!isLeftUnfused(op))
        candidates.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    // In program order: the spatial gate of CBAM pools the result of its
    // channel gate.
    SmallVector<GateMatch, 0> matches;
    SmallVector<Location> locations;
    Roles roles;
    for (Operation *op : candidates) {
      std::optional<GateMatch> match = matchGate(op);
      if (!match)
        continue;
      roles.add(peelMovement(match->x).root, matches.size(), *match);
      locations.push_back(op->getLoc());
      if (!match->refusal)
        buildGate(rewriter, *match); // `op` is gone
      matches.push_back(std::move(*match));
    }
    roles.settle(matches);
    for (auto [loc, match] : llvm::zip(locations, matches))
      report(loc, match);
    eraseDeadOps(rewriter);
  }

  /// What the gates hold now; users come after what they use.
  void eraseDeadOps(RewriterBase &rewriter) {
    getOperation()->walk<WalkOrder::PostOrder, ReverseIterator>(
        [&](Operation *op) {
          if (isOpTriviallyDead(op))
            rewriter.eraseOp(op);
        });
  }
};
} // namespace
} // namespace heed::recognize
