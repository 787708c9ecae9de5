// Page.cpp - the report as one HTML file: the page's frame around its data as
// JSON.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/report/Page.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace heed {

/// The page with its style and script in place; {{title}}, {{name}}, {{model}}
/// and {{data}} are left to fill in. Made by CMake from page/.
static const char frame[] =
#include "tools/lib/report/Frame.inc"
    ;

std::string escapeHtml(StringRef text) {
  std::string result;
  for (char c : json::fixUTF8(text)) {
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default:
      result += c;
    }
  }
  return result;
}

std::string escapeJsonForHtml(StringRef json) {
  std::string result;
  for (char c : json)
    if (c == '<' || c == '>' || c == '&')
      result += formatv("\\u00{0:x-2}", static_cast<unsigned>(c)).str();
    else
      result += c;
  return result;
}

static StringRef fileName(StringRef path) {
  return path.substr(path.find_last_of('/') + 1);
}

namespace {
class Data {
public:
  explicit Data(const Report &report) : report(report) {}

  json::Value build() {
    json::Array blocks;
    for (const Block &block : report.blocks)
      blocks.push_back(buildBlock(block));
    return json::Object{{"before", counts(report.before)},
                        {"after", counts(report.after)},
                        {"flops", count(report.total.flops)},
                        {"bytes", count(report.total.bytes)},
                        {"blocks", std::move(blocks)},
                        {"ir", std::move(texts)}};
  }

private:
  json::Value buildBlock(const Block &block) {
    const Anchor &anchor = report.anchors[block.anchor];
    json::Object row{{"kind", json::fixUTF8(anchor.kind)},
                     {"status", anchor.fused ? "fused" : "missed"},
                     {"flops", count(block.cost.flops)},
                     {"bytes", count(block.cost.bytes)},
                     {"sourceBytes", count(block.sourceCost.bytes)},
                     {"before", counts(block.before)},
                     {"after", counts(block.after)}};
    auto text = [&](StringRef key, StringRef value) {
      if (!value.empty())
        row[key] = json::fixUTF8(value);
    };
    text("op", anchor.op);
    text("node", anchor.node);
    text("scope", anchor.scope);
    if (!anchor.file.empty())
      text("location",
           formatv("{0}:{1}", fileName(anchor.file), anchor.line).str());
    text("reason", anchor.reason);
    text("suggestion", anchor.suggest);
    text("schedule", anchor.schedule);
    text("facts", anchor.facts);
    json::Array shape;
    for (const auto &[name, size] : block.shape)
      shape.push_back(json::Array{name, count(size)});
    row["shape"] = std::move(shape);
    if (!block.sourceIr.empty())
      row["source"] = number(block.sourceIr);
    if (!block.fusedIr.empty())
      row["fused"] = number(block.fusedIr);
    return row;
  }

  /// Equal layers share their text.
  int64_t number(StringRef text) {
    auto [it, isNew] = numbers.try_emplace(text, texts.size());
    if (isNew)
      texts.push_back(json::fixUTF8(text));
    return it->second;
  }

  static json::Value counts(const OpCounts &counts) {
    json::Object result;
    for (const auto &[name, number] : counts)
      result[json::fixUTF8(name)] = number;
    return result;
  }

  static json::Value count(const Count &count) {
    if (count.isConstant())
      return count.coefficients();
    json::Array terms;
    for (const auto &[symbols, coefficient] : reverse(count.getTerms()))
      terms.push_back(
          json::Array{coefficient, json::fixUTF8(join(symbols, " "))});
    return terms;
  }

  const Report &report;
  StringMap<int64_t> numbers;
  json::Array texts;
};
} // namespace

void printReport(raw_ostream &os, const Report &report) {
  StringRef rest(frame);
  while (true) {
    size_t at = rest.find("{{");
    os << rest.take_front(at);
    if (at == StringRef::npos)
      return;
    rest = rest.drop_front(at);
    if (rest.consume_front("{{title}}"))
      os << escapeHtml(fileName(report.model)) << " – Heed report";
    else if (rest.consume_front("{{name}}"))
      os << escapeHtml(fileName(report.model));
    else if (rest.consume_front("{{model}}"))
      os << escapeHtml(report.model);
    else if (rest.consume_front("{{data}}"))
      os << escapeJsonForHtml(formatv("{0}", Data(report).build()).str());
    else {
      os << rest.take_front(2);
      rest = rest.drop_front(2);
    }
  }
}

Error writeReport(StringRef path, const Report &report) {
  if (!report.complete)
    return createStringError(
        path + ": no report: the passes held no recognition "
               "(--heed-recognize-pipeline or a heed-recognize-* pass)");
  return writeToOutput(path, [&](raw_ostream &os) {
    printReport(os, report);
    return Error::success();
  });
}

} // namespace heed
