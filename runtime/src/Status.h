//===- Status.h - Results inside the runtime --------------------*- C++ -*-===//
//
// A status of the C interface with its text. reportStatus() turns one into what
// a C function returns and xfer_last_error() tells.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_STATUS_H
#define XFER_RUNTIME_STATUS_H

#include "xfer/runtime.h"
#include <span>
#include <sstream>
#include <string>
#include <utility>

namespace xfer::runtime {

class [[nodiscard]] Status {
public:
  Status() = default;
  Status(xfer_status_t code, std::string text) : statusCode(code), statusText(std::move(text)) {}
  bool isOk() const { return statusCode == XFER_OK; }
  xfer_status_t code() const { return statusCode; }
  const std::string &text() const { return statusText; }

private:
  xfer_status_t statusCode = XFER_OK;
  std::string statusText;
};

/// The parts, printed one after the other.
template <typename... PARTS> std::string concat(const PARTS &...parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

template <typename... PARTS> Status failure(xfer_status_t code, const PARTS &...parts) {
  return Status(code, concat(parts...));
}

/// Keeps the text for xfer_last_error() on this thread and returns the code.
xfer_status_t reportStatus(const Status &status);

/// "0, 1, 2", the first eight and "..." of more.
std::string listRanks(std::span<const int64_t> ranks);

/// "0x" and sixteen hexadecimal digits.
std::string hexadecimal(uint64_t value);

} // namespace xfer::runtime

#endif
