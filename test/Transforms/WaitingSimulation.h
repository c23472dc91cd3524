//===- WaitingSimulation.h - A library that may wait for ever ---*- C++ -*-===//
//
// Executes the windows of a plan under the weakest semantics that NCCL allows:
//
// - an operation completes only once all of its ranks have posted it: a send blocks
//   until it is received, a broadcast until every rank has joined;
// - operations on a communicator meet in order: the k-th of a pair of ranks the k-th,
//   the k-th broadcast of all its ranks the k-th; if they are not the same message,
//   none completes;
// - what is launched together completes as one, and a rank has `inFlight` launches
//   at a time: with one, a device that no second kernel fits on;
// - anything that can happen next may take for ever, as long as something else can.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Module.h"
#include <functional>
#include <map>

namespace xfer {

/// One operation as one rank posts it.
struct WireOperation {
  std::vector<int64_t> channel; ///< what it is in order with
  std::vector<int64_t> message; ///< what it must be on all ranks
  std::vector<int64_t> ranks;   ///< that must post it
};
using Launch = std::vector<WireOperation>;

/// What one rank launches, one after the other: of each window the contributions, then all that is
/// sent point to point, then each broadcast alone, in the order of the buckets.
std::vector<Launch> launchesOf(const Module &module, const Program &program);

class Simulation {
public:
  /// Something that can happen.
  struct Event {
    int64_t rank = 0;
    bool completes = false; ///< its oldest launch; else it launches the next
    size_t numDone = 0;     ///< launches of the rank that are complete
  };
  /// Chooses one of the events, which are not empty.
  using Scheduler = std::function<size_t(const std::vector<Event> &events)>;

  Simulation(const Module &module, size_t inFlight);
  /// True if every rank reaches its end.
  bool run(const Scheduler &choose);

private:
  using Channel = std::vector<int64_t>;
  struct Rank {
    std::vector<Launch> launches;
    size_t numPosted = 0, numDone = 0;
    std::map<Channel, std::vector<std::vector<int64_t>>> posted; ///< messages, in order
    std::map<Channel, size_t> done;
  };
  bool canComplete(const Rank &rank) const;
  std::vector<Event> events() const;
  static void post(Rank &rank);
  static void complete(Rank &rank);

  size_t inFlight;
  std::map<int64_t, Rank> ranks;
};

} // namespace xfer
