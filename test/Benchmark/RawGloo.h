//===- RawGloo.h - The messages of a plan over Gloo alone -------*- C++ -*-===//
//
// What a program would do that has its messages packed already: the ranks of a
// plan as threads, each with a device of its own, which send and receive as many
// bytes as the plan does, two windows at a time.
//===----------------------------------------------------------------------===//
#pragma once
#include "Plan.h"
#include "gloo/GlooTransport.h"
#include <map>

namespace xfer::test {

class RawGloo {
public:
  /// A message for every bucket and destination, or for every chunk.
  RawGloo(const xfer_plan &plan, bool perChunk);
  void run();

private:
  struct Transfer {
    size_t peer;
    int64_t bytes;
    bool isSend;
    std::unique_ptr<runtime::GlooBuffer> buffer;
  };
  struct Rank {
    std::shared_ptr<runtime::GlooDevice> device;
    std::unique_ptr<runtime::GlooMesh> mesh;
    std::vector<std::vector<Transfer>> windows;
    std::vector<char> memory;
  };
  void runRank(Rank &rank);
  std::vector<Rank> ranks;
};

} // namespace xfer::test
