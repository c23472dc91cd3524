//===- StandinTest.cpp - What the stand-in forbids ------------------------===//
//
// Every mistake that the stand-in is there to find, made on purpose. Without
// these tests a stand-in that finds nothing would look like a backend without
// mistakes.
//===----------------------------------------------------------------------===//
#include "Standin.h"
#include "nccl/NcclApi.h"
#include <barrier>
#include <functional>
#include <gtest/gtest.h>
#include <thread>

using namespace xfer::runtime;

namespace {

class Standin : public testing::Test {
protected:
  static constexpr int kRanks = 2;

  void SetUp() override {
    ASSERT_TRUE(CudaApi::get(cuda).isOk());
    ASSERT_TRUE(NcclApi::get(nccl).isOk());
    standin::takeViolations();
  }

  void TearDown() override {
    standin::heal();
    EXPECT_EQ(standin::describeAlive(), "");
    EXPECT_TRUE(standin::takeViolations().empty());
  }

  /// One rank's things.
  struct Rank {
    int position = 0;
    NcclComm comm = nullptr;
    CudaStream stream = nullptr, other = nullptr;
    CudaEvent event = nullptr;
    std::byte *memory = nullptr; ///< 64 bytes, written
    std::byte *target = nullptr; ///< 64 bytes, written
  };

  /// Runs `body` on every rank at once, with everything it needs.
  void onRanks(const std::function<void(Rank &)> &body) {
    NcclUniqueId id;
    ASSERT_EQ(nccl->GetUniqueId(&id), 0);
    std::vector<std::thread> threads;
    for (int position = 0; position < kRanks; ++position)
      threads.emplace_back([&, position] {
        Rank rank;
        rank.position = position;
        open(rank, id);
        body(rank);
        close(rank);
      });
    for (std::thread &thread : threads)
      thread.join();
  }

  void open(Rank &rank, const NcclUniqueId &id) {
    EXPECT_EQ(cuda->SetDevice(rank.position), 0);
    NcclConfig config;
    EXPECT_EQ(nccl->CommInitRankConfig(&rank.comm, kRanks, id, rank.position, &config), 0);
    EXPECT_EQ(cuda->StreamCreateWithFlags(&rank.stream, 1), 0);
    EXPECT_EQ(cuda->StreamCreateWithFlags(&rank.other, 1), 0);
    EXPECT_EQ(cuda->EventCreateWithFlags(&rank.event, 2), 0);
    for (std::byte **memory : {&rank.memory, &rank.target}) {
      EXPECT_EQ(cuda->Malloc(reinterpret_cast<void **>(memory), 64), 0);
      EXPECT_EQ(cuda->MemsetAsync(*memory, 0, 64, rank.stream), 0);
    }
    drain(rank, rank.stream);
  }

  void close(Rank &rank) {
    for (CudaStream stream : {rank.stream, rank.other})
      drain(rank, stream);
    if (rank.comm) {
      EXPECT_EQ(nccl->CommDestroy(rank.comm), 0);
    }
    for (std::byte *memory : {rank.memory, rank.target})
      EXPECT_EQ(cuda->Free(memory), 0);
    EXPECT_EQ(cuda->StreamDestroy(rank.stream), 0);
    EXPECT_EQ(cuda->StreamDestroy(rank.other), 0);
    EXPECT_EQ(cuda->EventDestroy(rank.event), 0);
  }

  void drain(Rank &rank, CudaStream stream) {
    EXPECT_EQ(cuda->EventRecord(rank.event, stream), 0);
    while (cuda->EventQuery(rank.event) == kCudaErrorNotReady)
      std::this_thread::yield();
  }

  /// The other rank.
  static int peerOf(const Rank &rank) { return 1 - rank.position; }

  /// Violations so far, each of which has `text`; there must be one.
  static void expectViolation(const std::string &text) {
    const std::vector<std::string> violations = standin::takeViolations();
    EXPECT_FALSE(violations.empty()) << text;
    for (const std::string &violation : violations)
      EXPECT_NE(violation.find(text), std::string::npos) << violation;
  }

