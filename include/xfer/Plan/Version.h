//===- Version.h - The compiler's version -----------------------*- C++ -*-===//
#pragma once

namespace xfer {

/// Part of every plan's digest: ranks whose compilers differ do not agree on a plan.
inline constexpr const char *kCompilerVersion = "xfer " XFER_VERSION;

} // namespace xfer
