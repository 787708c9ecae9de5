// MathCalls.cpp - functions of libm under names of the runtime's own
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/MathCalls.h"
#include "runtime/support/Runtime.h"

#include <cmath>
#include <cstring>

extern "C" {

#define HEED_UNARY(name)                                                       \
  HEED_EXPORT double heed_math_##name(double x) noexcept { return ::name(x); } \
  HEED_EXPORT float heed_math_##name##f(float x) noexcept {                    \
    return ::name##f(x);                                                       \
  }
HEED_MATH_UNARY(HEED_UNARY)

#define HEED_BINARY(name)                                                      \
  HEED_EXPORT double heed_math_##name(double x, double y) noexcept {           \
    return ::name(x, y);                                                       \
  }                                                                            \
  HEED_EXPORT float heed_math_##name##f(float x, float y) noexcept {           \
    return ::name##f(x, y);                                                    \
  }
HEED_MATH_BINARY(HEED_BINARY)

HEED_EXPORT double heed_math_fma(double x, double y, double z) noexcept {
  return ::fma(x, y, z);
}
HEED_EXPORT float heed_math_fmaf(float x, float y, float z) noexcept {
  return ::fmaf(x, y, z);
}
HEED_EXPORT void heed_math_sincos(double x, double *s, double *c) noexcept {
  ::sincos(x, s, c);
}
HEED_EXPORT void heed_math_sincosf(float x, float *s, float *c) noexcept {
  ::sincosf(x, s, c);
}
HEED_EXPORT double heed_math_ldexp(double x, int exponent) noexcept {
  return ::ldexp(x, exponent);
}
HEED_EXPORT float heed_math_ldexpf(float x, int exponent) noexcept {
  return ::ldexpf(x, exponent);
}

static float asResult(uint16_t bits) {
  uint32_t word = bits;
  float result;
  std::memcpy(&result, &word, sizeof result);
  return result;
}

float heed_math___truncsfbf2(float x) noexcept {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (std::isnan(x))
    return asResult(static_cast<uint16_t>(bits >> 16 | 0x40)); // quiet
  return asResult(
      static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16));
}

/// By way of a float that was rounded to odd: an inexact result has its last
/// bit set, so that the second rounding sees no tie that is none.
float heed_math___truncdfbf2(double x) noexcept {
  float nearest = static_cast<float>(x);
  uint32_t bits;
  std::memcpy(&bits, &nearest, sizeof bits);
  double back = nearest;
  if (back != x && !std::isnan(x) && (bits & 1) == 0)
    bits = std::fabs(back) > std::fabs(x) ? bits - 1 : bits + 1;
  std::memcpy(&nearest, &bits, sizeof nearest);
  return heed_math___truncsfbf2(nearest);
}

} // extern "C"
