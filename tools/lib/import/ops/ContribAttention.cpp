// ContribAttention.cpp - com.microsoft
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/import/Registry.h"
namespace heed::import {
llvm::ArrayRef<OpEntry> contribAttentionOps() { return {}; }
} // namespace heed::import
