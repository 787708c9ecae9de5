// Dialect.cpp - the attributes of StableHLO, as dictionaries and words.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Dialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

namespace heed::stablehlo {

std::optional<Dialect::ParseOpHook>
HloDialect::getParseOperationHook(StringRef) const {
  return ParseOpHook(parseShortForm);
}

/// One list of dim names: letters and numbers.
static ParseResult parseDims(AsmParser &parser, SmallVector<Attribute> &dims) {
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Square, [&]() -> ParseResult {
        Builder &b = parser.getBuilder();
        StringRef word;
        if (succeeded(parser.parseOptionalKeyword(&word))) {
          dims.push_back(b.getStringAttr(word));
          return success();
        }
        if (succeeded(parser.parseOptionalQuestion()))
          return parser.emitError(parser.getCurrentLocation())
                 << "a dimension without a meaning is not supported";
        int64_t number;
        if (parser.parseInteger(number))
          return failure();
        dims.push_back(b.getI64IntegerAttr(number));
        return success();
      });
}

Attribute parseConvolutionDims(AsmParser &parser) {
  SmallVector<Attribute> lists[3];
  if (parseDims(parser, lists[0]) || parser.parseKeyword("x") ||
      parseDims(parser, lists[1]) || parser.parseArrow() ||
      parseDims(parser, lists[2]))
    return {};
  Builder &b = parser.getBuilder();
  return b.getDictionaryAttr(
      {b.getNamedAttr("input", b.getArrayAttr(lists[0])),
       b.getNamedAttr("kernel", b.getArrayAttr(lists[1])),
       b.getNamedAttr("output", b.getArrayAttr(lists[2]))});
}

/// `<key = value, ...>`
static Attribute parseFields(AsmParser &parser) {
  NamedAttrList fields;
  auto field = [&]() -> ParseResult {
    StringRef key;
    if (parser.parseKeyword(&key) || parser.parseEqual())
      return failure();
    Attribute value;
    StringRef word;
    if (succeeded(parser.parseOptionalLess())) { // <DEFAULT>
      if (succeeded(parser.parseOptionalKeyword(&word)))
        value = parser.getBuilder().getStringAttr(word);
      if (parser.parseGreater())
        return failure();
    } else if (OptionalParseResult r = parser.parseOptionalAttribute(value);
               r.has_value()) {
      if (failed(*r))
        return failure();
    } else if (succeeded(parser.parseOptionalKeyword(&word))) {
      value = parser.getBuilder().getStringAttr(word);
    }
    if (!value)
      return parser.emitError(parser.getCurrentLocation(), "expected a value");
    fields.set(key, value);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, field))
    return {};
  return fields.getDictionary(parser.getContext());
}

Attribute HloDialect::parseAttribute(DialectAsmParser &parser, Type) const {
  StringRef mnemonic;
  if (parser.parseKeyword(&mnemonic))
    return {};
  if (mnemonic == "conv") {
    if (parser.parseLess())
      return {};
    Attribute dims = parseConvolutionDims(parser);
    return dims && succeeded(parser.parseGreater()) ? dims : Attribute();
  }
  // `#stablehlo<comparison_direction GE>`, `#stablehlo.precision<DEFAULT>`
  StringRef word;
  if (succeeded(parser.parseOptionalKeyword(&word)))
    return parser.getBuilder().getStringAttr(word);
  if (mnemonic == "dot" || mnemonic == "gather" || mnemonic == "scatter" ||
      mnemonic == "result_accuracy" || mnemonic == "dot_algorithm" ||
      mnemonic == "channel_handle" || mnemonic == "output_operand_alias")
    return parseFields(parser);
  if (parser.parseLess() || parser.parseKeyword(&word) || parser.parseGreater())
    return {};
  return parser.getBuilder().getStringAttr(word);
}

} // namespace heed::stablehlo
