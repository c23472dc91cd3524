//===- ConformanceReportTest.cpp - What sessions count and time -----------===//
//
// Counters of the replays that finished, and the timeline of the last one, on
// every backend.
//===----------------------------------------------------------------------===//
#include "Job.h"
#include "Status.h"
#include <fstream>

using namespace xfer;
using namespace xfer::test;

namespace {

class Report : public OnBackend {};
XFER_ON_EVERY_BACKEND(Report);

/// Rank 0 sends `a` in three windows, strided on both sides, and reduces `g` for rank 1.
PlanBuilder makePlan() {
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::I32), g = builder.tensor("g", fb::DType::I32);
  const uint32_t even = builder.region(0, {{4, 2}});
  builder.source(0, a, fb::DType::I32, {8});
  builder.target(1, a, fb::DType::I32, {13});
  for (int64_t rank : {0, 1})
    builder.source(rank, g, fb::DType::I32, {8}, fb::ReduceOp::Sum);
  builder.target(1, g, fb::DType::I32, {8});
  for (int64_t window = 0; window < 3; ++window)
    builder.bucket({window,
                    fb::Transport::P2P,
                    {0},
                    0,
                    {1},
                    16,
                    {{a, even, builder.region(4 * window, {{2, 3}, {2, 1}})}},
                    window});
  builder.bucket({3, fb::Transport::P2P, {0, 1}, 0, {1}, 16, {{g, even, even}}, 3});
  return builder;
}

struct Event {
  std::string name;
  double begin, end; ///< microseconds
};

/// The complete events of a trace, which has one in a line.
std::vector<Event> readTrace(const std::string &path) {
  std::vector<Event> events;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    char name[64];
    double begin = 0, duration = 0;
    if (std::sscanf(line.c_str(),
                    "{\"ph\": \"X\", \"name\": \"%63[^\"]\", \"pid\": %*d, \"tid\": %*d, "
                    "\"ts\": %lf, \"dur\": %lf}",
                    name, &begin, &duration) == 3)
      events.push_back({name, begin, begin + duration});
  }
  return events;
}

TEST_P(Report, CountersAndTimeline) {
  Job job(makePlan().build(), makePlace());
  job.fill<int32_t>(0, "a", iota<int32_t>(8));
  for (int64_t rank : job.ranks)
    job.fill<int32_t>(rank, "g", iota<int32_t>(8));
  auto pathOf = [](int64_t rank) {
    return runtime::concat(testing::TempDir(), "timeline-", GetParam()->name(), rank, ".json");
  };
  for (const auto &[rank, outcome] : job.onRanks(job.ranks, [&](int64_t each) {
         xfer_session_t *session = nullptr;
         Outcome outcome = job.open(each, 20'000, &session);
         EXPECT_EQ(job.bind(each, session).status, XFER_OK);
         EXPECT_EQ(xfer_session_write_timeline(session, pathOf(each).c_str()), XFER_OK);
         EXPECT_TRUE(readTrace(pathOf(each)).empty()); // nothing was replayed
         for (int i = 0; i < 3; ++i)
           EXPECT_EQ(xfer_session_replay(session, job.place->stream(each)), XFER_OK);
         EXPECT_EQ(xfer_session_wait(session, -1), XFER_OK);
         xfer_counters_t counters = {};
         EXPECT_EQ(xfer_session_get_counters(session, &counters), XFER_OK);
         EXPECT_EQ(counters.replays, 3);
         EXPECT_EQ(counters.sent_bytes, 3 * (each == 0 ? 64 : 16));
         EXPECT_EQ(counters.received_bytes, 3 * (each == 0 ? 16 : 64));
         EXPECT_EQ(counters.sent_messages, 3 * (each == 0 ? 4 : 1));
         EXPECT_EQ(counters.received_messages, 3 * (each == 0 ? 1 : 4));
         EXPECT_GT(counters.replay_ns, 0);
         EXPECT_GE(counters.replay_ns, counters.pack_ns + counters.wait_ns + counters.unpack_ns);
         EXPECT_EQ(xfer_session_write_timeline(session, pathOf(each).c_str()), XFER_OK);
         EXPECT_EQ(xfer_session_write_timeline(session, "/nowhere/timeline.json"),
                   XFER_INVALID_ARGUMENT);
         xfer_session_destroy(session);
         return outcome;
       }))
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
  for (int64_t rank : job.ranks) {
    std::map<std::string, Event> events;
    for (const Event &event : readTrace(pathOf(rank)))
      events[event.name] = event;
    ASSERT_TRUE(events.contains("replay 3"));
    const Event &replay = events.at("replay 3");
    for (const auto &[name, event] : events) {
      EXPECT_GE(event.begin, replay.begin) << name;
      EXPECT_LE(event.end, replay.end + 0.002) << name; // the file rounds to nanoseconds
      EXPECT_LE(event.begin, event.end) << name;
    }
    // Rank 0 packs, rank 1 unpacks, and messages are on the wire for both.
    for (const char *window : {" 0", " 2", " 3"}) {
      EXPECT_TRUE(events.contains(std::string("wire") + window)) << window;
      EXPECT_TRUE(events.contains((rank == 0 ? "pack" : "unpack") + std::string(window))) << window;
    }
    EXPECT_FALSE(events.contains(rank == 0 ? "unpack 0" : "pack 0"));
  }
}

} // namespace
