// Session.cpp - calls of one compiled program in a row, on resident data.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/jit/Session.h"

#include <cstring>

namespace heed {

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
    memory.push_back(allocateMemory(array.data.size()));
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

std::unique_ptr<Session> Session::open(CompiledProgram &program,
                                       int64_t threads) {
  std::unique_ptr<Session> session(new Session(program, threads));
  for (auto [index, port] : llvm::enumerate(program.signature().outputs))
    session->context.setOutput(index, dtypeBytes(port.type));
  return session;
}

void Session::bindInput(int64_t index, const void *data,
                        llvm::ArrayRef<int64_t> shape) {
  heed_context_set_input(context.get(), index, data, shape.size(),
                         shape.data());
}

void Session::bindOutput(int64_t index, void *data, int64_t bytes) {
  context.setOutput(index, dtypeBytes(program.signature().outputs[index].type),
                    data, bytes);
}

llvm::ArrayRef<int64_t> Session::outputShape(int64_t index) const {
  int64_t rank = 0;
  const int64_t *dims = nullptr;
  heed_context_output(context.get(), index, &rank, &dims);
  return {dims, size_t(rank)};
}

llvm::Error Session::call() { return program.call(context); }

std::vector<Array> Session::results() const { return program.collect(context); }

} // namespace heed
