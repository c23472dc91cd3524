//===- CheckTest.cpp - Does --verify see what is wrong? -------------------===//
//
// A check that never fails proves nothing. These tests fill targets by hand,
// damage one element, and look at what xfer-run's check says.
//===----------------------------------------------------------------------===//
#include "xfer-run/Check.h"
#include "xfer-run/ElementMath.h"
#include "xfer-run/Padding.h"
#include "xfer-run/Units.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Text/Parser.h"
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace xfer;
using namespace xfer::run;

namespace {

/// A job's buffers, and what was reported about them.
struct Job {
  explicit Job(const char *text) : diagnostics(sources) {
    diagnostics.setHandler(
        [this](const llvm::SMDiagnostic &diagnostic) { message = diagnostic.getMessage().str(); });
    unsigned id =
        sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text, "test"), llvm::SMLoc());
    module = parseModule(id, diagnostics);
    EXPECT_TRUE(module && succeeded(verifyModule(*module, diagnostics))) << message;
    locals = std::make_unique<LocalTensors>(*module);
    EXPECT_TRUE(succeeded(locals->allocate(diagnostics))) << message;
  }
  template <typename T> T *target(size_t index) {
    return reinterpret_cast<T *>(locals->targets()[index].data);
  }
  template <typename T> T *source(size_t index) {
    return reinterpret_cast<T *>(locals->sources()[index].data);
  }
  bool check(const Values &values) {
    return succeeded(checkTargets(*locals, values, kPoison, checked, diagnostics));
  }
  llvm::SourceMgr sources;
  Diagnostics diagnostics;
  std::string message;
  Checked checked;
  std::unique_ptr<Module> module;
  std::unique_ptr<LocalTensors> locals;
};

constexpr char kTranspose[] = "mesh @a = [x=2] ranks [0, 1] mesh @b = [y=2] ranks [2, 3]"
                              "tensor @w : i32[4, 6]"
                              "source @w on @a split [{x}, {}]"
                              "target @w on @b split [{}, {y}]";

/// Fills the two targets of kTranspose from its two sources, element by element.
void transposeByHand(Job &job) {
  for (int row = 0; row < 4; ++row)
    for (int column = 0; column < 6; ++column)
      job.target<int32_t>(column / 3)[row * 3 + column % 3] =
          job.source<int32_t>(row / 2)[row % 2 * 6 + column];
}

TEST(CheckTest, AcceptsWhatIsRight) {
  Job job(kTranspose);
  PatternValues pattern(*job.module);
  fillSources(*job.locals, pattern);
  prepareTargets(*job.locals, kPoison);
  transposeByHand(job);
  EXPECT_TRUE(job.check(pattern)) << job.message;
  EXPECT_TRUE(job.check(BufferValues(*job.locals))) << job.message;
}

TEST(CheckTest, NamesTheFirstWrongElement) {
  Job job(kTranspose);
  for (int i = 0; i < 12; ++i) {
    job.source<int32_t>(0)[i] = i;
    job.source<int32_t>(1)[i] = 12 + i;
  }
  transposeByHand(job);
  job.target<int32_t>(1)[2 * 3 + 1] = -7;
  job.target<int32_t>(1)[3 * 3 + 2] = -8;
  EXPECT_FALSE(job.check(BufferValues(*job.locals)));
  EXPECT_EQ(job.message, "tensor 'w' on target rank 3 is wrong at [2, 4]: expected 16, got -7; "
                         "2 of 24 target elements are wrong");
}

TEST(CheckTest, SeesElementsThatNobodyWrote) {
  Job job(kTranspose);
  PatternValues pattern(*job.module);
  fillSources(*job.locals, pattern);
  prepareTargets(*job.locals, kPoison);
  EXPECT_FALSE(job.check(pattern));
  EXPECT_NE(job.message.find("24 of 24 target elements are wrong"), std::string::npos);
}

TEST(CheckTest, SeesSwappedNeighbours) {
  Job job(kTranspose);
  PatternValues pattern(*job.module);
  fillSources(*job.locals, pattern);
  transposeByHand(job);
  std::swap(job.target<int32_t>(0)[0], job.target<int32_t>(0)[1]);
  EXPECT_FALSE(job.check(pattern));
  EXPECT_NE(job.message.find("rank 2 is wrong at [0, 0]"), std::string::npos) << job.message;
}

TEST(CheckTest, FoldsInMeshOrderAndRoundsEachStep) {
  Job job("mesh @a = [x=3] ranks [2, 0, 1] mesh @b = [y=1] ranks [3]"
          "tensor @w : f32[1] source @w on @a partial<sum>{x} target @w on @b");
  // (1e8 + -1e8) + 1 is 1, but 1e8 + (-1e8 + 1) is 0 in f32.
  *job.source<float>(0) = 1e8f;
  *job.source<float>(1) = -1e8f;
  *job.source<float>(2) = 1;
  *job.target<float>(0) = 1;
  EXPECT_TRUE(job.check(BufferValues(*job.locals))) << job.message;
  *job.target<float>(0) = 0;
  EXPECT_FALSE(job.check(BufferValues(*job.locals)));
}

