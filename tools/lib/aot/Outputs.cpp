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

Error Outputs::addMade(StringRef path, function_ref<Error(StringRef)> make) {
  auto file = sys::fs::TempFile::create(path + ".tmp-%%%%%%%%");
  if (!file)
    return withPath(path, file.takeError());
  staged.push_back({path.str(), std::move(*file)});
  return make(staged.back().file.TmpName);
}

Error Outputs::add(StringRef path, function_ref<void(raw_ostream &)> write) {
  return addMade(path, [&](StringRef) -> Error {
    raw_fd_ostream os(staged.back().file.FD, /*shouldClose=*/false);
    write(os);
    os.flush();
    if (std::error_code code = os.error()) {
      os.clear_error();
      return withPath(path, errorCodeToError(code));
    }
    return Error::success();
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
  return Error::success();
}

} // namespace heed
