//===- FuzzPlan.cpp - Any bytes as a plan to replay -----------------------===//
//
// The runtime refuses the plan with a reason, or it is harmless: everything that the
// API tells of it can be read, and a small one is replayed by all its ranks, each
// ending with a status.
//===----------------------------------------------------------------------===//
#include "Reseal.h"
#include "xfer/runtime.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace {

constexpr size_t kMaxRanks = 4;
constexpr int64_t kMaxBytes = 1 << 16; ///< of all bindings and of each rank's staging
constexpr int64_t kTimeout = 5;        ///< ranks of a damaged plan may wait for each other

void reject(const char *promise) {
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// What one rank binds, each of its bindings in memory of exactly its size.
class Rank {
public:
  Rank(const xfer_plan_t *plan, int64_t rank) : plan(plan), rank(rank) {
    if (xfer_plan_get_program(plan, rank, &program) != XFER_OK)
      return; // compiled for another rank alone
    bytes = program.staging_bytes;
    for (size_t i = 0; i < program.num_bindings; ++i) {
      xfer_binding_info_t info;
      if (xfer_plan_get_binding(plan, rank, i, &info) != XFER_OK)
        reject("every binding is told");
      (void)std::strlen(info.name);
      for (size_t d = 0; d < info.ndim; ++d)
        if (info.shape[d] < 0)
          reject("no size is negative");
      bytes = std::min(bytes, kMaxBytes + 1) + std::min(info.bytes, kMaxBytes + 1);
      infos.push_back(info);
    }
  }
  bool isSmall() const { return bytes <= kMaxBytes; }

  void replay(xfer_group_t *group) {
    xfer_session_options_t options = {};
    options.size = sizeof(options);
    options.rank = rank;
    options.group = group;
    options.timeout_ms = kTimeout;
    xfer_session_t *session = nullptr;
    if (xfer_session_create(plan, &options, &session) != XFER_OK)
      return;
    std::vector<std::unique_ptr<std::byte[]>> memory;
    std::vector<xfer_binding_t> bindings;
    for (const xfer_binding_info_t &info : infos) {
      memory.push_back(std::make_unique<std::byte[]>(static_cast<size_t>(info.bytes)));
      bindings.push_back(
          {info.name, info.side, info.dtype, info.ndim, info.shape, nullptr, memory.back().get()});
    }
    const xfer_status_t bound = xfer_session_bind(session, bindings.data(), bindings.size());
    if (bound != XFER_OK && bound < XFER_MISMATCH) // else another rank has failed already
      reject("what a plan says of its bindings can be bound");
    if (bound == XFER_OK && xfer_session_replay(session, nullptr) == XFER_OK &&
        xfer_session_wait(session, -1) != XFER_OK) {
      const char *const *names;
      size_t count;
      if (xfer_session_incomplete(session, &names, &count) != XFER_OK)
        reject("a failed replay tells what is incomplete");
      for (size_t i = 0; i < count; ++i)
        (void)std::strlen(names[i]);
    }
    xfer_session_destroy(session);
  }

private:
  const xfer_plan_t *plan;
  int64_t rank;
  xfer_program_info_t program = {};
  std::vector<xfer_binding_info_t> infos;
  int64_t bytes = 0;
};

void replayAll(const std::vector<std::unique_ptr<Rank>> &ranks) {
  xfer_group_t *group = nullptr;
  if (xfer_group_create_threads(&group) != XFER_OK)
    reject("threads can join");
  std::vector<std::thread> threads;
  for (const auto &rank : ranks)
    threads.emplace_back([&] { rank->replay(group); });
  for (std::thread &thread : threads)
    thread.join();
  xfer_group_destroy(group);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  xfer_plan_t *plan = nullptr;
  if (xfer_plan_load(data, size, &plan) != XFER_OK) {
    if (*xfer_last_error() == '\0')
      reject("a refused plan is refused with a reason");
    return 0;
  }
  xfer_plan_info_t info = {};
  if (xfer_plan_get_info(plan, &info) != XFER_OK)
    reject("a plan tells what it is");
  (void)std::strlen(info.declarations);
  (void)std::strlen(info.pipeline);
  std::vector<std::unique_ptr<Rank>> ranks;
  bool isSmall = info.num_ranks <= kMaxRanks && info.num_programs == info.num_ranks;
  for (size_t i = 0; i < info.num_ranks; ++i) {
    ranks.push_back(std::make_unique<Rank>(plan, info.ranks[i]));
    isSmall = isSmall && ranks.back()->isSmall();
  }
  if (isSmall)
    replayAll(ranks);
  xfer_plan_destroy(plan);
  return 0;
}
