//===- PlacementTest.cpp - Where do a tensor's elements lie? --------------===//
//
// What --verify believes, against lists typed in by hand: every source is
// filled with the row-major numbers of its tensor's elements, and the numbers
// are found again from every element and along every index.
//===----------------------------------------------------------------------===//
#include "xfer-run/Values.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Text/Parser.h"
#include <gtest/gtest.h>

using namespace xfer;
using namespace xfer::run;

namespace {

/// Holes and padding are not written.
constexpr int32_t kHole = static_cast<int32_t>(0xa5a5a5a5);

/// Every element is its own number; the tensor's is added in millions, the contributor's in
/// thousands.
class Numbers final : public Values {
public:
  void read(TensorId tensor, const Line &line, int64_t contributor, void *out) const override {
    for (int64_t i = 0; i < line.count; ++i)
      static_cast<int32_t *>(out)[i] =
          static_cast<int32_t>(tensor * 1000000 + contributor * 1000 + line.number + i * line.step);
  }
};

class PlacementTest : public testing::Test {
protected:
  /// Declares `side`, a source of i32 tensors, on @m, with targets that only complete the text.
  void declare(const std::string &declarations, const std::string &side) {
    std::string text = declarations + side;
    text += " mesh @lone = [only=1] ranks [99] ";
    for (size_t at = 0; (at = declarations.find("tensor @", at)) != std::string::npos; ++at)
      text += "target " + declarations.substr(at + 7, declarations.find(' ', at + 7) - at - 7) +
              " on @lone ";
    diagnostics.setHandler(
        [this](const llvm::SMDiagnostic &diagnostic) { message = diagnostic.getMessage().str(); });
    unsigned id = sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "test"),
                                             llvm::SMLoc());
    module = parseModule(id, diagnostics);
    ASSERT_TRUE(module && succeeded(verifyModule(*module, diagnostics))) << message;
    locals = std::make_unique<LocalTensors>(*module);
    ASSERT_TRUE(succeeded(locals->allocate(diagnostics))) << message;
    fillSources(*locals, Numbers());
  }

  std::vector<int32_t> held(size_t index) const {
    const LocalTensor &local = locals->sources()[index];
    const auto *begin = reinterpret_cast<const int32_t *>(local.data);
    return std::vector<int32_t>(begin, begin + local.elements);
  }

  /// Reads lines of every length from every element of every tensor along every index.
  void findAll() const {
    BufferValues found(*locals);
    Numbers numbers;
    for (size_t t = 0; t < module->tensors.size(); ++t) {
      const auto &shape = module->tensors[t].shape;
      int64_t elements = 1;
      for (int64_t extent : shape)
        elements *= extent;
      for (int64_t number = 0; number < elements; ++number) {
        llvm::SmallVector<int64_t, 4> index(shape.size());
        int64_t step = elements, rest = number;
        for (size_t i = 0; i < shape.size(); ++i) {
          step /= shape[i];
          index[i] = rest / step;
          rest %= step;
        }
        for (size_t i = shape.size(); i-- > 0; step *= shape[i])
          for (int64_t count = 1; index[i] + count <= shape[i]; ++count)
            expectLine(found, numbers, static_cast<TensorId>(t),
                       {index, static_cast<int32_t>(i), number, step, count});
        expectLine(found, numbers, static_cast<TensorId>(t), {index, kNone, number, 0, 1});
      }
    }
  }

  static void expectLine(const Values &found, const Values &expected, TensorId tensor,
                         const Line &line) {
    std::vector<int32_t> got(line.count, -1), want(line.count, -2);
    found.read(tensor, line, 0, got.data());
    expected.read(tensor, line, 0, want.data());
    EXPECT_EQ(got, want) << "tensor " << tensor << ", element " << line.number << ", step "
                         << line.step;
  }

  llvm::SourceMgr sources;
  Diagnostics diagnostics{sources};
  std::string message;
  std::unique_ptr<Module> module;
  std::unique_ptr<LocalTensors> locals;
};

using List = std::vector<int32_t>;

TEST_F(PlacementTest, PlainRowMajor) {
  declare("mesh @m = [x=2, y=2] tensor @w : i32[3, 4] ", "source @w on @m split [{x}, {y}]");
  EXPECT_EQ(held(0), (List{0, 1, 4, 5}));
  EXPECT_EQ(held(1), (List{2, 3, 6, 7}));
  EXPECT_EQ(held(2), (List{8, 9}));
  EXPECT_EQ(held(3), (List{10, 11}));
  findAll();
}

TEST_F(PlacementTest, NoDimensions) {
  declare("mesh @m = [x=2] tensor @w : i32[] ", "source @w on @m");
  EXPECT_EQ(held(1), List{0});
  EXPECT_TRUE(locals->sources()[1].shape.empty());
  findAll();
}

