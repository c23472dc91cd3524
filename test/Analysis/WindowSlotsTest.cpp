//===- WindowSlotsTest.cpp - A slot never holds two messages of a pair ------===//
#include "xfer/Analysis/WindowSlots.h"
#include "ParseForTest.h"
#include <map>
#include <set>

namespace xfer {
namespace {

/// Checks every pair of endpoints that the declarations make, for both transports.
void checkSlots(llvm::StringRef text, int64_t peers) {
  ParsedModule parsed(text);
  OwnershipCache ownerships(*parsed);
  Routing routing(*parsed, ownerships);
  WindowSlots slots(*parsed, routing, peers);
  struct Pair {
    int64_t slot, from, to;
    auto operator<=>(const Pair &) const = default;
  };
  std::map<Pair, std::set<RankListId>> messages;
  std::map<Pair, std::set<int64_t>> received; // by slot and receiver: senders
  for (const RoutePattern &pattern : routing.patterns())
    for (const CellRoute &route : pattern.routes)
      for (int64_t sender : parsed->rankList(route.sources)) {
        if (parsed->rankList(route.remote).empty())
          continue;
        Endpoints ends;
        ends.sender = sender;
        ends.destinations = route.remote;
        std::optional<int64_t> slot = slots.slot(ends, Transport::P2P);
        ASSERT_TRUE(slot);
        ASSERT_LT(*slot, slots.numSlots());
        EXPECT_NE(slot, slots.slot(ends, Transport::Broadcast));
        for (int64_t to : parsed->rankList(route.remote)) {
          messages[{*slot, sender, to}].insert(route.remote);
          received[{*slot, 0, to}].insert(sender);
        }
      }
  for (const auto &[pair, sets] : messages)
    EXPECT_EQ(sets.size(), 1u) << pair.from << " -> " << pair.to << " in slot " << pair.slot;
  for (const auto &[pair, senders] : received)
    EXPECT_LE(static_cast<int64_t>(senders.size()), peers);
}

constexpr const char *kSeveralLayouts =
    "mesh @a = [dp=4, tp=2]\nmesh @b = [dp=4, tp=2] ranks [8:16]\nmesh @c = [x=3] ranks [9, 12, "
    "3]\n"
    "tensor @r : f32[8]\nsource @r on @a\ntarget @r on @b\ntarget @r on @d\n"
    "mesh @d = [x=2] ranks [20, 21]\n"
    "tensor @s : f32[8]\nsource @s on @a split [{dp}]\ntarget @s on @b split [{tp}]\n"
    "tensor @t : f32[8]\nsource @t on @a split [{tp}]\ntarget @t on @b split [{dp}]\n"
    "tensor @u : f32[8]\nsource @u on @a\ntarget @u on @c\n";

TEST(WindowSlots, OneMessagePerPairWhateverThePeers) {
  for (int64_t peers : {1, 2, 3, 8, 100})
    checkSlots(kSeveralLayouts, peers);
}

TEST(WindowSlots, ReductionsThatShareRanksAreApart) {
  ParsedModule parsed("mesh @a = [dp=2, tp=2]\nmesh @b = [x=2] ranks [4, 5]\n"
                      "tensor @g : f32[8]\nsource @g on @a split [{tp}] partial<sum>{dp}\n"
                      "target @g on @b\ntensor @h : f32[8]\n"
                      "source @h on @a partial<sum>{dp, tp}\ntarget @h on @b split [{x}]\n");
  OwnershipCache ownerships(*parsed);
  Routing routing(*parsed, ownerships);
  WindowSlots slots(*parsed, routing, 8);
  auto slot = [&](llvm::ArrayRef<int64_t> from, int64_t sender, llvm::ArrayRef<int64_t> to) {
    Endpoints ends{parsed->internRanks(from), parsed->internRanks(to), sender,
                   static_cast<int32_t>(from.size())};
    return slots.slot(ends, Transport::P2P);
  };
  ASSERT_TRUE(slot({0, 2}, 0, {4, 5}));
  EXPECT_EQ(slot({0, 2}, 0, {4, 5}), slot({0, 2}, 2, {4, 5})); // other pairs: may share
  EXPECT_NE(slot({0, 2}, 0, {4, 5}), slot({1, 3}, 1, {4, 5})); // both send to 4
  EXPECT_NE(slot({0, 2}, 0, {4, 5}), slot({0, 1, 2, 3}, 0, {4}));
  EXPECT_FALSE(slot({0, 3}, 0, {4, 5})); // no such contributors
}

} // namespace
} // namespace xfer
