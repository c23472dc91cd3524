//===- Units.cpp - Sizes and times for people -----------------------------===//
#include "Units.h"
#include <fmt/format.h>

namespace xfer::run {

std::string formatBytes(int64_t bytes) {
  static constexpr const char *kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024)
    return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  int unit = 0;
  for (; value >= 1024 && unit < 5; ++unit)
    value /= 1024;
  return fmt::format("{:.2f} {}", value, kUnits[unit]);
}

std::string formatSeconds(double seconds) {
  if (seconds < 1e-3)
    return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1)
    return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.2f} s", seconds);
}

std::string formatCount(int64_t count) {
  std::string digits = fmt::format("{}", count);
  for (int64_t place = static_cast<int64_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(static_cast<size_t>(place), ",");
  return digits;
}

std::string formatCount(int64_t count, const char *singular, const char *plural) {
  return formatCount(count) + " " + (count == 1 ? singular : plural);
}

} // namespace xfer::run
