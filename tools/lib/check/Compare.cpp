// Compare.cpp - results against expected arrays, within tolerances.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/check/Compare.h"

#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>

using namespace llvm;

namespace heed {

static bool isFloat(DType type) {
  return type == DType::F16 || type == DType::BF16 || type == DType::F32 ||
         type == DType::F64;
}

static std::string shapeText(const Array &array) {
  std::string text = dtypeName(array.type).str() + "[";
  for (size_t i = 0; i < array.shape.size(); ++i)
    text += (i ? "," : "") + std::to_string(array.shape[i]);
  return text + "]";
}

static std::string indexText(const Array &array, int64_t flat) {
  std::string text;
  for (size_t i = array.shape.size(); i-- > 0;) {
    text = std::to_string(flat % array.shape[i]) + (text.empty() ? "" : ",") +
           text;
    flat /= array.shape[i];
  }
  return "[" + text + "]";
}

Expected<Comparison> compareArrays(const Array &got, const Array &want,
                                   double atol, double rtol) {
  if (got.shape != want.shape || got.type != want.type)
    return createStringError("mismatch: expected " + shapeText(want) +
                             ", got " + shapeText(got));
  Comparison result;
  int64_t worst = -1;
  double worstExcess = 0;
  int64_t bytes = dtypeBytes(got.type);
  for (int64_t i = 0; i < got.numElements(); ++i) {
    if (!isFloat(got.type)) {
      // 64-bit integers do not fit a double: compare bytes.
      if (std::memcmp(&got.data[i * bytes], &want.data[i * bytes], bytes) == 0)
        continue;
      double error = std::abs(got.at(i) - want.at(i));
      result.maxAbsError = std::max(result.maxAbsError, error);
      if (worst < 0 || error > worstExcess) {
        worst = i;
        worstExcess = error;
      }
      continue;
    }
    double g = got.at(i), w = want.at(i);
    if ((std::isnan(g) && std::isnan(w)) || g == w)
      continue;
    double error = std::abs(g - w);
    if (std::isnan(error))
      error = INFINITY;
    result.maxAbsError = std::max(result.maxAbsError, error);
    double excess = error - (atol + rtol * std::abs(w));
    if (!(excess <= 0) && (worst < 0 || excess > worstExcess)) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (worst >= 0) {
    result.within = false;
    result.message =
        formatv("mismatch at {0}: got {1:e6}, expected {2:e6} (atol {3:e1}, "
                "rtol {4:e1}; largest error {5:e2})",
                indexText(got, worst), got.at(worst), want.at(worst), atol,
                rtol, result.maxAbsError);
  }
  return result;
}

} // namespace heed
