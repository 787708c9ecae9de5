// ModelWeights.cpp - reads the weights' file of a compiled model
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Read, not mapped: a file that is cut while it is mapped kills the process.

#include "runtime/support/ModelLoad.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace heed::runtime {
namespace {

struct File {
  int descriptor;
  ~File() {
    if (descriptor >= 0)
      close(descriptor);
  }
};

std::string systemError() { return std::generic_category().message(errno); }

/// All of `bytes`, or why not.
std::string readAll(int descriptor, void *to, int64_t bytes) {
  constexpr int64_t kPiece = int64_t(1) << 30; // read takes less than 2 GiB
  auto *next = static_cast<char *>(to);
  while (bytes > 0) {
    ssize_t got = read(descriptor, next,
                       static_cast<size_t>(bytes < kPiece ? bytes : kPiece));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemError();
    if (got == 0)
      return "the file became shorter while it was read";
    next += got;
    bytes -= got;
  }
  return {};
}

std::string readOpen(const HeedModel &model, int descriptor, Buffer &memory) {
  struct stat info;
  if (fstat(descriptor, &info) != 0)
    return systemError();
  if (!S_ISREG(info.st_mode))
    return "not a regular file";
  HeedWeightsHeader header;
  if (info.st_size < static_cast<int64_t>(sizeof header))
    return "expected at least " + std::to_string(sizeof header) +
           " bytes, got " + std::to_string(info.st_size);
  if (std::string problem = readAll(descriptor, &header, sizeof header);
      !problem.empty())
    return problem;
  if (std::memcmp(header.magic, kHeedWeightsMagic, sizeof header.magic) != 0)
    return "not a weights' file of heed-compile";
  if (header.weightsId != model.code->weightsId ||
      header.bytes != model.weightBytes)
    return "these are the weights of another model, or of another compilation";
  int64_t wanted = static_cast<int64_t>(sizeof header) + header.bytes;
  if (info.st_size != wanted)
    return "expected " + std::to_string(wanted) + " bytes, got " +
           std::to_string(info.st_size);
  if (!memory.reserve(header.bytes))
    throw std::bad_alloc();
  return readAll(descriptor, memory.data(), header.bytes);
}

} // namespace

std::string readWeights(const HeedModel &model, const char *path,
                        Buffer &memory) {
  if (!path)
    return "its weights are in a file, got no path";
  File file{open(path, O_RDONLY | O_CLOEXEC)};
  std::string problem = file.descriptor < 0
                            ? systemError()
                            : readOpen(model, file.descriptor, memory);
  return problem.empty() ? problem : path + (": " + problem);
}

} // namespace heed::runtime
