// Memory.cpp - accesses of the emulated GPU, each of them checked.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/emulate/Machine.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

namespace heed::emulate {

static constexpr size_t kMostErrors = 5;
static constexpr uint64_t kBufferAlignment = 64;
/// More than one reader since the last barrier.
static constexpr int kSeveral = -2;

int64_t Buffer::bytes() const {
  int64_t count = elementBytes;
  for (int64_t size : shape)
    count *= size;
  return count;
}

void *Memory::allocate(int64_t bytes) {
  // Not a number, if read all the same.
  scratch.push_back(std::make_unique<char[]>(bytes + kBufferAlignment));
  std::memset(scratch.back().get(), 0xff, bytes + kBufferAlignment);
  auto address = reinterpret_cast<uint64_t>(scratch.back().get());
  address += kBufferAlignment - address % kBufferAlignment;
  buffers.push_back({reinterpret_cast<void *>(address), {bytes}, 1});
  return buffers.back().data;
}

void Memory::clearShared(int64_t bytes) {
  shared.assign(bytes, static_cast<char>(0xff)); // NaN, if read all the same
  words.assign(bytes / kWordBytes + 1, Word());
  barriers.clear();
  meetings.clear();
  interval = 0;
}

void Memory::fail(const llvm::Twine &message) {
  if (report.errors.size() >= kMostErrors)
    return;
  std::string text = message.str();
  if (current) {
    llvm::raw_string_ostream out(text);
    out << " at " << *current;
  }
  if (report.errors.empty() || report.errors.back() != text)
    report.errors.push_back(text);
}

char *Memory::find(uint64_t address, unsigned bytes) {
  if (address % bytes != 0)
    fail("expected an address that is a multiple of " + llvm::Twine(bytes));
  if (address & kSharedBit) {
    uint64_t offset = address & ~kSharedBit;
    if (offset + bytes <= shared.size())
      return shared.data() + offset;
    fail("expected an address in shared memory");
    return nullptr;
  }
  for (const Buffer &buffer : buffers) {
    auto begin = reinterpret_cast<uint64_t>(buffer.data);
    if (address >= begin && address + bytes <= begin + buffer.bytes())
      return reinterpret_cast<char *>(address);
  }
  fail("expected an address in a buffer");
  return nullptr;
}

void Memory::noteRead(Word &word, int thread) {
  if (word.isUnderWay)
    fail("read before its copy was awaited");
  else if (!word.isWritten)
    fail("read before it was written");
  else if (word.written == interval && word.writer != thread)
    fail("race: read without a barrier after another thread's write");
  word.reader =
      word.read == interval && word.reader != thread ? kSeveral : thread;
  word.read = interval;
}

void Memory::noteWrite(Word &word, int thread) {
  if (word.isUnderWay)
    fail("written while a copy is under way");
  if (word.written == interval && word.writer != thread)
    fail("race: two threads write without a barrier between them");
  if (word.read == interval && word.reader != thread)
    fail("race: written without a barrier after another thread's read");
  word.written = interval;
  word.writer = thread;
  word.isWritten = true;
}

uint64_t Memory::load(uint64_t address, unsigned bytes, int thread) {
  char *from = find(address, bytes);
  if (!from)
    return 0;
  if (address & kSharedBit)
    for (unsigned at = 0; at < bytes; at += kWordBytes)
      noteRead(words[((address + at) & ~kSharedBit) / kWordBytes], thread);
  uint64_t value = 0;
  std::memcpy(&value, from, bytes);
  return value;
}

void Memory::store(uint64_t address, uint64_t value, unsigned bytes,
                   int thread) {
  char *to = find(address, bytes);
  if (!to)
    return;
  if (address & kSharedBit)
    for (unsigned at = 0; at < bytes; at += kWordBytes)
      noteWrite(words[((address + at) & ~kSharedBit) / kWordBytes], thread);
  std::memcpy(to, &value, bytes);
}

void Memory::startCopy(uint64_t to, uint64_t from, unsigned size,
                       unsigned bytes, int thread) {
  char *target = find(to, size);
  if (!target)
    return;
  for (unsigned word = 0; word < size / kWordBytes; ++word) {
    Word &note = words[(to & ~kSharedBit) / kWordBytes + word];
    noteWrite(note, thread);
    note.isUnderWay = true;
  }
  std::memset(target, 0, size);
  if (bytes == 0)
    return;
  if (const char *source = find(from, size))
    std::memcpy(target, source, bytes);
}

void Memory::arrive(uint64_t to, unsigned size, int thread) {
  for (unsigned word = 0; word < size / kWordBytes; ++word) {
    Word &note = words[(to & ~kSharedBit) / kWordBytes + word];
    note.isUnderWay = false;
    note.written = interval;
    note.writer = thread;
  }
}

} // namespace heed::emulate
