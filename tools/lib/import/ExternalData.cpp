// ExternalData.cpp - opens a model's external data, never a file outside the
// model's folder.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks on the path's text do not hold (four CVEs in the ONNX library): the
// kernel resolves the path with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, or,
// where it lacks openat2, each component is opened by itself with O_NOFOLLOW.

#include "tools/lib/import/Error.h"
#include "tools/lib/import/Model.h"

#include "llvm/ADT/SmallVector.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace heed::import {

namespace {

struct FileDescriptor {
  int fd = -1;
  FileDescriptor(int fd) : fd(fd) {}
  FileDescriptor(FileDescriptor &&other) : fd(other.fd) { other.fd = -1; }
  FileDescriptor &operator=(FileDescriptor &&other) {
    std::swap(fd, other.fd);
    return *this;
  }
  ~FileDescriptor() {
    if (fd >= 0)
      ::close(fd);
  }
};

/// Opens each component by itself, following no link.
FileDescriptor openByComponents(int folder, llvm::StringRef location) {
  FileDescriptor at(::dup(folder));
  llvm::SmallVector<llvm::StringRef> parts;
  location.split(parts, '/');
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty() || parts[i] == ".") {
      if (i + 1 < parts.size() && i > 0)
        continue;
      if (parts[i].empty())
        fail("external data: location is not a relative file name");
      continue;
    }
    if (parts[i] == "..")
      fail("external data: location leaves the model's folder");
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    if (i + 1 < parts.size())
      flags |= O_DIRECTORY;
    at = FileDescriptor(::openat(at.fd, parts[i].str().c_str(), flags));
    if (at.fd < 0)
      return at;
  }
  return at;
}

FileDescriptor openBeneath(int folder, const std::string &location) {
  struct open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  FileDescriptor file(static_cast<int>(
      ::syscall(SYS_openat2, folder, location.c_str(), &how, sizeof how)));
  if (file.fd < 0 && (errno == ENOSYS || errno == EPERM))
    return openByComponents(folder, location);
  return file;
}

} // namespace

void ExternalUse::charge(const std::string &location, int64_t fileSize,
                         int64_t length) {
  fileSizes[location] = fileSize;
  bytes += length;
  int64_t stored = 0;
  for (auto &[name, size] : fileSizes)
    stored += size;
  if (bytes > 2 * stored)
    fail("external data " + quoted(location) +
         ": the tensors read the same bytes again and again");
}

std::string readExternal(const std::string &folder, const std::string &location,
                         int64_t offset, int64_t length, ExternalUse *use) {
  std::string shown = "external data " + quoted(location) + ": ";
  if (location.empty() || location.find('\0') != std::string::npos)
    fail(shown + "location is not a file name");
  FileDescriptor root(::open(folder.empty() ? "." : folder.c_str(),
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root.fd < 0)
    fail(shown + "cannot open the model's folder: " + std::strerror(errno));
  FileDescriptor file = openBeneath(root.fd, location);
  if (file.fd < 0)
    fail(shown + (errno == EXDEV || errno == ELOOP
                      ? "location leaves the model's folder or is a link"
                      : std::strerror(errno)));
  struct stat info;
  if (::fstat(file.fd, &info) != 0)
    fail(shown + std::strerror(errno));
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1)
    fail(shown + "not a regular file with one name");
  if (offset < 0 || offset > info.st_size)
    fail(shown + "offset " + llvm::Twine(offset) +
         " is outside of the file's " + llvm::Twine(int64_t(info.st_size)) +
         " bytes");
  if (length < 0)
    length = info.st_size - offset;
  if (length > info.st_size - offset)
    fail(shown + "offset " + llvm::Twine(offset) + " and length " +
         llvm::Twine(length) + " reach beyond the file's " +
         llvm::Twine(int64_t(info.st_size)) + " bytes");
  if (use)
    use->charge(location, info.st_size, length);
  std::string bytes(length, '\0');
  for (int64_t done = 0; done < length;) {
    ssize_t n = ::pread(file.fd, &bytes[done], length - done, offset + done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      fail(shown + (n < 0 ? std::strerror(errno) : "the file shrank"));
    done += n;
  }
  return bytes;
}

} // namespace heed::import
