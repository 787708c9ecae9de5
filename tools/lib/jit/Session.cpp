// Session.cpp - calls of one compiled program in a row, on resident data.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/jit/Session.h"

#include "llvm/Support/MathExtras.h"
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace heed {

/// NumPy's and the runtime's own rule: a cache line, and huge pages from 4 MiB.
static void *allocate(size_t bytes) {
  constexpr size_t kLine = 64, kHugePage = size_t(2) << 20;
  bool huge = bytes >= 2 * kHugePage;
  size_t align = huge ? kHugePage : kLine;
  size_t size = llvm::alignTo(std::max<size_t>(bytes, 1), align);
  void *memory = std::aligned_alloc(align, size);
  if (memory && huge)
    madvise(memory, size, MADV_HUGEPAGE);
  return memory;
}

void Session::Free::operator()(void *pointer) const { std::free(pointer); }

Session::Session(CompiledProgram &program, int64_t threads)
    : program(program),
      context(*program.program, program.signature().inputs.size(),
              program.signature().outputs.size(), threads) {}

llvm::Expected<std::unique_ptr<Session>>
Session::open(CompiledProgram &program, llvm::ArrayRef<Array> inputs,
              int64_t threads) {
  if (llvm::Error error = program.signature().check(inputs))
    return std::move(error);
  std::unique_ptr<Session> session(new Session(program, threads));
  if (llvm::Error error = session->bind(inputs))
    return std::move(error);
  return session;
}

llvm::Error Session::bind(llvm::ArrayRef<Array> inputs) {
  for (auto [index, array] : llvm::enumerate(inputs)) {
    memory.emplace_back(allocate(array.data.size()));
    if (!memory.back())
      return llvm::createStringError("input " +
                                     program.signature().inputs[index].name +
                                     ": out of memory");
    std::memcpy(memory.back().get(), array.data.data(), array.data.size());
    context.setInput(index, memory.back().get(), array.shape);
  }
  for (auto [index, port] : llvm::enumerate(program.signature().outputs))
    context.setOutput(index, dtypeBytes(port.type));
  for (auto [output, input] : program.aliases)
    context.setOutput(output,
                      dtypeBytes(program.signature().outputs[output].type),
                      memory[input].get(), inputs[input].data.size());
  return llvm::Error::success();
}

llvm::Error Session::call() { return program.call(context); }

std::vector<Array> Session::results() const { return program.collect(context); }

} // namespace heed
