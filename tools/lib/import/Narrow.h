// Narrow.h - sizes and flags that the caller knows, put into an ONNX graph.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_NARROW_H
#define HEED_TOOLS_LIB_IMPORT_NARROW_H

#include "tools/lib/import/Import.h"
#include "tools/lib/import/onnx.pb.h"

namespace heed::import {

/// Asks `narrow` (Import.h) about each input. Fails where it sets a size that
/// the model has otherwise, or sizes of one name to different values.
void narrowInputs(onnx::GraphProto &graph, const NarrowInput &narrow);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_NARROW_H