  const CudaApi *cuda = nullptr;
  const NcclApi *nccl = nullptr;
};

TEST_F(Standin, MovesWhatIsRight) {
  onRanks([&](Rank &rank) {
    EXPECT_EQ(cuda->MemsetAsync(rank.memory, rank.position + 1, 64, rank.stream), 0);
    EXPECT_EQ(nccl->GroupStart(), 0);
    EXPECT_EQ(nccl->Send(rank.memory, 64, 1, peerOf(rank), rank.comm, rank.stream), 0);
    EXPECT_EQ(nccl->Recv(rank.target, 64, 1, peerOf(rank), rank.comm, rank.stream), 0);
    EXPECT_EQ(nccl->GroupEnd(), 0);
    drain(rank, rank.stream);
    EXPECT_EQ(static_cast<int>(rank.target[63]), peerOf(rank) + 1);
    EXPECT_EQ(nccl->Broadcast(rank.memory, rank.memory, 64, 1, 1, rank.comm, rank.stream), 0);
    drain(rank, rank.stream);
    EXPECT_EQ(static_cast<int>(rank.memory[0]), 2);
  });
}

TEST_F(Standin, CountsOfBothEndsMustBeEqual) {
  onRanks([&](Rank &rank) {
    const int result = rank.position == 0
                           ? nccl->Send(rank.memory, 64, 1, 1, rank.comm, rank.stream)
                           : nccl->Recv(rank.target, 60, 1, 0, rank.comm, rank.stream);
    EXPECT_EQ(result, 0);
  });
  expectViolation("rank 0 sends 64 bytes of type 1, but rank 1 receives 60 of type 1");
}

TEST_F(Standin, TypesOfBothEndsMustBeEqual) {
  onRanks([&](Rank &rank) {
    const int result = rank.position == 0
                           ? nccl->Send(rank.memory, 16, 2, 1, rank.comm, rank.stream)
                           : nccl->Recv(rank.target, 16, 7, 0, rank.comm, rank.stream);
    EXPECT_EQ(result, 0);
  });
  expectViolation("of type 2, but rank 1 receives");
}

TEST_F(Standin, CollectivesMustComeInOneOrder) {
  onRanks([&](Rank &rank) {
    for (int root : {rank.position, 1 - rank.position})
      EXPECT_EQ(nccl->Broadcast(rank.memory, rank.memory, 64, 1, root, rank.comm, rank.stream), 0);
  });
  expectViolation("of a communicator is a broadcast of 64 elements of type 1 with root");
}

TEST_F(Standin, GroupMayHoldOneMessageForAPairOfRanks) {
  onRanks([&](Rank &rank) {
    EXPECT_EQ(nccl->GroupStart(), 0);
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(nccl->Send(rank.memory, 8, 1, peerOf(rank), rank.comm, rank.stream), 0);
    EXPECT_NE(nccl->GroupEnd(), 0);
  });
  expectViolation("a group holds two messages from rank");
}

TEST_F(Standin, GroupMayNotHoldThousandsOfCalls) {
  onRanks([&](Rank &rank) {
    EXPECT_EQ(nccl->GroupStart(), 0);
    for (int i = 0; i < 4097; ++i)
      EXPECT_EQ(nccl->Broadcast(rank.memory, rank.memory, 8, 1, 0, rank.comm, rank.stream), 0);
    EXPECT_NE(nccl->GroupEnd(), 0);
  });
  expectViolation("a group has 4097 calls, expected at most 4096");
}

TEST_F(Standin, GroupMustNotEndBeforeItBegins) {
  EXPECT_NE(nccl->GroupEnd(), 0);
  expectViolation("ncclGroupEnd without a group");
}

TEST_F(Standin, SendsWaitForTheirReceivesAndAreMissedAtTheEnd) {
  std::barrier meeting(kRanks);
  onRanks([&](Rank &rank) {
    if (rank.position == 0) {
      EXPECT_EQ(nccl->Send(rank.memory, 8, 1, 1, rank.comm, rank.stream), 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      EXPECT_EQ(cuda->EventRecord(rank.event, rank.stream), 0);
      EXPECT_EQ(cuda->EventQuery(rank.event), kCudaErrorNotReady);
      meeting.arrive_and_wait();
    } else {
      meeting.arrive_and_wait();
      EXPECT_EQ(nccl->CommDestroy(rank.comm), 0);
      rank.comm = nullptr;
    }
    meeting.arrive_and_wait();
    if (rank.position == 0) {
      EXPECT_EQ(nccl->CommAbort(rank.comm), 0);
      rank.comm = nullptr;
      drain(rank, rank.stream);
    }
  });
  expectViolation("with 1 messages from rank 0 to rank 1 unmatched");
}

TEST_F(Standin, CommunicatorMustNotBeUsedAfterItsAbort) {
  onRanks([&](Rank &rank) {
    EXPECT_EQ(nccl->CommAbort(rank.comm), 0);
    EXPECT_NE(nccl->Send(rank.memory, 8, 1, peerOf(rank), rank.comm, rank.stream), 0);
    EXPECT_NE(nccl->CommAbort(rank.comm), 0);
    rank.comm = nullptr;
  });
  expectViolation("of a communicator that");
}

TEST_F(Standin, CommunicatorMustNotBeUsedWhileACallIsInProgress) {
  onRanks([&](Rank &rank) {
    NcclConfig config;
    config.blocking = 0;
    NcclComm child = nullptr;
    NcclResult state = kNcclInProgress;
    EXPECT_EQ(nccl->CommSplit(rank.comm, 0, 0, &child, &config), 0); // the parent is blocking
    while (!child || state == kNcclInProgress)
      ASSERT_EQ(nccl->CommGetAsyncError(child, &state), 0);
    EXPECT_EQ(nccl->Broadcast(rank.memory, rank.memory, 8, 1, 0, child, rank.stream),
              kNcclInProgress);
    EXPECT_NE(nccl->Broadcast(rank.memory, rank.memory, 8, 1, 0, child, rank.stream), 0);
    EXPECT_NE(cuda->EventRecord(rank.event, rank.stream), 0); // nor the stream
    do
      EXPECT_EQ(nccl->CommGetAsyncError(child, &state), 0);
    while (state == kNcclInProgress);
    drain(rank, rank.stream);
    EXPECT_EQ(nccl->CommDestroy(child), 0);
  });
  const std::vector<std::string> violations = standin::takeViolations();
  EXPECT_EQ(violations.size(), 6u);
}

#ifdef __SANITIZE_THREAD__
constexpr bool kHasThreadSanitizer = true;
#else
constexpr bool kHasThreadSanitizer = false;
#endif
constexpr const char *kRaceIsReal = "ThreadSanitizer would report the race that is planted";

TEST_F(Standin, ReadingWhatAnotherStreamWritesNeedsAnOrder) {
  for (bool isOrdered : {true, false}) {
    if (!isOrdered && kHasThreadSanitizer)
      GTEST_SKIP() << kRaceIsReal;
    onRanks([&](Rank &rank) {
      EXPECT_EQ(cuda->MemsetAsync(rank.memory, 1, 64, rank.other), 0);
      EXPECT_EQ(cuda->EventRecord(rank.event, rank.other), 0);
      if (isOrdered) {
        EXPECT_EQ(cuda->StreamWaitEvent(rank.stream, rank.event, 0), 0);
      }
      EXPECT_EQ(nccl->GroupStart(), 0);
      EXPECT_EQ(nccl->Send(rank.memory, 64, 1, peerOf(rank), rank.comm, rank.stream), 0);
      EXPECT_EQ(nccl->Recv(rank.target, 64, 1, peerOf(rank), rank.comm, rank.stream), 0);
      EXPECT_EQ(nccl->GroupEnd(), 0);
    });
    if (isOrdered) {
      EXPECT_TRUE(standin::takeViolations().empty());
    } else {
      expectViolation("another stream");
    }
  }
}

TEST_F(Standin, WritingWhatAnotherStreamReadsNeedsAnOrder) {
  if (kHasThreadSanitizer)
    GTEST_SKIP() << kRaceIsReal;
  onRanks([&](Rank &rank) {
    EXPECT_EQ(nccl->GroupStart(), 0);
    EXPECT_EQ(nccl->Send(rank.memory, 64, 1, peerOf(rank), rank.comm, rank.stream), 0);
    EXPECT_EQ(nccl->Recv(rank.target, 64, 1, peerOf(rank), rank.comm, rank.stream), 0);
    EXPECT_EQ(nccl->GroupEnd(), 0);
    EXPECT_EQ(cuda->MemsetAsync(rank.memory + 60, 1, 1, rank.other), 0);
  });
  expectViolation("another stream");
}

TEST_F(Standin, WaitingOnTheHostIsAnOrder) {
  onRanks([&](Rank &rank) {
    EXPECT_EQ(cuda->MemsetAsync(rank.memory, 1, 64, rank.other), 0);
    drain(rank, rank.other);
    EXPECT_EQ(cuda->MemsetAsync(rank.memory, 2, 64, rank.stream), 0);
  });
}

TEST_F(Standin, MemoryThatNothingHasWrittenMustNotBeRead) {
  onRanks([&](Rank &rank) {
    void *fresh = nullptr;
    EXPECT_EQ(cuda->Malloc(&fresh, 64), 0);
    EXPECT_EQ(cuda->MemcpyAsync(rank.memory, fresh, 64, 3, rank.stream), 0);
    drain(rank, rank.stream);
    EXPECT_EQ(cuda->Free(fresh), 0);
  });
  expectViolation("reads what nothing has written");
}

TEST_F(Standin, MemoryThatIsFreedMustNotBeUsed) {
  onRanks([&](Rank &rank) {
    EXPECT_EQ(cuda->MemsetAsync(rank.memory + 60, 0, 8, rank.stream), 0); // and beyond its end
  });
  expectViolation("writes what is no device memory");
}

TEST_F(Standin, FreeingMustNotMeetNcclAtWork) {
  onRanks([&](Rank &rank) {
    void *memory = nullptr;
    EXPECT_EQ(cuda->Malloc(&memory, 64), 0);
    EXPECT_EQ(nccl->Recv(rank.target, 8, 1, peerOf(rank), rank.comm, rank.stream), 0);
    EXPECT_NE(cuda->Free(memory), 0);
    EXPECT_EQ(nccl->CommAbort(rank.comm), 0);
    rank.comm = nullptr;
    drain(rank, rank.stream);
    EXPECT_EQ(cuda->Free(memory), 0);
  });
  expectViolation("while NCCL is at work on the device");
}

TEST_F(Standin, StreamsBelongToTheirDevice) {
  onRanks([&](Rank &rank) {
    EXPECT_EQ(cuda->SetDevice(peerOf(rank)), 0);
    EXPECT_NE(cuda->MemsetAsync(rank.memory, 0, 8, rank.stream), 0);
    EXPECT_EQ(cuda->SetDevice(rank.position), 0);
  });
  expectViolation("is current");
}

TEST_F(Standin, TimesAreOfTimedEventsThatWereRecorded) {
  CudaStream stream = nullptr;
  CudaEvent first = nullptr, last = nullptr, untimed = nullptr;
  EXPECT_EQ(cuda->StreamCreateWithFlags(&stream, 1), 0);
  for (CudaEvent *event : {&first, &last})
    EXPECT_EQ(cuda->EventCreateWithFlags(event, 0), 0);
  EXPECT_EQ(cuda->EventCreateWithFlags(&untimed, kCudaEventDisableTiming), 0);
  float milliseconds = -1;
  EXPECT_EQ(cuda->EventRecord(first, stream), 0);
  EXPECT_NE(cuda->EventElapsedTime(&milliseconds, first, last), 0);
  while (cuda->EventQuery(first) == kCudaErrorNotReady)
    std::this_thread::yield();
  EXPECT_NE(cuda->EventElapsedTime(&milliseconds, first, last), 0);
  expectViolation("of an event that was never recorded");

  for (CudaEvent event : {untimed, last})
    EXPECT_EQ(cuda->EventRecord(event, stream), 0);
  while (cuda->EventQuery(last) == kCudaErrorNotReady)
    std::this_thread::yield();
  EXPECT_EQ(cuda->EventElapsedTime(&milliseconds, first, last), 0);
  EXPECT_GT(milliseconds, 0);
  EXPECT_NE(cuda->EventElapsedTime(&milliseconds, first, untimed), 0);
  expectViolation("of an event without timing");
  for (CudaEvent event : {first, last, untimed})
    EXPECT_EQ(cuda->EventDestroy(event), 0);
  EXPECT_EQ(cuda->StreamDestroy(stream), 0);
}

TEST_F(Standin, WhatIsAliveIsCounted) {
  EXPECT_EQ(standin::describeAlive(), "");
  onRanks(
      [&](Rank &) { EXPECT_NE(standin::describeAlive().find("communicator"), std::string::npos); });
  CudaEvent event = nullptr;
  EXPECT_EQ(cuda->EventCreateWithFlags(&event, 0), 0);
  EXPECT_EQ(standin::describeAlive(), "1 event");
  EXPECT_EQ(cuda->EventDestroy(event), 0);
}

TEST_F(Standin, CallsCanBeMadeToFail) {
  standin::failCall("cudaMalloc", 2, 2);
  void *memory[2] = {};
  EXPECT_EQ(cuda->Malloc(&memory[0], 8), 0);
  EXPECT_EQ(cuda->Malloc(&memory[1], 8), 2);
  EXPECT_EQ(cuda->Free(memory[0]), 0);
}

} // namespace
