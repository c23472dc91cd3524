//===- SenderSharesTest.cpp - Replicas ship level shares -------------------===//
#include "xfer/Analysis/SenderShares.h"
#include "ParseForTest.h"
#include <map>

namespace xfer {
namespace {

/// Bytes that each rank ships, summed over every delivery.
std::map<int64_t, int64_t> loads(ParsedModule &parsed) {
  OwnershipCache ownerships(*parsed);
  Routing routing(*parsed, ownerships);
  SenderShares shares(*parsed, routing);
  std::map<int64_t, int64_t> bytes;
  for (const RouteInstance &instance : routing.instances()) {
    const RoutePattern &pattern = routing.patterns()[instance.pattern];
    for (size_t r = 0; r < pattern.routes.size(); ++r)
      for (size_t d = 0; d < parsed->rankList(pattern.routes[r].remote).size(); ++d) {
        size_t sender = shares.sender(instance, static_cast<int64_t>(r), d);
        bytes[parsed->rankList(pattern.routes[r].sources)[sender]] += pattern.routes[r].bytes;
      }
  }
  return bytes;
}

TEST(SenderShares, ReplicasShareManyTensorsEvenly) {
  std::string text = "mesh @a = [dp=4]\nmesh @b = [dp=2] ranks [4, 5]\n";
  for (int i = 0; i < 64; ++i)
    text += "tensor @t" + std::to_string(i) + " : f32[16]\nsource @t" + std::to_string(i) +
            " on @a\ntarget @t" + std::to_string(i) + " on @b\n";
  ParsedModule parsed(text);
  for (auto [rank, bytes] : loads(parsed))
    EXPECT_EQ(bytes, 64 * 16 * 4 * 2 / 4) << "rank " << rank;
}

TEST(SenderShares, ABusyReplicaShipsLessOfAnother) {
  // Rank 0 alone holds @alone; rank 1 must carry all of @shared.
  ParsedModule parsed("mesh @one = [x=1]\nmesh @two = [x=2]\nmesh @to = [x=1] ranks [9]\n"
                      "tensor @alone : f32[8]\nsource @alone on @one\ntarget @alone on @to\n"
                      "tensor @shared : f32[8]\nsource @shared on @two\ntarget @shared on @to\n");
  std::map<int64_t, int64_t> expected{{0, 32}, {1, 32}};
  EXPECT_EQ(loads(parsed), expected);
}

TEST(SenderShares, FanOutOfOneTensorUsesEveryReplica) {
  ParsedModule parsed("mesh @a = [dp=4]\nmesh @b = [dp=8] ranks [4:12]\n"
                      "tensor @t : f32[16]\nsource @t on @a\ntarget @t on @b\n");
  for (auto [rank, bytes] : loads(parsed))
    EXPECT_EQ(bytes, 2 * 16 * 4) << "rank " << rank;
}

TEST(SenderShares, OverlappingHolderSetsConverge) {
  // Holders {0,1}, {1,2}, {2,3} of equal bytes: the level share is 3/4 each.
  std::string text;
  for (int i = 0; i < 3; ++i)
    text += "mesh @m" + std::to_string(i) + " = [x=2] ranks [" + std::to_string(i) + ", " +
            std::to_string(i + 1) + "]\n";
  text += "mesh @to = [x=1] ranks [9]\n";
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 100; ++j) {
      std::string name = "@t" + std::to_string(i) + "_" + std::to_string(j);
      text += "tensor " + name + " : f32[10]\nsource " + name + " on @m" + std::to_string(i) +
              "\ntarget " + name + " on @to\n";
    }
  ParsedModule parsed(text);
  for (auto [rank, bytes] : loads(parsed))
    EXPECT_NEAR(static_cast<double>(bytes), 3000.0, 120.0) << "rank " << rank;
}

} // namespace
} // namespace xfer
