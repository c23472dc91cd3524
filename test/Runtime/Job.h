//===- Job.h - All ranks of a plan in one process ---------------*- C++ -*-===//
//
// Loads a plan, gives every binding memory at a place of some backend, and runs a
// function for each rank on a thread of its own, as the processes of a job would.
//===----------------------------------------------------------------------===//
#pragma once
#include "Backends.h"
#include "PlanBuilder.h"
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <thread>

namespace xfer::test {

/// What a C call said, kept where it can outlive its thread.
struct Outcome {
  xfer_status_t status = XFER_OK;
  std::string text;
  static Outcome of(xfer_status_t status) {
    return {status, status == XFER_OK ? "" : xfer_last_error()};
  }
};

inline xfer_session_options_t makeOptions(int64_t rank, xfer_group_t *group, int64_t timeout) {
  xfer_session_options_t options = {};
  options.size = sizeof(options);
  options.rank = rank;
  options.group = group;
  options.timeout_ms = timeout;
  return options;
}

class Job {
public:
  explicit Job(const std::vector<uint8_t> &bytes,
               std::shared_ptr<Place> meetingPlace = makeThreadsPlace())
      : place(std::move(meetingPlace)) {
    EXPECT_EQ(xfer_plan_load(bytes.data(), bytes.size(), &plan), XFER_OK) << xfer_last_error();
    xfer_plan_info_t info = {};
    if (!plan || xfer_plan_get_info(plan, &info) != XFER_OK)
      return;
    ranks.assign(info.ranks, info.ranks + info.num_ranks);
    place->addRanks(ranks);
    for (size_t i = 0; i < info.num_ranks; ++i) {
      for (const xfer_binding_info_t &binding : bindingsOf(info.ranks[i])) {
        // Never a null pointer, and a pattern that no test expects.
        const std::vector<std::byte> pattern(static_cast<size_t>(binding.bytes) + 1,
                                             std::byte{0xa5});
        void *data = place->allocate(info.ranks[i], pattern.size());
        place->write(data, pattern.data(), pattern.size());
        memory[key(info.ranks[i], binding.name, binding.side)] = {
            data, static_cast<size_t>(binding.bytes)};
      }
    }
  }
  ~Job() {
    for (const auto &[name, block] : memory)
      place->release(block.data);
    xfer_plan_destroy(plan);
  }
  Job(const Job &) = delete;
  Job &operator=(const Job &) = delete;

  template <typename T>
  void fill(int64_t rank, const std::string &name, const std::vector<T> &values) {
    const Block &block = memory.at(key(rank, name, XFER_SOURCE));
    ASSERT_EQ(block.bytes, values.size() * sizeof(T));
    place->write(block.data, values.data(), block.bytes);
  }

  template <typename T> std::vector<T> read(int64_t rank, const std::string &name) {
    const Block &block = memory.at(key(rank, name, XFER_TARGET));
    std::vector<T> values(block.bytes / sizeof(T));
    place->read(values.data(), block.data, block.bytes);
    return values;
  }

  void *dataOf(int64_t rank, const std::string &name, xfer_side_t side) const {
    return memory.at(key(rank, name, side)).data;
  }

  Outcome open(int64_t rank, int64_t timeout, xfer_session_t **session) {
    xfer_session_options_t options = makeOptions(rank, place->group(rank), timeout);
    options.checksums = checksums;
    options.epoch = epoch;
    return Outcome::of(xfer_session_create(plan, &options, session));
  }

  Outcome bind(int64_t rank, xfer_session_t *session) {
    std::vector<xfer_binding_t> bindings;
    for (const xfer_binding_info_t &info : bindingsOf(rank))
      bindings.push_back({info.name, info.side, info.dtype, info.ndim, info.shape, nullptr,
                          memory.at(key(rank, info.name, info.side)).data});
    return Outcome::of(xfer_session_bind(session, bindings.data(), bindings.size()));
  }

  /// Opens, binds, replays `count` times and destroys.
  Outcome runRank(int64_t rank, int64_t timeout, int count = 1) {
    xfer_session_t *session = nullptr;
    Outcome outcome = open(rank, timeout, &session);
    if (outcome.status == XFER_OK)
      outcome = bind(rank, session);
    for (int i = 0; i < count && outcome.status == XFER_OK; ++i)
      outcome = Outcome::of(xfer_session_replay(session, place->stream(rank)));
    if (outcome.status == XFER_OK)
      outcome = Outcome::of(xfer_session_wait(session, -1));
    xfer_session_destroy(session);
    return outcome;
  }

  /// Calls `body` for every given rank at once; what each said.
  std::map<int64_t, Outcome> onRanks(const std::vector<int64_t> &which,
                                     const std::function<Outcome(int64_t)> &body) {
    std::map<int64_t, Outcome> outcomes;
    for (int64_t rank : which)
      outcomes[rank];
    std::vector<std::thread> threads;
    for (int64_t rank : which)
      threads.emplace_back([&, rank] { outcomes[rank] = body(rank); });
    for (std::thread &thread : threads)
      thread.join();
    return outcomes;
  }

  /// Replays on all ranks and expects every one to succeed.
  void replay(int count = 1) {
    for (const auto &[rank, outcome] :
         onRanks(ranks, [&](int64_t each) { return runRank(each, 20'000, count); }))
      EXPECT_EQ(outcome.status, XFER_OK) << "rank " << rank << ": " << outcome.text;
  }

  std::vector<xfer_binding_info_t> bindingsOf(int64_t rank) const {
    std::vector<xfer_binding_info_t> bindings;
    xfer_program_info_t program = {};
    (void)xfer_plan_get_program(plan, rank, &program); // a rank without a program has no bindings
    for (size_t i = 0; i < program.num_bindings; ++i) {
      EXPECT_EQ(xfer_plan_get_binding(plan, rank, i, &bindings.emplace_back()), XFER_OK);
    }
    return bindings;
  }

  xfer_plan_t *plan = nullptr;
  const std::shared_ptr<Place> place;
  std::vector<int64_t> ranks;
  int32_t checksums = 0;
  uint64_t epoch = 0;

private:
  static std::string key(int64_t rank, const std::string &name, xfer_side_t side) {
    return std::to_string(rank) + (side == XFER_SOURCE ? "<" : ">") + name;
  }
  struct Block {
    void *data;
    size_t bytes;
  };
  std::map<std::string, Block> memory;
};

template <typename T> std::vector<T> iota(size_t count, T first = T(0)) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<T>(first + static_cast<T>(i));
  return values;
}

} // namespace xfer::test
