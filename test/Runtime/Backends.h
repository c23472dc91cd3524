//===- Backends.h - What the conformance suite runs on ----------*- C++ -*-===//
//
// One suite for all backends: a test asks its backend for a place where the ranks
// of a job, which are threads of the test, meet, and for memory. To add a backend,
// implement Backend and name it in backends().
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/runtime.h"
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace xfer::test {

/// Where the ranks of jobs meet, and their memory. Outlives the sessions.
class Place {
public:
  virtual ~Place() = default;
  /// The group that `rank` opens its sessions with. Thread-safe; the place owns it.
  virtual xfer_group_t *group(int64_t rank) = 0;

  /// Names ranks that jobs of this place have, before the first group is asked for.
  virtual void addRanks(const std::vector<int64_t> &) {}

  virtual void *allocate(int64_t, size_t bytes) { return std::malloc(bytes); }
  virtual void release(void *memory) { std::free(memory); }
  virtual void write(void *to, const void *from, size_t bytes) { std::memcpy(to, from, bytes); }
  virtual void read(void *to, const void *from, size_t bytes) { std::memcpy(to, from, bytes); }
  /// For xfer_session_replay.
  virtual void *stream(int64_t) { return nullptr; }
};

class Backend {
public:
  virtual ~Backend() = default;
  virtual const char *name() const = 0;
  /// Why it cannot run here; empty if it can.
  virtual std::string reasonToSkip() const { return ""; }
  virtual std::shared_ptr<Place> makePlace() const = 0;
};

const std::vector<const Backend *> &backends();
const Backend &ncclBackend();
/// The reference, for tests of what backends share.
std::shared_ptr<Place> makeThreadsPlace();

/// A suite that runs on every backend.
class OnBackend : public testing::TestWithParam<const Backend *> {
protected:
  void SetUp() override {
    if (const std::string reason = GetParam()->reasonToSkip(); !reason.empty())
      GTEST_SKIP() << reason;
  }
  std::shared_ptr<Place> makePlace() const { return GetParam()->makePlace(); }
  bool isThreads() const { return std::string(GetParam()->name()) == "threads"; }
};

#define XFER_ON_EVERY_BACKEND(SUITE)                                                               \
  INSTANTIATE_TEST_SUITE_P(Backends, SUITE, testing::ValuesIn(xfer::test::backends()),             \
                           [](const auto &info) { return std::string(info.param->name()); })

} // namespace xfer::test
