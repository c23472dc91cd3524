//===- RawGloo.cpp - The messages of a plan over Gloo alone ---------------===//
#include "RawGloo.h"

namespace xfer::test {

using namespace xfer::runtime;

RawGloo::RawGloo(const xfer_plan &plan, bool perChunk) : ranks(plan.ranks.size()) {
  auto position = [&](int64_t rank) {
    return static_cast<size_t>(std::lower_bound(plan.ranks.begin(), plan.ranks.end(), rank) -
                               plan.ranks.begin());
  };
  for (size_t i = 0; i < ranks.size(); ++i) {
    (void)makeDevice("127.0.0.1", nullptr, ranks[i].device);
    ranks[i].mesh = std::make_unique<GlooMesh>(ranks[i].device, i, ranks.size());
    int64_t total = 0;
    for (const WindowStep &window : plan.programs[i].windows) {
      std::vector<Transfer> &transfers = ranks[i].windows.emplace_back();
      for (const BucketStep &bucket : plan.programs[i].bucketsOf(window)) {
        auto add = [&](int64_t peer, bool isSend) {
          if (peer == plan.programs[i].rank)
            return;
          total += bucket.bytes; // each message has memory of its own, as tensors have
          if (!perChunk)
            transfers.push_back(
                {position(peer), bucket.bytes, isSend, ranks[i].mesh->makeBuffer()});
          else
            for (const ChunkStep &chunk : plan.programs[i].chunksOf(bucket))
              transfers.push_back({position(peer), chunk.numElements * byteWidth(chunk.wireDType),
                                   isSend, ranks[i].mesh->makeBuffer()});
        };
        if (bucket.sender == plan.programs[i].rank)
          for (int64_t destination : plan.destinationsOf(bucket).ranks)
            add(destination, true);
        else if (bucket.isTarget)
          add(bucket.sender, false);
      }
    }
    ranks[i].memory.resize(static_cast<size_t>(total));
  }
  std::vector<std::vector<std::vector<char>>> addresses(ranks.size());
  for (size_t i = 0; i < ranks.size(); ++i)
    for (size_t j = 0; j < ranks.size(); ++j)
      addresses[i].push_back(i == j ? std::vector<char>() : ranks[i].mesh->listen(j));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < ranks.size(); ++i)
    threads.emplace_back([&, i] {
      for (size_t j = 0; j < ranks.size(); ++j)
        if (i != j)
          ranks[i].mesh->connect(j, addresses[j][i]);
    });
  for (std::thread &thread : threads)
    thread.join();
}

void RawGloo::runRank(Rank &rank) {
  auto wait = [](std::vector<Transfer> &window) {
    for (Transfer &transfer : window)
      if (transfer.isSend)
        transfer.buffer->waitSend(nullptr, kNoLimit);
      else
        transfer.buffer->waitRecv(nullptr, kNoLimit);
  };
  const size_t numWindows = rank.windows.size();
  char *memory = rank.memory.data();
  for (size_t i = 0; i < numWindows; ++i) {
    for (Transfer &transfer : rank.windows[i]) {
      const auto bytes = static_cast<size_t>(transfer.bytes);
      if (transfer.isSend)
        GlooMesh::send(*transfer.buffer, transfer.peer, 0, memory, bytes);
      else
        GlooMesh::receive(*transfer.buffer, transfer.peer, 0, memory, bytes);
      memory += bytes;
    }
    if (i > 0)
      wait(rank.windows[i - 1]);
  }
  if (numWindows > 0)
    wait(rank.windows.back());
}

void RawGloo::run() {
  std::vector<std::thread> threads;
  for (Rank &rank : ranks)
    threads.emplace_back([&] { runRank(rank); });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace xfer::test
