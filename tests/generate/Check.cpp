// Check.cpp - compiles a case fused and unfused, runs both, compares with the
// reference.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Check.h"

#include "dialect/gate/GateOps.h"
#include "dialect/norm/NormOps.h"
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/pipelines/Pipelines.h"
#include "tools/lib/jit/Program.h"
#include "tools/lib/model/LoadModel.h"
#include "llvm/Support/FormatVariadic.h"
#include <limits>

using namespace mlir;

namespace heed::generate {

std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

double bound(const Case &generated, const Tensor &want) {
  double largest = 1;
  for (double x : want.data)
    if (std::isfinite(x))
      largest = std::max(largest, std::abs(x));
  return 8.0 * double(1 + generated.summed) *
         std::numeric_limits<float>::epsilon() * largest;
}

Session::Session() {
  DialectRegistry registry;
  registerModelDialects(registry);
  mlir =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  mlir->loadAllAvailableDialects();
  (void)collectAnchors(*mlir, anchors);
}

std::string Session::recognize(ModuleOp module) {
  anchors.clear();
  std::string errors;
  ScopedDiagnosticHandler handler(mlir.get(), [&](Diagnostic &diagnostic) {
    errors += diagnostic.str() + "\n";
    return success();
  });
  PassManager pm(mlir.get());
  buildNormalizePipeline(pm);
  buildRecognizePipeline(pm);
  buildFusePipeline(pm);
  if (failed(pm.run(module)))
    return "recognition failed: " + errors;
  return {};
}

/// The pairs (i, j) that causal and window open.
static std::vector<bool> bandOf(attn::SdpaOp op) {
  int64_t queries = op.getStaticSize(attn::SdpaOp::I);
  int64_t keys = op.getStaticSize(attn::SdpaOp::J);
  int64_t off =
      op.getCausal() == attn::Causal::bottom_right ? keys - queries : 0;
  int64_t left = -1, right = -1;
  if (auto window = op.getWindow()) {
    left = (*window)[0];
    right = (*window)[1];
  }
  std::vector<bool> open;
  for (int64_t i = 0; i < queries; ++i)
    for (int64_t j = 0; j < keys; ++j)
      open.push_back((op.getCausal() == attn::Causal::none || j <= i + off) &&
                     (left < 0 || j >= i + off - left) &&
                     (right < 0 || j <= i + off + right));
  return open;
}

std::string Session::checkRecognised(const Case &generated, ModuleOp module) {
  std::map<std::string, int64_t> counts;
  attn::SdpaOp sdpa;
  module.walk([&](Operation *op) {
    if (isa<attn::SdpaOp, attn::GateOp, attn::NormOp>(op))
      ++counts[op->getName().stripDialect().str()];
    if (auto attention = dyn_cast<attn::SdpaOp>(op))
      sdpa = attention;
  });
  std::string reasons;
  for (const Anchor &anchor : anchors)
    if (!anchor.fused) {
      reasons += "\n  " + anchor.kind + ": " + anchor.reason;
      if (anchor.reason.empty())
        return "an anchor is refused without a reason";
    }
  int64_t made = counts[generated.op];
  for (auto [name, count] : counts)
    if (name != generated.op && count != 0 && generated.expect == Expect::Fused)
      return "another block is found than there is: attn." + name;
  if (generated.expect == Expect::Fused && made != 1)
    return llvm::formatv("expected one attn.{0}, got {1}{2}", generated.op,
                         made, reasons);
  if (generated.expect == Expect::Refused && made != 0)
    return llvm::formatv("expected no attn.{0}, got {1}", generated.op, made);
  if (generated.expect == Expect::Fused && !generated.kind.empty())
    for (const Anchor &anchor : anchors)
      if (anchor.fused && anchor.kind != generated.kind)
        return "expected a " + generated.kind + ", got a " + anchor.kind;
  if (generated.band && sdpa) {
    if (sdpa.getMask() || sdpa.getBias() || !sdpa.getScore().empty())
      return "expected a band, got a mask, a bias or a score region";
    if (bandOf(sdpa) != *generated.band)
      return "causal and window open other pairs than the mask";
  }
  return {};
}

static Array toArray(const Tensor &data, const Port &port) {
  Array array;
  array.type = port.type;
  array.shape = data.shape;
  array.data.resize(data.data.size() * size_t(dtypeBytes(port.type)));
  for (size_t i = 0; i < data.data.size(); ++i)
    if (port.type == DType::Bool)
      array.data[i] = data.data[i] != 0;
    else
      reinterpret_cast<float *>(array.data.data())[i] = float(data.data[i]);
  return array;
}

static std::string compare(const Case &generated, size_t index,
                           const Array &got) {
  const Tensor &want = generated.outputs[index];
  if (got.shape != want.shape)
    return llvm::formatv("output {0} has another shape", index);
  double allowed = bound(generated, want);
  for (size_t i = 0; i < want.data.size(); ++i) {
    double g = got.at(int64_t(i)), w = want.data[i];
    if (g == w || (std::isnan(g) && std::isnan(w)))
      continue;
    if (!(std::abs(g - w) <= allowed))
      return llvm::formatv("output {0} at {1}: got {2:e6}, expected {3:e6} "
                           "(bound {4:e1})",
                           index, i, g, w, allowed);
  }
  return {};
}

std::string Session::checkNumbers(const Case &generated, ModuleOp module,
                                  bool fuse) {
  std::string errors;
  ScopedDiagnosticHandler handler(mlir.get(), [&](Diagnostic &diagnostic) {
    errors += diagnostic.str() + "\n";
    return success();
  });
  CompileOptions options;
  options.fuse = fuse;
  options.optLevel = 0; // the numbers are the same, sooner
  auto program = CompiledProgram::compile(module, options);
  if (!program)
    return llvm::toString(program.takeError()) + ": " + errors;
  std::vector<Array> inputs;
  for (size_t i = 0; i < generated.inputs.size(); ++i)
    inputs.push_back(
        toArray(generated.inputs[i], (*program)->signature().inputs[i]));
  auto outputs = (*program)->run(inputs, /*threads=*/1);
  if (!outputs)
    return llvm::toString(outputs.takeError());
  for (size_t i = 0; i < outputs->size(); ++i) {
    std::string difference = compare(generated, i, (*outputs)[i]);
    if (!difference.empty())
      return difference;
  }
  return {};
}

std::string Session::check(Case &generated) {
  if (failed(verify(*generated.module)))
    return "the generated program is not valid";
  OwningOpRef<ModuleOp> unfused = generated.module->clone();
  OwningOpRef<ModuleOp> fused = generated.module->clone();
  std::string problem = recognize(*fused);
  if (problem.empty())
    problem = checkRecognised(generated, *fused);
  if (!problem.empty())
    return problem;
  problem = checkNumbers(generated, *unfused, /*fuse=*/false);
  if (!problem.empty())
    return "unfused: " + problem;
  problem = checkNumbers(generated, *fused, /*fuse=*/true);
  if (!problem.empty())
    return "fused: " + problem;
  return {};
}

} // namespace heed::generate
