// Model.cpp - parses the ONNX message from a bounded stream.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Model.h"
#include "tools/lib/import/Error.h"

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heed::import {

namespace {
struct FileDescriptor {
  int fd;
  ~FileDescriptor() {
    if (fd >= 0)
      ::close(fd);
  }
};
} // namespace

std::unique_ptr<onnx::ModelProto> readModel(const std::string &path) {
  FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info;
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0)
    fail(std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    fail("not a regular file");
  if (info.st_size == 0)
    fail("the file is empty");
  if (info.st_size > INT_MAX)
    fail("the file is larger than 2 GiB, the limit of the ONNX format");

  auto model = std::make_unique<onnx::ModelProto>();
  google::protobuf::io::FileInputStream bytes(file.fd);
  google::protobuf::io::CodedInputStream coded(&bytes);
  coded.SetTotalBytesLimit(static_cast<int>(info.st_size));
  coded.SetRecursionLimit(100);
  if (!model->MergeFromCodedStream(&coded) || !coded.ConsumedEntireMessage())
    fail("not an ONNX model, or damaged: the message does not parse");
  if (!model->has_graph())
    fail("not an ONNX model: it has no graph");
  return model;
}

} // namespace heed::import
