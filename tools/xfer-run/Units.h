//===- Units.h - Sizes and times for people ---------------------*- C++ -*-===//
#pragma once
#include <cstdint>
#include <string>

namespace xfer::run {

std::string formatBytes(int64_t bytes);    ///< `512 B`, `1.50 KiB`, `2.22 GiB`
std::string formatSeconds(double seconds); ///< `850 us`, `12.3 ms`, `1.42 s`
std::string formatCount(int64_t count);    ///< `596,049,920`
/// `1 copy`, `2,856 copies`.
std::string formatCount(int64_t count, const char *singular, const char *plural);

} // namespace xfer::run
