// ShortForm.cpp - the short forms of StableHLO's ops, parsed to what the
// generic form holds.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Most ops follow one scheme: operands and `name = value` entries between
// commas, an attribute dictionary, a colon and types. The others have a
// function each.

#include "tools/lib/stablehlo/Dialect.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {

using Operands = SmallVector<OpAsmParser::UnresolvedOperand>;

struct Form {
  OpAsmParser &parser;
  OperationState &state;
  Operands operands;

  Builder &b() { return parser.getBuilder(); }

  /// Operands and `name = value` entries, until neither follows.
  ParseResult entries();
  ParseResult entry(StringRef name);
  ParseResult keywordList(StringRef name);
  ParseResult dictionary() {
    return parser.parseOptionalAttrDict(state.attributes);
  }
  /// `: (operand types) -> result types`, or the types of the scheme.
  ParseResult types();
  ParseResult typed(ArrayRef<Type> ins, ArrayRef<Type> outs);

  ParseResult simple();
  ParseResult constant();
  ParseResult compare();
  ParseResult slice();
  ParseResult convolution();
  ParseResult window();
  ParseResult reduce();
  ParseResult loop();
  ParseResult customCall();
  ParseResult composite();
  ParseResult topK();
};

/// The generic form's name of an entry of the short form.
StringRef fullName(StringRef op, StringRef name) {
  if (name == "dims")
    return op == "broadcast_in_dim" || op == "dynamic_broadcast_in_dim"
               ? "broadcast_dimensions"
           : op == "transpose" ? "permutation"
                               : "dimensions";
  if (name == "dim")
    return op == "iota" || op == "dynamic_iota" ? "iota_dimension"
                                                : "dimension";
  if (name == "sizes")
    return "slice_sizes";
  if (name == "low")
    return "edge_padding_low";
  if (name == "high")
    return "edge_padding_high";
  if (name == "interior")
    return "interior_padding";
  return name;
}

ParseResult Form::keywordList(StringRef name) {
  SmallVector<Attribute> words;
  auto word = [&]() -> ParseResult {
    StringRef w;
    if (parser.parseKeyword(&w))
      return failure();
    words.push_back(b().getStringAttr(w));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, word))
    return failure();
  state.addAttribute(name, b().getArrayAttr(words));
  return success();
}

ParseResult Form::entry(StringRef name) {
  StringRef op = state.name.getStringRef().split('.').second;
  if (parser.parseEqual())
    return failure();
  if (name == "batching_dims" || name == "contracting_dims") {
    Attribute lhs, rhs;
    if (parser.parseAttribute(lhs) || parser.parseKeyword("x") ||
        parser.parseAttribute(rhs))
      return failure();
    auto dims = dyn_cast_or_null<DictionaryAttr>(
        state.attributes.get("dot_dimension_numbers"));
    NamedAttrList all(dims);
    StringRef kind = name == "batching_dims" ? "batching" : "contracting";
    all.set(("lhs_" + kind + "_dimensions").str(), lhs);
    all.set(("rhs_" + kind + "_dimensions").str(), rhs);
    state.attributes.set("dot_dimension_numbers",
                         all.getDictionary(parser.getContext()));
    return success();
  }
  if (name == "precision")
    return keywordList("precision_config");
  Attribute value;
  int64_t number;
  StringRef word;
  // The colon behind a number begins the types of the op, not the number's.
  OptionalParseResult integer = parser.parseOptionalInteger(number);
  OptionalParseResult attribute = std::nullopt;
  if (integer.has_value() && succeeded(*integer))
    value = b().getI64IntegerAttr(number);
  else if (!integer.has_value())
    attribute = parser.parseOptionalAttribute(value);
  if (!value && !attribute.has_value() &&
      succeeded(parser.parseOptionalKeyword(&word))) // e5m10, RFFT
    value = b().getStringAttr(word);
  if (!value)
    return parser.emitError(parser.getCurrentLocation())
           << "'" << name << "' is not supported here";
  state.addAttribute(fullName(op, name), value);
  return success();
}

ParseResult Form::entries() {
  bool first = true;
  do {
    OpAsmParser::UnresolvedOperand operand;
    OptionalParseResult r = parser.parseOptionalOperand(operand);
    StringRef name;
    if (r.has_value()) {
      if (failed(*r))
        return failure();
      operands.push_back(operand);
    } else if (succeeded(parser.parseOptionalKeyword(&name))) {
      if (entry(name))
        return failure();
    } else if (!first) {
      return parser.emitError(parser.getCurrentLocation(),
                              "expected an operand or an attribute");
    }
    first = false;
  } while (succeeded(parser.parseOptionalComma()));
  return success();
}

ParseResult Form::typed(ArrayRef<Type> ins, ArrayRef<Type> outs) {
  state.addTypes(outs);
  return parser.resolveOperands(operands, ins, parser.getNameLoc(),
                                state.operands);
}

