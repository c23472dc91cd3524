//===- RawGloo.h - The messages of a plan over Gloo alone -------*- C++ -*-===//
//
// What a program would do that has its messages packed already: the ranks of a
// plan as threads, each with a device of its own, which send and receive the
// messages of a replay, two windows at a time.
//===----------------------------------------------------------------------===//
#pragma once
#include "Messages.h"
#include "gloo/GlooTransport.h"
#include <thread>

namespace xfer::test {

/// Connected ranks, by position in the job.
class GlooRanks {
public:
  explicit GlooRanks(const std::vector<int64_t> &ranks);
  size_t positionOf(int64_t rank) const;
  std::unique_ptr<runtime::GlooBuffer> makeBuffer(size_t position) {
    return meshes[position]->makeBuffer();
  }
  /// Calls `body` for each of `items` at once.
  template <typename ITEM, typename BODY>
  static void onThreads(std::vector<ITEM> &items, const BODY &body) {
    std::vector<std::thread> threads;
    for (ITEM &item : items)
      threads.emplace_back([&] { body(item); });
    for (std::thread &thread : threads)
      thread.join();
  }

private:
  std::vector<int64_t> ranks;
  std::vector<std::shared_ptr<runtime::GlooDevice>> devices;
  std::vector<std::unique_ptr<runtime::GlooMesh>> meshes;
};

/// One message at one of its ends.
struct Transfer {
  size_t peer;
  std::byte *memory;
  size_t bytes;
  bool isSend;
  std::unique_ptr<runtime::GlooBuffer> buffer;

  void post();
  void wait();
};

class SameMessages {
public:
  explicit SameMessages(const xfer_plan &plan);
  void run();

private:
  struct Rank {
    std::vector<std::vector<Transfer>> windows;
    std::vector<std::byte> memory;
  };
  static void runRank(Rank &rank);
  GlooRanks gloo;
  std::vector<Rank> ranks;
};

} // namespace xfer::test
