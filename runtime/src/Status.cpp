//===- Status.cpp - Results inside the runtime ----------------------------===//
//
// The text of each thread's last failure, and the names of statuses.
//===----------------------------------------------------------------------===//
#include "Status.h"
#include <algorithm>
#include <iomanip>

namespace {
thread_local std::string lastError;
}

namespace xfer::runtime {

xfer_status_t reportStatus(const Status &status) {
  if (!status.isOk())
    lastError = status.text();
  return status.code();
}

std::string listRanks(std::span<const int64_t> ranks) {
  constexpr size_t kMost = 8;
  std::string text;
  for (int64_t rank : ranks.first(std::min(ranks.size(), kMost)))
    text += (text.empty() ? "" : ", ") + std::to_string(rank);
  return ranks.size() > kMost ? text + ", ..." : text;
}

std::string hexadecimal(uint64_t value) {
  std::ostringstream stream;
  stream << "0x" << std::hex << std::setw(16) << std::setfill('0') << value;
  return stream.str();
}

} // namespace xfer::runtime

const char *xfer_last_error(void) { return lastError.c_str(); }

const char *xfer_status_name(xfer_status_t status) {
  switch (status) {
  case XFER_OK:
    return "ok";
  case XFER_INVALID_ARGUMENT:
    return "invalid argument";
  case XFER_INVALID_PLAN:
    return "invalid plan";
  case XFER_INVALID_BINDING:
    return "invalid binding";
  case XFER_OUT_OF_BUDGET:
    return "out of budget";
  case XFER_UNSUPPORTED:
    return "unsupported";
  case XFER_MISMATCH:
    return "mismatch";
  case XFER_TIMEOUT:
    return "timeout";
  case XFER_PEER_FAILED:
    return "peer failed";
  case XFER_ABORTED:
    return "aborted";
  case XFER_BACKEND_FAILED:
    return "backend failed";
  }
  return "unknown status";
}