ParseResult Form::types() {
  StringRef op = state.name.getStringRef().split('.').second;
  SmallVector<Type> list;
  if (operands.empty() && failed(parser.parseOptionalColon()))
    return success(); // stablehlo.return
  if (!operands.empty() && parser.parseColon())
    return failure();
  bool inParens = succeeded(parser.parseOptionalLParen());
  if (!inParens || failed(parser.parseOptionalRParen())) {
    if (parser.parseTypeList(list) || (inParens && parser.parseRParen()))
      return failure();
  }
  if (succeeded(parser.parseOptionalArrow())) {
    SmallVector<Type> results;
    if (succeeded(parser.parseOptionalLParen())) {
      if (failed(parser.parseOptionalRParen()) &&
          (parser.parseTypeList(results) || parser.parseRParen()))
        return failure();
    } else if (parser.parseTypeList(results)) {
      return failure();
    }
    if (list.size() == 1)
      list.resize(operands.size(), list[0]);
    return typed(list, results);
  }
  if (op == "return")
    return typed(list, {});
  if (op == "optimization_barrier")
    return typed(list, list);
  if (op == "select" && list.size() == 2) // of the condition, of the rest
    return typed({list[0], list[1], list[1]}, list[1]);
  if (list.size() != 1)
    return parser.emitError(parser.getCurrentLocation(), "expected one type");
  return typed(SmallVector<Type>(operands.size(), list[0]), list);
}

ParseResult Form::simple() {
  return failure(entries() || dictionary() || types());
}

ParseResult Form::constant() {
  TypedAttr value;
  if (dictionary() || parser.parseAttribute(value))
    return failure();
  state.addAttribute("value", value);
  state.addTypes(value.getType());
  return success();
}

ParseResult Form::compare() { // GE, %x, %y, SIGNED
  StringRef direction, kind;
  OpAsmParser::UnresolvedOperand x, y;
  if (parser.parseKeyword(&direction) || parser.parseComma() ||
      parser.parseOperand(x) || parser.parseComma() || parser.parseOperand(y))
    return failure();
  state.addAttribute("comparison_direction", b().getStringAttr(direction));
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword(&kind))
      return failure();
    state.addAttribute("compare_type", b().getStringAttr(kind));
  }
  operands = {x, y};
  return failure(dictionary() || types());
}

ParseResult Form::slice() { // %x [0:2, 0:8:2]
  SmallVector<int64_t> starts, limits, strides;
  auto range = [&]() -> ParseResult {
    int64_t start, limit, stride = 1;
    if (parser.parseInteger(start) || parser.parseColon() ||
        parser.parseInteger(limit) ||
        (succeeded(parser.parseOptionalColon()) && parser.parseInteger(stride)))
      return failure();
    starts.push_back(start);
    limits.push_back(limit);
    strides.push_back(stride);
    return success();
  };
  operands.resize(1);
  if (parser.parseOperand(operands[0]) ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, range))
    return failure();
  state.addAttribute("start_indices", b().getDenseI64ArrayAttr(starts));
  state.addAttribute("limit_indices", b().getDenseI64ArrayAttr(limits));
  state.addAttribute("strides", b().getDenseI64ArrayAttr(strides));
  return failure(dictionary() || types());
}

ParseResult
Form::window() { // {stride = [..], pad = [[..], ..], reverse = [..]}
  auto part = [&]() -> ParseResult {
    StringRef name;
    Attribute value;
    if (parser.parseKeyword(&name) || parser.parseEqual() ||
        parser.parseAttribute(value))
      return failure();
    StringRef full = name == "stride"       ? "window_strides"
                     : name == "pad"        ? "padding"
                     : name == "lhs_dilate" ? "lhs_dilation"
                     : name == "rhs_dilate" ? "rhs_dilation"
                     : name == "reverse"    ? "window_reversal"
                                            : "";
    if (full.empty())
      return parser.emitError(parser.getCurrentLocation())
             << "'" << name << "' in a window is not known";
    state.addAttribute(full, value);
    return success();
  };
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, part);
}

ParseResult Form::convolution() {
  operands.resize(2);
  if (parser.parseLParen() || parser.parseOperand(operands[0]) ||
      parser.parseComma() || parser.parseOperand(operands[1]) ||
      parser.parseRParen() || parser.parseKeyword("dim_numbers") ||
      parser.parseEqual())
    return failure();
  Attribute dims = parseConvolutionDims(parser);
  if (!dims || parser.parseComma() || parser.parseKeyword("window") ||
      parser.parseEqual() || window())
    return failure();
  state.addAttribute("dimension_numbers", dims);
  return failure(dictionary() || types());
}