TEST_F(PlacementTest, FactoredDimensionsAreCutWhole) {
  declare("mesh @m = [x=2] tensor @w : i32[3*2, 2] ", "source @w on @m split [{x}, {}]");
  EXPECT_EQ(held(0), (List{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(held(1), (List{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(locals->sources()[1].shape, (llvm::SmallVector<int64_t, 3>{3, 2}));
  findAll();
}

TEST_F(PlacementTest, InterleavedRunsAreCutInTheMiddleOfAGroup) {
  declare("mesh @m = [tp=4] tensor @q : i32[4, 1] tensor @k : i32[2, 1] tensor @v : i32[2, 1] ",
          "source storage @s : i32[2 x (q:2 | k:1 | v:1), 1] on @m split [{tp}, {}] {"
          "view @q [q: d0, d1] view @k [k: d0, d1] view @v [v: d0, d1] }");
  EXPECT_EQ(held(0), (List{0, 1}));
  EXPECT_EQ(held(1), (List{1000000, 2000000}));
  EXPECT_EQ(held(2), (List{2, 3}));
  EXPECT_EQ(held(3), (List{1000001, 2000001}));
  findAll();
}

TEST_F(PlacementTest, PartsFollowEachOtherLocally) {
  declare("mesh @m = [tp=4] tensor @q : i32[6] tensor @k : i32[2] ",
          "source storage @s : i32[q:6 | k:2] on @m split [{tp} | {tp:(1)2}] {"
          "view @q [q: d0] view @k [k: d0] }");
  EXPECT_EQ(held(0), (List{0, 1, 1000000}));
  EXPECT_EQ(held(1), (List{2, 3, 1000000}));
  EXPECT_EQ(held(2), (List{4, 5, 1000001}));
  EXPECT_EQ(held(3), (List{1000001}));
  findAll();
}

TEST_F(PlacementTest, PaddingAndHolesAreLeftAlone) {
  declare("mesh @m = [x=2] tensor @w : i32[3] ",
          "source storage @s : i32[(w:3 | pad:3), a:1 | b:1] on @m split [{x}, {} | {}] {"
          "view @w [w: d0, 1] }");
  EXPECT_EQ(held(0), (List{kHole, 0, kHole, 1, kHole, 2}));
  EXPECT_EQ(held(1), List(6, kHole));
  findAll();
}

TEST_F(PlacementTest, FlatBuffersAreCutAnywhere) {
  declare("mesh @m = [x=2] tensor @v : i32[2, 3] tensor @w : i32[2] ",
          "source storage @s : i32[(v:6 | pad:1 | w:2 | pad:1)] on @m split [{x}] {"
          "view @v [v: d0*d1] view @w [w: d0] }");
  EXPECT_EQ(held(0), (List{0, 1, 2, 3, 4}));
  EXPECT_EQ(held(1), (List{5, kHole, 1000000, 1000001, kHole}));
  findAll();
}

TEST_F(PlacementTest, IndicesInAnyOrder) {
  declare("mesh @m = [x=2] tensor @w : i32[2, 3, 2] ",
          "source storage @s : i32[2, 6] on @m split [{x}, {}] { view @w [d2, d1*d0] }");
  EXPECT_EQ(held(0), (List{0, 6, 2, 8, 4, 10}));
  EXPECT_EQ(held(1), (List{1, 7, 3, 9, 5, 11}));
  findAll();
}

TEST_F(PlacementTest, FixedIndicesAndUnitFactors) {
  declare("mesh @m = [e=2] tensor @a : i32[2, 1] tensor @b : i32[2, 1] ",
          "source storage @s : i32[2, 2] on @m split [{e}, {}] {"
          "view @a [1, d0*d1] view @b [0, d1*d0] }");
  EXPECT_EQ(held(0), (List{1000000, 1000001}));
  EXPECT_EQ(held(1), (List{0, 1}));
  findAll();
}

TEST_F(PlacementTest, TablesPermuteASource) {
  declare("mesh @m = [e=2] tensor @w : i32[4, 2] ",
          "source storage @s : i32[4, 2] on @m split [{e}, {}] {"
          "view @w [d0 table [2, 0, 3, 1], d1] }");
  EXPECT_EQ(held(0), (List{4, 5, 0, 1}));
  EXPECT_EQ(held(1), (List{6, 7, 2, 3}));
  findAll();
}

TEST_F(PlacementTest, TablesInTheInnermostDimension) {
  declare("mesh @m = [e=2] tensor @w : i32[2, 4] ",
          "source storage @s : i32[2, 4] on @m split [{}, {cyclic(e, 1)}] {"
          "view @w [d0, d1 table [2, 0, 3, 1]] }");
  EXPECT_EQ(held(0), (List{2, 3, 6, 7}));
  EXPECT_EQ(held(1), (List{0, 1, 4, 5}));
  findAll();
}

TEST_F(PlacementTest, ContributorsOfAStorage) {
  declare("mesh @m = [x=2] tensor @w : i32[2] ",
          "source storage @s : i32[pad:1 | w:2] on @m split [{} | {}] partial<sum>{x} {"
          "view @w [w: d0] }");
  EXPECT_EQ(held(0), (List{kHole, 0, 1}));
  EXPECT_EQ(held(1), (List{kHole, 1000, 1001}));
  findAll();
}

TEST_F(PlacementTest, NothingToHold) {
  declare("mesh @m = [x=2] tensor @w : i32[0, 3] tensor @v : i32[1] ",
          "source storage @s : i32[3, w:0 | v:1] on @m split [{x}, {} | {}] {"
          "view @w [d1, w: d0] view @v [2, v: d0] }");
  EXPECT_EQ(held(0), (List{kHole, kHole}));
  EXPECT_EQ(held(1), List{1000000});
}

} // namespace
