// rows.cpp - norms, softmaxes, rotations and elementwise ops as MLIR, for the
// tests of their kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/gpu/rows.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace heed::test {

using Sizes = std::vector<int64_t>;

std::vector<Sizes> Row::operandShapes() const {
  Sizes parameter{shape.back()};
  if (kind == Rope)
    parameter = {shape[shape.size() - 2], table};
  if ((kind == Layer || kind == RMS) && !over.empty()) {
    parameter.clear();
    for (int64_t dim : over)
      parameter.push_back(shape[dim]);
  }
  Sizes result = shape;
  if (kind == Transpose)
    std::swap(result[1], result[2]);
  return {shape, parameter, parameter, result};
}

/// Dims that an op may leave open: all, but the one that pairs lie along.
static std::string typeOf(const Row &row, const Sizes &sizes) {
  std::string text = "memref<";
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    bool isStatic =
        !row.isDynamic || (row.kind == Row::Rope && dim + 1 == sizes.size());
    text += (isStatic ? std::to_string(sizes[dim]) : "?") + "x";
  }
  return text + row.element + ">";
}

static std::string listOf(const Sizes &numbers) {
  std::vector<std::string> texts;
  for (int64_t number : numbers)
    texts.push_back(std::to_string(number));
  return "[" + llvm::join(texts, ", ") + "]";
}

std::string Row::print() const {
  auto shapes = operandShapes();
  std::string x = typeOf(*this, shapes[0]), a = typeOf(*this, shapes[1]);
  std::string y = typeOf(*this, shapes[3]);
  std::string outs =
      isInPlace ? " outs(%x : " + x + ")" : " outs(%y : " + y + ")";
  std::string body;
  int64_t rank = shape.size();
  if (kind == Softmax) {
    body = "linalg.softmax dimension(" + std::to_string(rank - 1) +
           ") ins(%x : " + x + ")" + outs;
  } else if (kind == Layer || kind == RMS) {
    Sizes dims;
    for (int64_t dim = rank - columnDims; dim < rank; ++dim)
      dims.push_back(dim);
    body = std::string("attn.norm ") + (kind == Layer ? "layer" : "rms") +
           " ins(%x : " + x + ")";
    if (!over.empty())
      body += " weight(%a : " + a + ") over " + listOf(over) +
              " bias(%b : " + a + ") over " + listOf(over);
    body += outs + " dimensions = " + listOf(dims) + " epsilon = 1.0e-05";
  } else if (kind == Rope) {
    std::string dims = listOf({rank - 2, rank - 1});
    body = "attn.rope ins(%x : " + x + ") cos(%a : " + a + ") over " + dims +
           " sin(%b : " + a + ") over " + dims + outs +
           " dimension = " + std::to_string(rank - 1) +
           " rotated = " + std::to_string(rotated) +
           (isInterleaved ? " interleaved" : "");
  } else if (kind == Transpose) {
    body = "linalg.transpose ins(%x : " + x + ")" + outs +
           " permutation = [0, 2, 1]";
  } else {
    std::vector<std::string> loops, iterators(rank, "\"parallel\"");
    for (int64_t dim = 0; dim < rank; ++dim)
      loops.push_back("d" + std::to_string(dim));
    std::string all = "(" + llvm::join(loops, ", ") + ")";
    std::string map = "affine_map<" + all + " -> " + all + ">";
    std::string last = "affine_map<" + all + " -> (" + loops.back() + ")>";
    body = llvm::formatv(
        "linalg.generic {{indexing_maps = [{0}, {1}, {1}, {0}], "
        "iterator_types = [{2}]} ins(%x, %a, %b : {3}, {4}, {4}) {5} {{\n"
        "^bb0(%in: {6}, %w: {6}, %c: {6}, %out: {6}):\n"
        "%0 = arith.mulf %in, %w : {6}\n"
        "%1 = arith.addf %0, %c : {6}\n"
        "%2 = arith.mulf %1, %root : {6}\n"
        "%3 = math.erf %2 : {6}\n"
        "%4 = arith.addf %3, %one : {6}\n"
        "%5 = arith.mulf %1, %4 : {6}\n"
        "%6 = arith.mulf %5, %half : {6}\n"
        "linalg.yield %6 : {6}\n}",
        map, last, llvm::join(iterators, ", "), x, a, outs, element);
  }
  return llvm::formatv(
      "func.func @main(%x: {0}, %a: {1}, %b: {1}, %y: {2}) {{\n"
      "%root = arith.constant 0.70710678 : {3}\n"
      "%one = arith.constant 1.0 : {3}\n"
      "%half = arith.constant 0.5 : {3}\n"
      "{4}\nreturn\n}\n",
      x, a, y, element, body);
}

