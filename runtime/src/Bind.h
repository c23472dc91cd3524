//===- Bind.h - Checks the tensors that a caller binds ----------*- C++ -*-===//
//
// Compares what the caller brings with what the program asks for, and gives
// each binding of the program its memory.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_BIND_H
#define XFER_RUNTIME_BIND_H

#include "Plan.h"

namespace xfer::runtime {

/// Fills `data`, one pointer per binding of the program; leaves it alone on failure.
Status bindTensors(const Program &program, std::span<const xfer_binding_t> bindings,
                   std::vector<std::byte *> &data);

} // namespace xfer::runtime

#endif
