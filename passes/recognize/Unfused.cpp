// Unfused.cpp - places of the program that recognition leaves as they are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Unfused.h"

using namespace mlir;

namespace heed::recognize {

static constexpr const char *kAttribute = "attn.unfused";

void leaveUnfused(ModuleOp module, ArrayRef<Location> locations) {
  SmallVector<Attribute> attributes(locations.begin(), locations.end());
  module->setAttr(kAttribute, ArrayAttr::get(module.getContext(), attributes));
}

bool isLeftUnfused(Operation *op) {
  auto module = op->getParentOfType<ModuleOp>();
  auto places = module ? module->getAttrOfType<ArrayAttr>(kAttribute) : nullptr;
  return places &&
         llvm::is_contained(places.getValue(), Attribute(op->getLoc()));
}

} // namespace heed::recognize