std::vector<Row> rows() {
  std::vector<Row> all;
  auto add = [&](const char *name, Row::Kind kind, Sizes shape) -> Row & {
    all.emplace_back();
    all.back().name = name;
    all.back().kind = kind;
    all.back().shape = shape;
    all.back().over = {static_cast<int64_t>(shape.size()) - 1};
    return all.back();
  };
  add("layer", Row::Layer, {2, 5, 64});
  add("layer_768_f16", Row::Layer, {1, 9, 768}).element = "f16";
  add("layer_long_bf16", Row::Layer, {3, 4096}).element = "bf16";
  add("layer_in_place", Row::Layer, {3, 1, 200}).isInPlace = true;
  add("layer_odd", Row::Layer, {2, 3, 37});
  add("layer_longer_than_registers", Row::Layer, {2, 17000});
  add("layer_plain", Row::Layer, {4, 100}).over.clear();
  add("layer_dynamic", Row::Layer, {2, 3, 70}).isDynamic = true;
  add("layer_of_images", Row::Layer, {2, 6, 5, 8}).columnDims = 3;
  all.back().over = {1};
  add("group", Row::Layer, {2, 3, 4, 20}).columnDims = 2;
  all.back().over = {1, 2};
  add("rms", Row::RMS, {5, 128});
  add("rms_f16_dynamic", Row::RMS, {5, 128}).element = "f16";
  all.back().isDynamic = true;
  add("softmax", Row::Softmax, {2, 3, 128});
  add("softmax_odd_in_place", Row::Softmax, {7, 45}).isInPlace = true;
  add("softmax_long_bf16", Row::Softmax, {2, 6000}).element = "bf16";
  add("softmax_dynamic", Row::Softmax, {3, 50}).isDynamic = true;
  auto rope = [&](const char *name, Sizes shape, int64_t rotated,
                  int64_t table) -> Row & {
    Row &row = add(name, Row::Rope, shape);
    row.rotated = rotated, row.table = table;
    return row;
  };
  rope("rope", {2, 3, 7, 32}, 32, 16);
  rope("rope_whole_tables_f16", {1, 2, 5, 64}, 64, 64).element = "f16";
  rope("rope_partial", {2, 4, 24}, 8, 4);
  rope("rope_interleaved", {2, 5, 32}, 32, 16).isInterleaved = true;
  rope("rope_interleaved_in_place", {2, 5, 32}, 16, 16).isInterleaved = true;
  all.back().isInPlace = true;
  rope("rope_odd", {2, 5, 11}, 6, 3);
  rope("rope_dynamic_bf16", {2, 3, 4, 64}, 64, 32).isDynamic = true;
  all.back().element = "bf16";
  add("gelu", Row::Gelu, {3, 7, 64});
  add("gelu_f16_in_place", Row::Gelu, {3, 7, 64}).element = "f16";
  all.back().isInPlace = true;
  add("gelu_odd", Row::Gelu, {3, 7, 13});
  add("gelu_dynamic", Row::Gelu, {3, 50}).isDynamic = true;
  add("transpose", Row::Transpose, {2, 9, 14});
  add("transpose_f16_dynamic", Row::Transpose, {2, 9, 14}).element = "f16";
  all.back().isDynamic = true;
  return all;
}

} // namespace heed::test
