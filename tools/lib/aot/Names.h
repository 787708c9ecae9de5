// Names.h - names of models and ports as C source may hold them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_NAMES_H
#define HEED_TOOLS_LIB_AOT_NAMES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace heed {

/// The name of a model's functions, from the file's: "a/se-block.onnx" is
/// se_block. What would be no C identifier, or the runtime's, begins with
/// "model_".
std::string nameFromFile(llvm::StringRef path);

/// An error where `name` cannot be the name of a model's functions.
llvm::Error checkName(llvm::StringRef name);

/// `text` as the part of a // comment: whatever a model file calls a tensor
/// cannot end the comment or continue it in the next line.
std::string commentText(llvm::StringRef text);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_NAMES_H
