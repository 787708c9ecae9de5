// MathCalls.cpp - an object's calls of libm, passed to the runtime.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/MathCalls.h"

#include "runtime/support/MathCalls.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/StringSaver.h"

using namespace llvm;

namespace heed {

#define HEED_NAMES(name) #name, #name "f",

Error redirectMathCalls(SmallVectorImpl<char> &object) {
  static const StringSet<> known = {HEED_MATH_UNARY(HEED_NAMES)
                                        HEED_MATH_BINARY(HEED_NAMES) "fma",
                                    "fmaf",
                                    "sincos",
                                    "sincosf",
                                    "ldexp",
                                    "ldexpf",
                                    "__truncsfbf2",
                                    "__truncdfbf2"};
  auto file = object::ObjectFile::createObjectFile(
      MemoryBufferRef({object.data(), object.size()}, "object"));
  if (!file)
    return file.takeError();
  BumpPtrAllocator memory;
  StringSaver names(memory);
  objcopy::ConfigManager config;
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name)
      return joinErrors(flags ? Error::success() : flags.takeError(),
                        name ? Error::success() : name.takeError());
    if ((*flags & object::SymbolRef::SF_Undefined) && known.contains(*name))
      config.Common.SymbolsToRename[*name] = names.save("heed_math_" + *name);
  }
  if (config.Common.SymbolsToRename.empty())
    return Error::success();
  SmallVector<char, 0> renamed;
  raw_svector_ostream os(renamed);
  if (Error error = objcopy::executeObjcopyOnBinary(config, **file, os))
    return error;
  object.assign(renamed.begin(), renamed.end());
  return Error::success();
}

} // namespace heed