TEST(CheckTest, DividesAnAverageOnce) {
  Job job("mesh @a = [x=2] ranks [0, 1] mesh @b = [y=1] ranks [2]"
          "tensor @w : f64[] source @w : f32 on @a partial<avg>{x} target @w on @b");
  *job.source<float>(0) = 1;
  *job.source<float>(1) = 4;
  *job.target<double>(0) = 2.5;
  EXPECT_TRUE(job.check(BufferValues(*job.locals))) << job.message;
}

TEST(CheckTest, PayloadsOfNaNMatterOnlyInCopies) {
  uint32_t quiet = 0x7fc00000, payload = 0x7fc00001;
  Job copy("mesh @a = [x=1] ranks [0] mesh @b = [y=1] ranks [1]"
           "tensor @w : f32[] source @w on @a target @w on @b");
  *copy.source<uint32_t>(0) = payload;
  *copy.target<uint32_t>(0) = quiet;
  EXPECT_FALSE(copy.check(BufferValues(*copy.locals)));

  Job cast("mesh @a = [x=1] ranks [0] mesh @b = [y=1] ranks [1]"
           "tensor @w : f32[] source @w : f64 on @a target @w on @b");
  *cast.source<double>(0) = std::numeric_limits<double>::quiet_NaN();
  *cast.target<uint32_t>(0) = payload;
  EXPECT_TRUE(cast.check(BufferValues(*cast.locals))) << cast.message;
}

