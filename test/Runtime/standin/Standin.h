//===- Standin.h - NCCL and CUDA without a GPU ------------------*- C++ -*-===//
//
// What tests say to the stand-in libraries. They are named as the real ones
// (libcudart.so.13, libnccl.so.2, libxfer_cuda_kernels.so), hold what the runtime
// uses of them, and work on host memory: a device is a number, a rank a thread.
// Streams really run beside each other, and a send really waits for its receive.
//
// They are strict: what the real libraries would hang on, corrupt or forbid is a
// violation, kept here with its text. A process that ends with violations that
// nobody took, or with something leaked, exits with 70.
//===----------------------------------------------------------------------===//
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#define STANDIN_API __attribute__((visibility("default")))

namespace standin {

/// What was forbidden so far; forgets it.
STANDIN_API std::vector<std::string> takeViolations();

/// What is alive now: "2 streams, 1 communicator", or nothing.
STANDIN_API std::string describeAlive();

/// Calls of one function since the last reset, by its full name; "" counts all.
STANDIN_API int64_t numCalls(const std::string &function);
STANDIN_API void resetCalls();

/// Makes the `nth` next call of a function (from 1 on) return `error` without effect.
STANDIN_API void failCall(const std::string &function, int64_t nth, int error);

/// Slows everything NCCL does on a device.
STANDIN_API void delay(int device, int64_t milliseconds);
/// The device's NCCL work after the next `groups` tasks never begins.
STANDIN_API void dropAfter(int device, int64_t groups);
/// Flips a bit of the `nth` next message that the device receives (from 1 on).
STANDIN_API void damage(int device, int64_t nth);
/// The device's process is gone: nothing of its NCCL work goes on. With `isNoticed` the others'
/// communicators report a remote error, as networks do; NVLink does not.
STANDIN_API void kill(int device, bool isNoticed);
/// Undoes the above.
STANDIN_API void heal();

/// How often a non-blocking communicator says "in progress" before a call is done.
STANDIN_API void setPolls(int polls);

/// Calls return at once and do nothing: what remains is the caller's own cost.
STANDIN_API void setNoOperation(bool isOn);

} // namespace standin
