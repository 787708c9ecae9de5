// Header.h - the C header of a compiled model.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_HEADER_H
#define HEED_TOOLS_LIB_AOT_HEADER_H

#include "tools/lib/compile/Compile.h"
#include "llvm/Support/raw_ostream.h"

namespace heed {

struct HeaderOptions {
  std::string name;   // of the functions
  std::string file;   // of the header, without folders
  std::string source; // of the model, without folders
  std::string cpu;
  bool weightsInFile = false;
};

/// Writes a header that is complete by itself: the interface of the runtime
/// (runtime/support/Model.h), and the model's own two functions.
void writeHeader(llvm::raw_ostream &os, const Lowered &lowered,
                 const HeaderOptions &options);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_HEADER_H
