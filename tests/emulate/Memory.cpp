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

void Memory::clearShared(int64_t bytes, unsigned blocks) {
  // NaN, if read all the same.
  shared.assign(blocks, std::vector<char>(bytes, static_cast<char>(0xff)));
  words.assign(blocks, std::vector<Word>(bytes / kWordBytes + 1));
  barriers.clear();
  namedBarriers.clear();
  meetings.clear();
  interval = clusterInterval = 0;
}

static unsigned rankOf(uint64_t address) {
  return (address & kRankMask) >> kRankShift;
}
static uint64_t offsetOf(uint64_t address) {
  return address & ((uint64_t(1) << kRankShift) - 1);
}

/// Notes of what lies at an address that was found.
Memory::Word *Memory::findWords(uint64_t address) {
  return &words[rankOf(address)][offsetOf(address) / kWordBytes];
}

void Memory::endBlocks() {
  for (const std::vector<Word> &block : words)
    for (const Word &word : block)
      if (word.readOfCluster == clusterInterval)
        return fail("race: a block may end before another one has read its "
                    "shared memory");
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

void *Memory::allocate(int64_t bytes) {
  // Not a number, if read all the same.
  scratch.push_back(std::make_unique<char[]>(bytes + kBufferAlignment));
  std::memset(scratch.back().get(), 0xff, bytes + kBufferAlignment);
  auto address = reinterpret_cast<uint64_t>(scratch.back().get());
  address += kBufferAlignment - address % kBufferAlignment;
  buffers.push_back({reinterpret_cast<void *>(address), {bytes}, 1});
  return buffers.back().data;
}

char *Memory::find(uint64_t address, unsigned bytes) {
  if (address % bytes != 0)
    fail("expected an address that is a multiple of " + llvm::Twine(bytes));
  if (address & kSharedBit) {
    uint64_t offset = offsetOf(address);
    unsigned rank = rankOf(address);
    if (rank < shared.size() && offset + bytes <= shared[rank].size())
      return shared[rank].data() + offset;
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

void Memory::noteRead(Word &word, int thread, bool isRemote) {
  if (word.isUnderWay)
    fail("read before its copy was awaited");
  else if (!word.isWritten)
    fail("read before it was written");
  else if (word.written == interval && word.writer != thread)
    fail("race: read without a barrier after another thread's write");
  else if (isRemote && word.writtenOfCluster == clusterInterval)
    fail("race: read without a barrier of the cluster after another block's "
         "write");
  if (isRemote)
    word.readOfCluster = clusterInterval;
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
  if (word.readOfCluster == clusterInterval)
    fail("race: written without a barrier of the cluster after another block's "
         "read");
  word.written = interval;
  word.writtenOfCluster = clusterInterval;
  word.writer = thread;
  word.isWritten = true;
}

uint64_t Memory::load(uint64_t address, unsigned bytes, int thread) {
  char *from = find(address, bytes);
  if (!from)
    return 0;
  if (address & kSharedBit) {
    bool isRemote =
        thread >= 0 && int(rankOf(address)) != thread / kMostThreads;
    Word *notes = findWords(address);
    for (unsigned word = 0; word * kWordBytes < bytes; ++word)
      noteRead(notes[word], thread, isRemote);
  }
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
    for (unsigned word = 0; word * kWordBytes < bytes; ++word)
      noteWrite(findWords(address)[word], thread);
  std::memcpy(to, &value, bytes);
}

void Memory::startCopy(uint64_t to, uint64_t from, unsigned size,
                       unsigned bytes, int thread) {
  char *target = find(to, size);
  if (!target)
    return;
  Word *notes = findWords(to);
  for (unsigned word = 0; word < size / kWordBytes; ++word) {
    Word &note = notes[word];
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
  Word *notes = findWords(to);
  for (unsigned word = 0; word < size / kWordBytes; ++word) {
    Word &note = notes[word];
    note.isUnderWay = false;
    note.written = interval;
    note.writtenOfCluster = clusterInterval;
    note.writer = thread;
  }
}

} // namespace heed::emulate
