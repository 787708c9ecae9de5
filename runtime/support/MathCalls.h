// MathCalls.h - functions of libm that compiled code may call
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM calls libm by its own names. A program would have to be linked with -lm
// then; so heed-compile renames the calls in objects to heed_math_<name>, and
// the runtime, which is linked with libm, passes them on. Each X(name) stands
// for name (double) and namef (float).
#ifndef HEED_RUNTIME_SUPPORT_MATHCALLS_H
#define HEED_RUNTIME_SUPPORT_MATHCALLS_H

#define HEED_MATH_UNARY(X)                                                     \
  X(acos)                                                                      \
  X(acosh)                                                                     \
  X(asin)                                                                      \
  X(asinh)                                                                     \
  X(atan)                                                                      \
  X(atanh)                                                                     \
  X(cbrt)                                                                      \
  X(ceil)                                                                      \
  X(cos)                                                                       \
  X(cosh)                                                                      \
  X(erf)                                                                       \
  X(erfc)                                                                      \
  X(exp)                                                                       \
  X(exp10)                                                                     \
  X(exp2)                                                                      \
  X(expm1)                                                                     \
  X(floor)                                                                     \
  X(log)                                                                       \
  X(log10)                                                                     \
  X(log1p)                                                                     \
  X(log2)                                                                      \
  X(nearbyint)                                                                 \
  X(rint)                                                                      \
  X(round)                                                                     \
  X(roundeven)                                                                 \
  X(sin)                                                                       \
  X(sinh)                                                                      \
  X(sqrt)                                                                      \
  X(tan)                                                                       \
  X(tanh)                                                                      \
  X(trunc)

#define HEED_MATH_BINARY(X)                                                    \
  X(atan2)                                                                     \
  X(fmax)                                                                      \
  X(fmin)                                                                      \
  X(fmod)                                                                      \
  X(pow)

// Beside these: fma, fmaf, sincos, sincosf, ldexp, ldexpf.

extern "C" {
/// What the compiler's own library has from GCC 13 on, as __truncsfbf2 and
/// __truncdfbf2: to the nearest bf16, ties to even. It is returned as a float
/// whose low half it is, which is the same register.
__attribute__((visibility("default"))) float
heed_math___truncsfbf2(float x) noexcept;
__attribute__((visibility("default"))) float
heed_math___truncdfbf2(double x) noexcept;
}

#endif // HEED_RUNTIME_SUPPORT_MATHCALLS_H
