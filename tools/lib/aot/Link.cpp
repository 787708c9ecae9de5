// Link.cpp - an object file as a shared library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/Link.h"

#include "runtime/support/Model.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include <dlfcn.h>

using namespace llvm;

namespace heed {

Error linkShared(StringRef object, StringRef library, StringRef soname) {
  auto compiler = sys::findProgramByName("cc");
  if (!compiler)
    return createStringError("--shared: expected a C compiler 'cc' in PATH");
  Dl_info runtime;
  if (!dladdr(reinterpret_cast<const void *>(&heed_model_run), &runtime) ||
      !sys::fs::exists(runtime.dli_fname))
    return createStringError("--shared: cannot find Heed's runtime");

  // Never through a shell: names are arguments as they are.
  std::string sonameFlag = ("-Wl,-soname," + soname).str();
  StringRef arguments[] = {
      *compiler,
      "-shared",
      "-o",
      library,
      object,
      runtime.dli_fname,
      sonameFlag,
      "-Wl,-rpath,$ORIGIN",
      "-Wl,-z,relro,-z,now,-z,noexecstack,-z,text,-z,defs"};
  SmallString<128> log;
  if (std::error_code code =
          sys::fs::createTemporaryFile("heed-link", "log", log))
    return createStringError("--shared: " + code.message());
  scope_exit removeLog([&] { sys::fs::remove(log); });
  std::string message;
  int status = sys::ExecuteAndWait(
      *compiler, arguments, std::nullopt,
      {StringRef(""), StringRef(log), StringRef(log)}, 0, 0, &message);
  if (status == 0)
    return Error::success();
  if (auto text = MemoryBuffer::getFile(log))
    message += (*text)->getBuffer().rtrim();
  return createStringError("--shared: " + *compiler + " failed: " + message);
}

} // namespace heed
