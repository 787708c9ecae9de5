// Dialect.h - the names of StableHLO and CHLO, as far as the reader needs them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// No op is registered. The generic form is MLIR's own; the short forms are
// parsed to the same operands, attributes and regions. What an op means, and
// whether its operands fit, is decided where it is converted.
#ifndef HEED_TOOLS_LIB_STABLEHLO_DIALECT_H
#define HEED_TOOLS_LIB_STABLEHLO_DIALECT_H

#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"

namespace heed::stablehlo {

/// Where the op stands in the file: its location may name the Python source.
constexpr llvm::StringLiteral lineAttr = "heed.line";

/// Parses the short form of any op of the two dialects.
mlir::ParseResult parseShortForm(mlir::OpAsmParser &parser,
                                 mlir::OperationState &state);

/// `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]` as a dictionary of three lists.
mlir::Attribute parseConvolutionDims(mlir::AsmParser &parser);

class HloDialect : public mlir::Dialect {
public:
  mlir::Attribute parseAttribute(mlir::DialectAsmParser &parser,
                                 mlir::Type type) const override;
  std::optional<ParseOpHook>
  getParseOperationHook(llvm::StringRef name) const override;

protected:
  HloDialect(llvm::StringRef name, mlir::MLIRContext *context, mlir::TypeID id)
      : Dialect(name, context, id) {
    allowUnknownOperations();
    allowUnknownTypes();
  }
};

class StableHloDialect : public HloDialect {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(StableHloDialect)
  explicit StableHloDialect(mlir::MLIRContext *context)
      : HloDialect(getDialectNamespace(), context,
                   mlir::TypeID::get<StableHloDialect>()) {}
  static constexpr llvm::StringLiteral getDialectNamespace() {
    return "stablehlo";
  }
};

class ChloDialect : public HloDialect {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ChloDialect)
  explicit ChloDialect(mlir::MLIRContext *context)
      : HloDialect(getDialectNamespace(), context,
                   mlir::TypeID::get<ChloDialect>()) {}
  static constexpr llvm::StringLiteral getDialectNamespace() { return "chlo"; }
};

} // namespace heed::stablehlo

#endif // HEED_TOOLS_LIB_STABLEHLO_DIALECT_H
