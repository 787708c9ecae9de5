// Primitive.cpp - runs a primitive on the device, or on the host where no
// library takes it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/LibraryCalls.h"

namespace heed::cuda {

using runtime::PrimitiveKind;

/// Calls kept a context; dynamic shapes could make any number of them.
static constexpr size_t kMaxPrimitives = 1024;

const Cudnn &Session::cudnn() {
  if (!dnn)
    dnn = std::make_unique<Cudnn>(stream);
  return *dnn;
}

static Placed place(Session &session, const Site &site,
                    const std::vector<View> &views,
                    const std::vector<int64_t> &alignments) {
  switch (site.kind) {
  case PrimitiveKind::Matmul:
    return placeMatmul(session, site, views, alignments);
  case PrimitiveKind::Convolution:
  case PrimitiveKind::Deconvolution:
    return placeConvolution(session, site, views);
  case PrimitiveKind::PoolAvg:
  case PrimitiveKind::PoolAvgIncludePad:
  case PrimitiveKind::PoolMax:
    return placePooling(session, site, views);
  default:
    return {nullptr, "expected a product, a convolution or a pooling"};
  }
}

/// Without the library nothing is copied to the device in vain.
static std::string whyNoLibrary(Session &session, PrimitiveKind kind) {
  return kind == PrimitiveKind::Matmul ? session.device.cublas().why
                                       : session.cudnn().why;
}

const Site &Session::siteOf(const int64_t *record) {
  auto found = sites.find(record);
  if (found == sites.end())
    found = sites.emplace(record, runtime::decodeSite(record)).first;
  return found->second;
}

std::string Session::runPrimitive(const int64_t *record, const int64_t *call) {
  const Site &site = siteOf(record);
  size_t count = site.operands.size();
  std::vector<View> views = runtime::makeViews(site, call + count);
  for (const View &view : views)
    if (view.elements() == 0)
      return "expected operands with elements";
  if (std::string why = whyNoLibrary(*this, site.kind); !why.empty())
    return why;

  auto at = [&](size_t i) { return reinterpret_cast<const char *>(call[i]); };
  std::vector<int64_t> key(call + count, call + count + site.shapeWords);
  std::vector<int64_t> alignments;
  for (size_t i = 0; i < count; ++i)
    alignments.push_back(alignmentOf(offsetOf(at(i))));
  key.insert(key.end(), alignments.begin(), alignments.end());
  key.push_back(reinterpret_cast<int64_t>(record));

  auto known = primitives.find(key);
  if (known == primitives.end()) {
    if (primitives.size() >= kMaxPrimitives) {
      wait();
      primitives.clear();
    }
    known = primitives
                .emplace(std::move(key), place(*this, site, views, alignments))
                .first;
  }
  const Placed &placed = known->second;
  if (!placed.call)
    return placed.why;
  // Sources first: what is written may be one of them.
  std::vector<DevicePointer> operands(count);
  for (bool results : {false, true})
    for (size_t i = 0; i < count; ++i)
      if (runtime::isResult(site.operands[i].role) == results)
        operands[i] = toDevice(at(i), results);
  placed.call->run(operands);
  ++counts.libraryCalls;
  last = site.kind == PrimitiveKind::Matmul ? "of cuBLAS" : "of cuDNN";
  return "";
}

} // namespace heed::cuda

using namespace heed::cuda;

int32_t heed_cuda_primitive(HeedContext *context, const int64_t *record,
                            const int64_t *call) noexcept {
  return guarded(context, [&](Session &session) {
    std::string why = session.runPrimitive(record, call);
    if (why.empty())
      return;
    const Site &site = session.siteOf(record);
    for (bool results : {false, true})
      for (size_t i = 0; i < site.operands.size(); ++i)
        if (isResult(site.operands[i].role) == results)
          session.toHost(reinterpret_cast<const char *>(call[i]), results);
    if (session.counts.hostCalls++ == 0)
      session.whyOnHost = why;
    runOnHost(context, site, record, call);
  });
}

const char *heed_cuda_why_on_host(HeedContext *context) noexcept {
  auto *session = static_cast<Session *>(context->cuda.get());
  return session ? session->whyOnHost.c_str() : "";
}
