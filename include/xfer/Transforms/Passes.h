//===- Passes.h - Every pass ------------------------------------*- C++ -*-===//
#pragma once
#include "xfer/Pass/Pass.h"

namespace xfer {

#define XFER_PASS(FLAG, CLASS, SUMMARY) std::unique_ptr<Pass> create##CLASS##Pass();
#include "xfer/Transforms/Passes.def"

} // namespace xfer
