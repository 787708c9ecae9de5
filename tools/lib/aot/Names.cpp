// Names.cpp - names of models and ports as C source may hold them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/Names.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace heed {

/// C reserves what begins with an underscore; `heed…` is the runtime's.
static bool startsWell(StringRef name) {
  return !name.empty() && isAlpha(name.front()) && !name.starts_with("heed");
}

std::string nameFromFile(StringRef path) {
  std::string name = sys::path::stem(path).str();
  for (char &c : name)
    if (!isAlnum(c))
      c = '_';
  return startsWell(name) ? name : "model_" + name;
}

Error checkName(StringRef name) {
  bool fits = startsWell(name) &&
              all_of(name, [](char c) { return isAlnum(c) || c == '_'; });
  return fits ? Error::success()
              : createStringError(
                    "--name: expected a C identifier that begins with a "
                    "letter and not with 'heed', got '" +
                    name + "'");
}

std::string commentText(StringRef text) {
  std::string plain;
  for (char c : text.take_front(200)) {
    bool trigraph = c == '?' && StringRef(plain).ends_with("?");
    plain += isPrint(c) && c != '\\' && c != '*' && !trigraph ? c : '_';
  }
  return plain;
}

} // namespace heed
