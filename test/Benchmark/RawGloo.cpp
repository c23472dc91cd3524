//===- RawGloo.cpp - Transfers over Gloo alone ----------------------------===//
#include "RawGloo.h"
#include <thread>

namespace xfer::test {

using namespace xfer::runtime;

//===- Ranks --------------------------------------------------------------===//

GlooRanks::GlooRanks(const std::vector<int64_t> &ranks) : ranks(ranks) {
  const size_t count = ranks.size();
  std::vector<std::vector<std::vector<char>>> addresses(count);
  for (size_t i = 0; i < count; ++i) {
    (void)makeDevice("127.0.0.1", nullptr, devices.emplace_back());
    meshes.push_back(std::make_unique<GlooMesh>(devices[i], i, count));
    for (size_t j = 0; j < count; ++j)
      addresses[i].push_back(i == j ? std::vector<char>() : meshes[i]->listen(j));
  }
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      for (size_t j = 0; j < count; ++j)
        if (i != j)
          meshes[i]->connect(j, addresses[j][i]);
    });
  for (std::thread &thread : threads)
    thread.join();
}

size_t GlooRanks::positionOf(int64_t rank) const {
  return static_cast<size_t>(std::lower_bound(ranks.begin(), ranks.end(), rank) - ranks.begin());
}

void Transfer::post() {
  if (isSend)
    GlooMesh::send(*buffer, peer, 0, memory, bytes);
  else
    GlooMesh::receive(*buffer, peer, 0, memory, bytes);
}

void Transfer::wait() {
  if (isSend)
    buffer->waitSend(nullptr, kNoLimit);
  else
    buffer->waitRecv(nullptr, kNoLimit);
}

//===- The same messages --------------------------------------------------===//

SameMessages::SameMessages(const xfer_plan &plan) : gloo(plan.ranks), ranks(plan.ranks.size()) {
  for (size_t i = 0; i < ranks.size(); ++i) {
    const Program &program = plan.programs[i];
    const Messages messages(plan, program);
    size_t total = 0;
    auto add = [&](const Envelope &envelope, bool isSend) {
      ranks[i].windows.back().push_back({gloo.positionOf(isSend ? envelope.to : envelope.from),
                                         nullptr, static_cast<size_t>(envelope.bytes), isSend,
                                         gloo.makeBuffer(i)});
      total += static_cast<size_t>(envelope.bytes);
    };
    for (const WindowStep &window : program.windows) {
      ranks[i].windows.emplace_back();
      const Messages::Slots
          &begin = messages.slots[static_cast<size_t>(window.firstBucket)],
          &end = messages.slots[static_cast<size_t>(window.firstBucket + window.numBuckets)];
      for (size_t slot = begin.firstReceive; slot < end.firstReceive; ++slot)
        add(messages.receives[slot], false);
      for (size_t slot = begin.firstSend; slot < end.firstSend; ++slot)
        add(messages.sends[slot], true);
    }
    ranks[i].memory.resize(total);
    std::byte *memory = ranks[i].memory.data();
    for (std::vector<Transfer> &window : ranks[i].windows)
      for (Transfer &transfer : window) {
        transfer.memory = memory;
        memory += transfer.bytes;
      }
  }
}

void SameMessages::runRank(Rank &rank) {
  for (size_t i = 0; i <= rank.windows.size(); ++i) {
    if (i < rank.windows.size())
      for (Transfer &transfer : rank.windows[i])
        transfer.post();
    if (i > 0)
      for (Transfer &transfer : rank.windows[i - 1])
        transfer.wait();
  }
}

void SameMessages::run() {
  GlooRanks::onThreads(ranks, [](Rank &rank) { runRank(rank); });
}

} // namespace xfer::test
