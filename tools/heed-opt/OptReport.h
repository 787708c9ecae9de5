// OptReport.h - one run of mlir-opt's driver with a report of it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_HEED_OPT_OPTREPORT_H
#define HEED_TOOLS_HEED_OPT_OPTREPORT_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Support/LLVM.h"
#include <string>

namespace heed {

/// What mlir::MlirOptMain does by the flags that were parsed; then writes the
/// report. Remarks that flags ask for are printed as without a report.
llvm::LogicalResult optWithReport(const std::string &input,
                                  const std::string &output,
                                  const std::string &report,
                                  mlir::DialectRegistry &registry);

} // namespace heed

#endif // HEED_TOOLS_HEED_OPT_OPTREPORT_H
