// PrimitiveAttrs.cpp - syntax of #attn.post_op.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnDialect.h"

using namespace mlir;
using namespace heed::attn;

// `<` kind (`,` alpha (`,` beta)?)? `>`
Attribute PostOpAttr::parse(AsmParser &parser, Type) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&keyword))
    return {};
  std::optional<PostOpKind> kind = symbolizePostOpKind(keyword);
  if (!kind) {
    parser.emitError(loc, "post-op: unknown kind '") << keyword << "'";
    return {};
  }
  double alpha = 0, beta = 0;
  if (succeeded(parser.parseOptionalComma()) &&
      (parser.parseFloat(alpha) ||
       (succeeded(parser.parseOptionalComma()) && parser.parseFloat(beta))))
    return {};
  if (parser.parseGreater())
    return {};
  return PostOpAttr::get(parser.getContext(), *kind, alpha, beta);
}

void PostOpAttr::print(AsmPrinter &printer) const {
  printer << "<" << stringifyPostOpKind(getKind());
  if (!getAlpha().isPosZero() || !getBeta().isPosZero()) {
    printer << ", ";
    printer.printFloat(getAlpha());
  }
  if (!getBeta().isPosZero()) {
    printer << ", ";
    printer.printFloat(getBeta());
  }
  printer << ">";
}
