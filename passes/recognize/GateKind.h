// GateKind.h - classifies gates by what they pool and what their excitation
// mixes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_GATEKIND_H
#define HEED_PASSES_RECOGNIZE_GATEKIND_H

#include "passes/recognize/GateExcitation.h"

namespace heed::recognize {

enum class GateKind { Channel, Spatial, Axis, Norm };
llvm::StringRef stringify(GateKind kind);

/// What an excitation combines values over, in digits of the pooled tensor's
/// root.
struct Mixing {
  llvm::SmallVector<Atom> contracted; // by a sum over all of it
  llvm::SmallVector<Atom> convolved;  // by a window that slides over it
  bool convolvesUnits = false;        // the same over a dimension of size 1
  llvm::SmallVector<Axis> joined;     // either, of several as one dimension
};
Mixing findMixing(const Excitation &excitation);

/// channel_gate: every dimension but the batch and one is pooled; in a blocked
/// layout the one is in two parts on either side of what is pooled, which the
/// excitation mixes as one.
/// spatial_gate: one dimension is pooled, and the excitation convolves over all
/// the others but the batch, or treats them alike and the pooled one is where
/// channels are. axis_gate: anything else. Dimension 0 is the batch where
/// nothing mixes or pools it; dimensions of size 1 count where that makes the
/// difference. `pools` is the number of kinds of pools.
GateKind classifyGate(const Layout &x, llvm::ArrayRef<int64_t> dimensions,
                      const Mixing &mixing, size_t pools);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_GATEKIND_H
