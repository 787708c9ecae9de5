// Model.h - reads an ONNX file from disk: the messages, their tensors, external
// data.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_MODEL_H
#define HEED_TOOLS_LIB_IMPORT_MODEL_H

#include "tools/lib/import/Tensor.h"
#include "tools/lib/import/onnx.pb.h"

#include <map>
#include <memory>
#include <string>

namespace heed::import {

/// Parses the file. Fails if it cannot be read, is no ONNX model or is too
/// large.
std::unique_ptr<onnx::ModelProto> readModel(const std::string &path);

/// What was read of external files, against their sizes: tensors may share
/// bytes, but not so that a small file becomes a huge model.
struct ExternalUse {
  std::map<std::string, int64_t> fileSizes; // by location
  int64_t bytes = 0;

  /// Counts a read of `length` bytes; fails beyond twice the files' size.
  void charge(const std::string &location, int64_t fileSize, int64_t length);
};

/// Decodes a tensor in any storage form and frees the message's own copy.
/// External data is read from beneath the folder of `modelPath`.
/// `use`, if given, keeps account of it.
HostTensor takeTensor(onnx::TensorProto &tensor, const std::string &modelPath,
                      ExternalUse *use = nullptr);

/// Bytes [offset, offset + length) of `folder`/`location`; the whole rest of
/// the file for length −1. The file must lie beneath the folder, reached
/// through no symbolic link, and be a regular file with one name.
std::string readExternal(const std::string &folder, const std::string &location,
                         int64_t offset, int64_t length,
                         ExternalUse *use = nullptr);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_MODEL_H
