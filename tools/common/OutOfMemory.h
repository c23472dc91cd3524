//===- OutOfMemory.h - An error instead of a crash --------------*- C++ -*-===//
#pragma once

namespace xfer {

/// From now on an allocation that fails prints `error: out of memory`, removes temporary files and
/// ends the process with exit code 1.
void exitWhenOutOfMemory();

} // namespace xfer
