// Page.h - text from a model made harmless for an HTML page.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_REPORT_PAGE_H
#define HEED_TOOLS_LIB_REPORT_PAGE_H

#include "tools/lib/report/Report.h"

namespace heed {

/// For text between tags and in quoted attributes.
std::string escapeHtml(llvm::StringRef text);

/// For JSON between <script> tags: the same value, in which no tag ends or
/// begins.
std::string escapeJsonForHtml(llvm::StringRef json);

} // namespace heed

#endif // HEED_TOOLS_LIB_REPORT_PAGE_H
