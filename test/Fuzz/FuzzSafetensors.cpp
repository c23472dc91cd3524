//===- FuzzSafetensors.cpp - Any bytes as a safetensors file --------------===//
//
// The header is refused with an error, or its tensors cover the file's data.
//===----------------------------------------------------------------------===//
#include "Fuzz.h"
#include "xfer/Frontend/SafetensorsHeader.h"
#include <sys/mman.h>
#include <unistd.h>

using namespace xfer;
using namespace xfer::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int descriptor = ::memfd_create("input.safetensors", MFD_CLOEXEC);
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, data, size, 0) != static_cast<ssize_t>(size))
    reject("the input becomes a file");
  Case input;
  std::vector<SafetensorsEntry> entries;
  const bool isRead =
      succeeded(readSafetensorsHeader("input", descriptor, entries, input.diagnostics));
  input.expectErrorIf(!isRead);
  if (!isRead)
    return 0;
  int64_t bytes = 0;
  for (const SafetensorsEntry &entry : entries) {
    if (entry.offset < 8 || entry.offset + entry.bytes > static_cast<int64_t>(size))
      reject("tensors lie in the file", entry.name);
    bytes += entry.bytes;
  }
  if (bytes + 8 > static_cast<int64_t>(size))
    reject("tensors do not overlap");
  return 0;
}
