// OptReport.cpp - one run of mlir-opt's driver with a report of it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A context has one engine for remarks, and the driver has made it by the time
// a pipeline can be set up. The report's engine takes its place, gets every
// remark, and hands each on to an engine like the driver's.
#include "tools/heed-opt/OptReport.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "tools/lib/report/Report.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using remark::detail::Remark;
using remark::detail::RemarkEngine;

namespace heed {
namespace {

/// The engine that the driver makes for printing, by the same flags; null where
/// none was asked for.
std::unique_ptr<RemarkEngine> printingEngine(const MlirOptMainConfig &config) {
  if (!config.shouldEmitRemarks())
    return nullptr;
  remark::RemarkCategories categories;
  categories.all = config.getRemarksAllFilter();
  categories.passed = config.getRemarksPassedFilter();
  categories.missed = config.getRemarksMissedFilter();
  categories.analysis = config.getRemarksAnalyseFilter();
  categories.failed = config.getRemarksFailedFilter();
  auto engine =
      std::make_unique<RemarkEngine>(/*printAsEmitRemarks=*/true, categories);
  std::unique_ptr<remark::detail::RemarkEmittingPolicyBase> policy;
  if (config.getRemarkPolicy() == RemarkPolicy::REMARK_POLICY_FINAL)
    policy = std::make_unique<remark::RemarkEmittingPolicyFinal>();
  else
    policy = std::make_unique<remark::RemarkEmittingPolicyAll>();
  std::string error;
  if (failed(engine->initialize(nullptr, std::move(policy), &error)))
    return nullptr;
  return engine;
}

/// To the report and, as far as its flags want it, to the printing engine.
class Both : public remark::detail::MLIRRemarkStreamerBase {
public:
  Both(std::vector<Anchor> &anchors, std::unique_ptr<RemarkEngine> printing)
      : report(makeAnchorStreamer(anchors)), printing(std::move(printing)) {}

  void streamOptimizationRemark(const Remark &remark) override {
    if (remark.getCategoryName().starts_with("heed-"))
      report->streamOptimizationRemark(remark);
    if (!printing)
      return;
    auto options = remark::RemarkOpts::name(remark.getRemarkName())
                       .category(remark.getCategoryName());
    if (remark.getFunction() != "<unknown function>") // what no name reads as
      options = options.function(remark.getFunction());
    using llvm::remarks::Type;
    auto emit = [&](auto method) {
      auto copy = (*printing.*method)(remark.getLocation(), options);
      for (const Remark::Arg &argument : remark.getArgs())
        copy << argument;
    };
    switch (remark.getRemarkType()) {
    case Type::Passed:
      return emit(&RemarkEngine::emitOptimizationRemark);
    case Type::Missed:
      return emit(&RemarkEngine::emitOptimizationRemarkMiss);
    case Type::Failure:
      return emit(&RemarkEngine::emitOptimizationRemarkFailure);
    default:
      return emit(&RemarkEngine::emitOptimizationRemarkAnalysis);
    }
  }

  RemarkEngine *getPrinting() const { return printing.get(); }

private:
  std::unique_ptr<MLIRRemarkStreamerBase> report;
  std::unique_ptr<RemarkEngine> printing;
};

/// Emits at once; what the printing engine holds back comes when the driver
/// says so.
class Policy : public remark::RemarkEmittingPolicyAll {
public:
  explicit Policy(RemarkEngine *printing) : printing(printing) {}
  void finalize() override {
    if (printing)
      printing->getRemarkEmittingPolicy()->finalize();
    printing = nullptr;
  }

private:
  RemarkEngine *printing;
};

LogicalResult listen(MLIRContext &context, Report &report,
                     const MlirOptMainConfig &config) {
  auto streamer =
      std::make_unique<Both>(report.anchors, printingEngine(config));
  auto policy = std::make_unique<Policy>(streamer->getPrinting());
  remark::RemarkCategories categories;
  categories.passed = categories.missed = categories.failed = ".*";
  categories.analysis = ".*";
  return remark::enableOptimizationRemarks(context, std::move(streamer),
                                           std::move(policy), categories);
}

LogicalResult fail(const Twine &message) {
  llvm::errs() << "heed-opt: error: " << message << "\n";
  return failure();
}

} // namespace

LogicalResult optWithReport(const std::string &input, const std::string &output,
                            const std::string &path,
                            DialectRegistry &registry) {
  auto config = MlirOptMainConfig::createFromCLOptions();
  if (!config.inputSplitMarker().empty())
    return fail("--heed-report: expected one module, got --split-input-file");
  if (config.shouldEmitRemarks() &&
      config.getRemarkFormat() != RemarkFormat::REMARK_FORMAT_STDOUT)
    return fail("--heed-report: remarks go to a report or, by "
                "--remark-format, to a file, not to both");
  Report report;
  report.model = input == "-" ? "standard input" : input;
  MlirOptMainConfig passes = config;
  config.setPassPipelineSetupFn([&](PassManager &pm) -> LogicalResult {
    if (failed(passes.setupPassPipeline(pm)) ||
        failed(listen(*pm.getContext(), report, config)))
      return failure();
    recordReport(pm, report);
    return success();
  });

  std::string error;
  auto file = openInputFile(input, &error);
  if (!file)
    return fail(error);
  auto out = openOutputFile(output, &error);
  if (!out)
    return fail(error);
  if (failed(MlirOptMain(out->os(), std::move(file), registry, config)))
    return failure();
  if (llvm::Error failure = writeReport(path, report))
    return fail(llvm::toString(std::move(failure)));
  out->keep();
  return success();
}

} // namespace heed
