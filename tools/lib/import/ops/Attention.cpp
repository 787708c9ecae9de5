// Attention.cpp - ONNX Attention and RotaryEmbedding.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

namespace heed::import {

llvm::ArrayRef<OpEntry> attentionOps() { return {}; }

} // namespace heed::import
