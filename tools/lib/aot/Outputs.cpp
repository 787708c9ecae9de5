// Outputs.cpp - files that appear together, and only when all are complete.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/Outputs.h"

using namespace llvm;

namespace heed {

static Error withPath(StringRef path, Error error) {
  return createStringError(path + ": " + toString(std::move(error)));
}

Outputs::~Outputs() {
  for (Staged &entry : staged)
    consumeError(entry.file.discard());
}

/// Whether a rename to `path` would replace what is no file.
static bool isSpecial(StringRef path) {
  return sys::fs::exists(path) && !sys::fs::is_regular_file(path);
}

static Error check(StringRef path, raw_fd_ostream &os) {
  os.flush();
  std::error_code code = os.error();
  os.clear_error();
  return code ? withPath(path, errorCodeToError(code)) : Error::success();
}

Error Outputs::addMade(StringRef path, function_ref<Error(StringRef)> make) {
  if (isSpecial(path))
    return createStringError(path + ": not a regular file");
  auto file = sys::fs::TempFile::create(path + ".tmp-%%%%%%%%");
  if (!file)
    return withPath(path, file.takeError());
  staged.push_back({path.str(), std::move(*file)});
  return make(staged.back().file.TmpName);
}

Error Outputs::add(StringRef path, function_ref<void(raw_ostream &)> write) {
  if (sys::fs::is_directory(path))
    return createStringError(path + ": is a folder");
  if (isSpecial(path)) {
    std::string bytes;
    raw_string_ostream os(bytes);
    write(os);
    direct.emplace_back(path.str(), std::move(bytes));
    return Error::success();
  }
  return addMade(path, [&](StringRef) -> Error {
    raw_fd_ostream os(staged.back().file.FD, /*shouldClose=*/false);
    write(os);
    return check(path, os);
  });
}

Error Outputs::publish() {
  while (!staged.empty()) {
    Staged entry = std::move(staged.front());
    staged.erase(staged.begin());
    if (Error error = entry.file.keep(entry.path)) {
      consumeError(entry.file.discard());
      return withPath(entry.path, std::move(error));
    }
  }
  for (const auto &[path, bytes] : direct) {
    std::error_code code;
    raw_fd_ostream os(path, code, sys::fs::CD_OpenExisting);
    if (code)
      return withPath(path, errorCodeToError(code));
    os << bytes;
    if (Error error = check(path, os))
      return error;
  }
  direct.clear();
  return Error::success();
}

} // namespace heed