/// (%x init: %y), ... applies OP across dimensions = [..] : types
/// (%x init: %y), ... across dimensions = [..] : types reducer(%a: t, %b: t)
/// ... { ... }
ParseResult Form::reduce() {
  Operands inits;
  do {
    OpAsmParser::UnresolvedOperand x, init;
    if (parser.parseLParen() || parser.parseOperand(x) ||
        parser.parseKeyword("init") || parser.parseColon() ||
        parser.parseOperand(init) || parser.parseRParen())
      return failure();
    operands.push_back(x);
    inits.push_back(init);
  } while (succeeded(parser.parseOptionalComma()));
  size_t count = operands.size();
  operands.append(inits);
  FailureOr<OperationName> applied = failure();
  if (succeeded(parser.parseOptionalKeyword("applies")) &&
      failed(applied = parser.parseCustomOperationName()))
    return failure();
  Attribute dims;
  if (parser.parseKeyword("across") || parser.parseKeyword("dimensions") ||
      parser.parseEqual() || parser.parseAttribute(dims) || dictionary() ||
      types())
    return failure();
  state.addAttribute("dimensions", dims);
  Region *region = state.addRegion();
  if (failed(applied)) {
    // reducer(%a: t, %b: t) (%c: t, %d: t): accumulator and element of each.
    SmallVector<OpAsmParser::Argument> pairs, args;
    if (parser.parseKeyword("reducer"))
      return failure();
    for (size_t i = 0; i < count; ++i)
      if (parser.parseArgumentList(pairs, AsmParser::Delimiter::Paren,
                                   /*allowType=*/true))
        return failure();
    if (pairs.size() != 2 * count)
      return parser.emitError(parser.getCurrentLocation(),
                              "expected two arguments for each operand");
    for (size_t half : {0, 1})
      for (size_t i = 0; i < count; ++i)
        args.push_back(pairs[2 * i + half]);
    return parser.parseRegion(*region, args);
  }
  // One op on the accumulator and the element.
  auto type = dyn_cast<ShapedType>(state.operands[count].getType());
  if (count != 1 || !type)
    return parser.emitError(parser.getNameLoc(), "expected one tensor");
  Block &block = region->emplaceBlock();
  Type scalar = RankedTensorType::get({}, type.getElementType());
  Location loc = state.location;
  block.addArguments({scalar, scalar}, {loc, loc});
  OpBuilder builder(parser.getContext());
  builder.setInsertionPointToEnd(&block);
  OperationState op(loc, *applied);
  op.addOperands(block.getArguments());
  op.addTypes(scalar);
  Operation *combined = builder.create(op);
  OperationState end(loc, "stablehlo.return");
  end.addOperands(combined->getResults());
  builder.create(end);
  return success();
}

/// (%a = %x, ...) : types cond { ... } do { ... }
ParseResult Form::loop() {
  SmallVector<OpAsmParser::Argument> args;
  auto assign = [&]() -> ParseResult {
    if (parser.parseArgument(args.emplace_back()) || parser.parseEqual() ||
        parser.parseOperand(operands.emplace_back()))
      return failure();
    return success();
  };
  SmallVector<Type> list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, assign) ||
      (!args.empty() && (parser.parseColon() || parser.parseTypeList(list))) ||
      parser.parseOptionalAttrDictWithKeyword(state.attributes))
    return failure();
  if (list.size() != args.size())
    return parser.emitError(parser.getCurrentLocation(),
                            "expected one type for each value");
  for (auto [arg, type] : llvm::zip(args, list))
    arg.type = type;
  if (typed(list, list))
    return failure();
  return failure(parser.parseKeyword("cond") ||
                 parser.parseRegion(*state.addRegion(), args) ||
                 parser.parseKeyword("do") ||
                 parser.parseRegion(*state.addRegion(), args));
}

ParseResult Form::customCall() { // @name(%x, ...) {...} : types
  StringAttr target;
  if (parser.parseSymbolName(target) ||
      parser.parseOperandList(operands, AsmParser::Delimiter::Paren) ||
      dictionary())
    return failure();
  state.addAttribute("call_target_name", target);
  SmallVector<Type> ins, outs;
  FunctionType type;
  if (parser.parseColonType(type))
    return failure();
  return typed(type.getInputs(), type.getResults());
}

ParseResult Form::composite() { // "name" %x, ... {...} : types
  std::string name;
  if (parser.parseString(&name) || simple())
    return failure();
  state.addAttribute("name", b().getStringAttr(name));
  return success();
}

ParseResult Form::topK() { // (%x, k = 8) : types
  return failure(parser.parseLParen() || entries() || parser.parseRParen() ||
                 dictionary() || types());
}

} // namespace

ParseResult parseShortForm(OpAsmParser &parser, OperationState &state) {
  if (auto at = dyn_cast<FileLineColLoc>(state.location))
    state.addAttribute(lineAttr,
                       parser.getBuilder().getI64IntegerAttr(at.getLine()));
  Form form{parser, state, {}};
  StringRef op = state.name.getStringRef().split('.').second;
  if (op == "constant")
    return form.constant();
  if (op == "compare")
    return form.compare();
  if (op == "slice")
    return form.slice();
  if (op == "convolution")
    return form.convolution();
  if (op == "reduce")
    return form.reduce();
  if (op == "while")
    return form.loop();
  if (op == "custom_call")
    return form.customCall();
  if (op == "composite")
    return form.composite();
  if (op == "top_k")
    return form.topK();
  return form.simple();
}

} // namespace heed::stablehlo
