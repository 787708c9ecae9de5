// AttnBufferize.h - what the bufferisation models of the attn ops share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_ATTNBUFFERIZE_H
#define HEED_DIALECT_ATTNBUFFERIZE_H

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace heed::attn {
class AttnDialect;

/// Effects of a destination-passing op on memrefs: reads every operand, writes
/// the inits. On tensors there are none.
void getDestinationStyleEffects(
    mlir::DestinationStyleOpInterface op,
    llvm::SmallVectorImpl<
        mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>>
        &effects);

/// The buffers of `values`; what is no tensor stays itself.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
getBuffers(mlir::RewriterBase &rewriter, mlir::ValueRange values,
           const mlir::bufferization::BufferizationOptions &options,
           mlir::bufferization::BufferizationState &state);

/// Rebuilds a destination-style op, whose inits stand last, on the buffers of
/// its operands; attributes and regions are kept as they are.
llvm::LogicalResult bufferizeDestinationStyle(
    mlir::DestinationStyleOpInterface op, mlir::RewriterBase &rewriter,
    const mlir::bufferization::BufferizationOptions &options,
    mlir::bufferization::BufferizationState &state);

void attachYieldBufferization(mlir::MLIRContext *context);
void attachGateBufferization(mlir::MLIRContext *context);
void attachSdpaBufferization(mlir::MLIRContext *context);
void attachNormBufferization(mlir::MLIRContext *context);
void attachRopeBufferization(mlir::MLIRContext *context);
void attachPrimitiveBufferization(mlir::MLIRContext *context);
void attachRecurrentBufferization(mlir::MLIRContext *context);

/// Attaches the bufferisation of all attn ops when the dialect is loaded.
void registerAttnBufferization(mlir::DialectRegistry &registry);
} // namespace heed::attn

#endif // HEED_DIALECT_ATTNBUFFERIZE_H
