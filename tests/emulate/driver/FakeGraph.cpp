// FakeGraph.cpp - graphs of the emulated driver: what a stream was given, to be
// started again and again
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/emulate/driver/FakeCuda.h"

using namespace heed::cuda;

struct CUgraphExec_st : CUgraph_st {};

void heed::cuda::start(CUstream_st *stream,
                       std::function<void(CUstream_st *)> step) {
  if (stream->capture)
    stream->capture->steps.push_back(std::move(step));
  else
    step(stream);
}

FAKE_CUDA_CALL cuStreamBeginCapture_v2(StreamHandle stream, int) {
  std::lock_guard<std::mutex> lock(state().mutex);
  if (!state().streams.count(stream) || stream->capture)
    return kInvalidHandle;
  stream->capture = std::make_unique<CUgraph_st>();
  return enter("cuStreamBeginCapture");
}

FAKE_CUDA_CALL cuStreamEndCapture(StreamHandle stream, CUgraph_st **graph) {
  std::lock_guard<std::mutex> lock(state().mutex);
  if (!state().streams.count(stream) || !stream->capture)
    return kInvalidHandle;
  *graph = stream->capture.release();
  return kSuccess;
}

FAKE_CUDA_CALL cuGraphInstantiateWithFlags(CUgraphExec_st **executable,
                                           CUgraph_st *graph,
                                           unsigned long long) {
  *executable = new CUgraphExec_st{*graph};
  return kSuccess;
}

FAKE_CUDA_CALL cuGraphLaunch(CUgraphExec_st *executable, StreamHandle stream) {
  std::lock_guard<std::mutex> lock(state().mutex);
  if (!state().streams.count(stream))
    return kInvalidHandle;
  for (auto &step : executable->steps)
    step(stream);
  return enter("cuGraphLaunch");
}

FAKE_CUDA_CALL cuGraphDestroy(CUgraph_st *graph) {
  delete graph;
  return kSuccess;
}

FAKE_CUDA_CALL cuGraphExecDestroy(CUgraphExec_st *executable) {
  delete executable;
  return kSuccess;
}
