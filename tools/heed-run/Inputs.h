// Inputs.h - the arrays that a program is run on: files, or seeded random data.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_HEED_RUN_INPUTS_H
#define HEED_TOOLS_HEED_RUN_INPUTS_H

#include "tools/lib/jit/Program.h"

namespace heed {

/// One array a port. With `files`, one .npy file each. Without, random data:
/// floats uniform in [-1, 1), integers in {0, 1}, sizes of dynamic dims by
/// `shapes` ("name=1x3x48x320").
llvm::Expected<std::vector<Array>>
makeInputs(const std::vector<Port> &ports,
           const std::vector<std::string> &files,
           const std::vector<std::string> &shapes, uint64_t seed);

/// Arrays like those given, each element one of the given array's: token ids,
/// masks and lengths stay valid.
std::vector<Array> drawInputs(const std::vector<Array> &given, uint64_t seed);

} // namespace heed

#endif // HEED_TOOLS_HEED_RUN_INPUTS_H