TEST(CheckTest, PatternsDifferBetweenTensorsContributorsAndRows) {
  Job job("mesh @a = [x=2] ranks [0, 1] mesh @b = [y=1] ranks [2]"
          "tensor @v : i64[2, 4] source @v on @a partial<sum>{x} target @v on @b "
          "tensor @w : i64[2, 4] source @w on @a partial<sum>{x} target @w on @b");
  PatternValues pattern(*job.module);
  fillSources(*job.locals, pattern);
  std::vector<int64_t> seen;
  for (const LocalTensor &source : job.locals->sources())
    for (int i = 0; i < 8; ++i)
      seen.push_back(reinterpret_cast<const int64_t *>(source.data)[i]);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(CheckTest, PatternsStayFinite) {
  Job job("mesh @a = [x=1] ranks [0] mesh @b = [y=1] ranks [1]"
          "tensor @h : f16[512] source @h : i64 on @a target @h on @b "
          "tensor @q : f8e4m3fn[512] source @q : f64 on @a target @q on @b "
          "tensor @r : f8e5m2[512] source @r on @a target @r on @b");
  PatternValues pattern(*job.module);
  fillSources(*job.locals, pattern);
  for (const LocalTensor &source : job.locals->sources()) {
    DType from = source.memory->dtype;
    DType to = job.module->tensors[source.memory->tensors[0].tensor].dtype;
    for (int64_t i = 0; i < source.elements; ++i) {
      char cast[8];
      double value;
      castElements(from, to, source.data + i * byteWidth(from), cast, 1);
      castElements(to, DType::F64, cast, reinterpret_cast<char *>(&value), 1);
      EXPECT_LE(std::abs(value), 65504);
    }
  }
}

constexpr char kStorage[] = "mesh @a = [x=1] ranks [0] mesh @b = [y=2] ranks [1, 2]"
                            "tensor @v : i32[3] tensor @w : i32[2, 2]"
                            "source @v on @a source @w on @a "
                            "target storage @s : i32[v:3 | keep:2, 2 | zero:1 | pad:1] on @b "
                            "split [{y} | {y}, {} | {} | {}] {"
                            "view @w [keep: d0, d1] view @v [v: d0, 1] view @v [v: d0, 0] }";

/// What the two targets of kStorage hold, when @v is 0, 1, 2 and @w is 10, 11, 12, 13.
void moveStorageByHand(Job &job) {
  for (int i = 0; i < 3; ++i)
    job.source<int32_t>(0)[i] = i;
  for (int i = 0; i < 4; ++i)
    job.source<int32_t>(1)[i] = 10 + i;
  prepareTargets(*job.locals, kPoison);
  constexpr int32_t kKept = static_cast<int32_t>(0xa5a5a5a5);
  const int32_t first[] = {0, 0, 0, kKept, 1, 1, 0, kKept, 10, 11, 0, kKept};
  const int32_t second[] = {2, 2, 0, kKept, 12, 13, 0, kKept};
  std::memcpy(job.target<int32_t>(0), first, sizeof first);
  std::memcpy(job.target<int32_t>(1), second, sizeof second);
}

TEST(StorageCheckTest, AcceptsWhatIsRight) {
  Job job(kStorage);
  moveStorageByHand(job);
  EXPECT_TRUE(job.check(BufferValues(*job.locals))) << job.message;
  EXPECT_EQ(job.checked.elements, 10);
  EXPECT_EQ(job.checked.padding, 10);
}

TEST(StorageCheckTest, NamesTheTensorAndItsMemory) {
  Job job(kStorage);
  moveStorageByHand(job);
  job.target<int32_t>(1)[5] = -7;
  EXPECT_FALSE(job.check(BufferValues(*job.locals)));
  EXPECT_EQ(job.message, "tensor 'w' in 's' on target rank 2 is wrong at [1, 1]: expected 13, got "
                         "-7; 1 of 10 target elements are wrong");
}

TEST(StorageCheckTest, ChecksEveryViewOfATensor) {
  for (int element : {0, 1}) {
    Job job(kStorage);
    moveStorageByHand(job);
    job.target<int32_t>(0)[element] = -7;
    EXPECT_FALSE(job.check(BufferValues(*job.locals)));
    EXPECT_NE(job.message.find("tensor 'v' in 's' on target rank 1 is wrong at [0]"),
              std::string::npos)
        << job.message;
  }
}

TEST(StorageCheckTest, SeesPaddingThatWasNotZeroed) {
  Job job(kStorage);
  moveStorageByHand(job);
  job.target<int32_t>(1)[6] = 5;
  EXPECT_FALSE(job.check(BufferValues(*job.locals)));
  EXPECT_EQ(job.message, "padding of 's' on target rank 2 is wrong at local [1, 2]: a 'zero' run "
                         "holds 5; 1 of 10 elements of padding are wrong");
}

TEST(StorageCheckTest, SeesPaddingThatWasTouched) {
  Job job(kStorage);
  moveStorageByHand(job);
  job.target<int32_t>(0)[3] = 0;
  job.target<int32_t>(1)[7] = 0;
  EXPECT_FALSE(job.check(BufferValues(*job.locals)));
  EXPECT_EQ(job.message, "padding of 's' on target rank 1 is wrong at local [0, 3]: a 'pad' run "
                         "came to hold 0; 2 of 10 elements of padding are wrong");
}

TEST(StorageCheckTest, ZeroWinsWherePaddingMeets) {
  Job job("mesh @a = [x=1] ranks [0] mesh @b = [y=1] ranks [1]"
          "tensor @w : u8[1, 1] source @w on @a "
          "target storage @s : u8[1 | zero:1 | pad:1, 1 | pad:1 | zero:1] on @b "
          "split [{} | {} | {}, {} | {} | {}] { view @w [0, d1*d0] }");
  *job.source<uint8_t>(0) = 7;
  const uint8_t right[] = {7, kPoison, 0, 0, 0, 0, kPoison, kPoison, 0};
  std::memcpy(job.target<uint8_t>(0), right, sizeof right);
  EXPECT_TRUE(job.check(BufferValues(*job.locals))) << job.message;
  EXPECT_EQ(job.checked.padding, 8);
}

TEST(StorageCheckTest, ReplicasInStoragesAreCompared) {
  Job job("mesh @a = [x=2] ranks [0, 1] mesh @b = [y=1] ranks [2]"
          "tensor @w : i32[2] source storage @s : i32[pad:1 | w:2] on @a split [{} | {}] {"
          "view @w [w: d0] } target @w on @b");
  const int32_t values[] = {1, 8, 9};
  std::memcpy(job.source<int32_t>(0), values, sizeof values);
  std::memcpy(job.source<int32_t>(1), values, sizeof values);
  BufferValues buffers(*job.locals);
  *job.source<int32_t>(1) = 2; // in the padding
  EXPECT_TRUE(succeeded(checkReplicas(*job.locals, buffers, job.diagnostics))) << job.message;
  job.source<int32_t>(1)[2] = 3;
  EXPECT_FALSE(succeeded(checkReplicas(*job.locals, buffers, job.diagnostics)));
  EXPECT_EQ(job.message, "replicas of tensor 'w' in 's' differ at [1]: rank 1 holds 3, but a rank "
                         "before it holds 9");
}

TEST(UnitsTest, ReadWell) {
  EXPECT_EQ(formatBytes(1023), "1023 B");
  EXPECT_EQ(formatBytes(1536), "1.50 KiB");
  EXPECT_EQ(formatBytes(std::numeric_limits<int64_t>::max()), "8.00 EiB");
  EXPECT_EQ(formatCount(596049920), "596,049,920");
  EXPECT_EQ(formatCount(42), "42");
  EXPECT_EQ(formatSeconds(0.00085), "850 us");
  EXPECT_EQ(formatSeconds(1.416), "1.42 s");
}

} // namespace
