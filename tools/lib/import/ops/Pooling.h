// Pooling.h - what the pooling ops share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_POOLING_H
#define HEED_TOOLS_LIB_IMPORT_OPS_POOLING_H

#include "tools/lib/import/ops/Window.h"

#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AffineMap.h"

namespace heed::import {

/// Loops n, c, o..., k... over a window: maps of x, the window and the result.
struct PoolMaps {
  mlir::AffineMap source, window, result;
  llvm::SmallVector<mlir::utils::IteratorType> iterators;
};
PoolMaps poolMaps(mlir::OpBuilder &b, const Window &win);

/// The window of the node, its kernel from the attributes.
Window readPoolWindow(Node &n);
Shape pooledShape(const Tensor &x, const Window &win);

/// Sum or max over each window; x is padded.
Tensor pool(Emitter &e, const Tensor &x, Shape shape, const Window &win,
            bool isMax);

/// The maximum of each window, and its position in the flattened x: the last
/// dim counts fastest, or with `columnMajor` the first spatial one.
std::pair<Tensor, Tensor> maxWithIndices(Emitter &e, const Tensor &x,
                                         const Tensor &padded, Shape shape,
                                         const Window &win, bool columnMajor);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_POOLING_H
