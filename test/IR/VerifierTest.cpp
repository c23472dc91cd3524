//===- VerifierTest.cpp - Modules that no text can spell ------------------===//
//
// Passes and frontends build modules without the parser. What the parser makes
// impossible, the verifier still has to refuse; the *-invalid.xfer files have
// the rest.
//===----------------------------------------------------------------------===//
#include "xfer/IR/Verifier.h"
#include <gtest/gtest.h>

using namespace xfer;

namespace {

class VerifierTest : public testing::Test {
protected:
  VerifierTest() {
    Mesh mesh;
    mesh.name = "m";
    mesh.axes = {{"dp", 2}, {"tp", 2}};
    mesh.ranks = {0, 1, 2, 3};
    module.addMesh(mesh);
    Tensor tensor;
    tensor.name = "w";
    tensor.dtype = DType::BF16;
    tensor.shape = {8};
    tensor.source = side(layout());
    module.addTensor(tensor);
  }

  Side side(const Layout &layout) {
    Side side;
    side.dtype = DType::BF16;
    side.layout = module.intern(layout);
    side.name = "w";
    return side;
  }

  static Layout layout() {
    Layout layout;
    layout.mesh = 0;
    layout.dims.resize(1);
    return layout;
  }

  /// A program of rank 0 with one window, one bucket and one chunk, all right.
  Program program() {
    ProgramChunk chunk;
    chunk.tensor = 0;
    chunk.region = module.intern(Region{{{Segment::interval(0, 8)}}});
    chunk.ends = {module.internRanks({0}), module.internRanks({1}), 0, 1};
    chunk.transport = Transport::P2P;
    chunk.source = module.intern(StridedRegion{0, {8}, {1}});
    Bucket bucket{0, chunk.ends, chunk.transport, chunk.roles(), 16, 0, 1, {}};
    Program program;
    program.chunks = {chunk};
    program.buckets = {bucket};
    program.windows = {{0, 0, 1, {}}};
    return program;
  }

  Route route() {
    return {0, 0, module.intern(Region{{{Segment::interval(0, 8)}}}),
            Endpoints{module.internRanks({0}), module.internRanks({1}), 0, 1}, RouteType::Unicast,
            llvm::SMLoc()};
  }

  /// The first error, or "" if the module is right.
  std::string verify() {
    llvm::SourceMgr sources;
    Diagnostics diagnostics(sources);
    std::string first;
    diagnostics.setHandler([&](const llvm::SMDiagnostic &diagnostic) {
      if (first.empty())
        first = diagnostic.getMessage().str();
    });
    bool isRight = succeeded(verifyModule(module, diagnostics));
    EXPECT_EQ(isRight, first.empty()) << first;
    return first;
  }
  std::string verify(const Layout &source) {
    module.tensors[0].source->layout = module.intern(source);
    return verify();
  }
  std::string verify(const Route &route) {
    module.level = Level::Routes;
    module.routes = {route};
    return verify();
  }
  std::string verify(Program program) {
    module.level = Level::Programs;
    module.programs = {std::move(program)};
    return verify();
  }

  Module module;
};

TEST_F(VerifierTest, WhatTheFixtureBuildsIsRight) {
  EXPECT_EQ(verify(), "");
  EXPECT_EQ(verify(route()), "");
  EXPECT_EQ(verify(program()), "");
}

TEST_F(VerifierTest, Meshes) {
  module.meshes[0].ranks = {0, 1, 2, -3};
  EXPECT_EQ(verify(), "rank -3 is negative");
  module.meshes[0].axes.clear();
  EXPECT_EQ(verify(), "mesh '@m' has no axis");
}

TEST_F(VerifierTest, Shapes) {
  module.tensors[0].shape = {-1};
  EXPECT_EQ(verify(), "dimension 0 has extent -1");
}

TEST_F(VerifierTest, Layouts) {
  Layout bad = layout();
  bad.mesh = 1;
  EXPECT_EQ(verify(bad), "a side on a mesh that is not declared");
  bad = layout();
  bad.dims[0].emplace_back();
  EXPECT_EQ(verify(bad), "a split without an axis");
  bad.dims[0][0].axes.push_back({5, 1, 2});
  EXPECT_EQ(verify(bad), "mesh '@m' has no axis 5");
  bad.dims[0][0] = Split{SplitRule::Sizes, {{0, 1, 2}}, 0, {9, -1}};
  EXPECT_EQ(verify(bad), "'sizes' has the negative size -1");
  bad = layout();
  bad.partialAxes = {0};
  EXPECT_EQ(verify(bad), "contributions without a reduction");
  bad.reduction = ReduceOp::Sum;
  EXPECT_EQ(verify(bad), "");
  bad.partialAxes = {};
  EXPECT_EQ(verify(bad), "a reduction without an axis of contributions");
  bad.partialAxes = {2};
  EXPECT_EQ(verify(bad), "mesh '@m' has no axis 2");
  module.tensors[0].source->layout = kNone;
  EXPECT_EQ(verify(), "a side of '@w' without a layout");
}

TEST_F(VerifierTest, Targets) {
  Layout partial = layout();
  partial.reduction = ReduceOp::Sum;
  partial.partialAxes = {0};
  module.tensors[0].targets.push_back(side(partial));
  EXPECT_EQ(verify(), "a target cannot be partial");
}

TEST_F(VerifierTest, Regions) {
  auto withSegments = [&](DimSegments segments) {
    Route changed = route();
    changed.region = module.intern(Region{{segments}});
    return verify(changed);
  };
  EXPECT_EQ(withSegments({}), "region is empty");
  EXPECT_EQ(withSegments({{0, 0, 0, 1}}), "region has a segment that is not canonical");
  EXPECT_EQ(withSegments({{0, 3, 2, 2}}), "region has a segment that is not canonical");
  EXPECT_EQ(withSegments({{0, 1, int64_t(1) << 62, 3}}), "region is too large");
  EXPECT_EQ(withSegments({{4, 2, 2, 1}, {0, 2, 2, 1}}),
            "region has segments that overlap or do not ascend");
  DimSegments interleaved;
  for (int64_t i = 0; i < 65; ++i)
    interleaved.push_back({i, 1, 100, 2});
  EXPECT_EQ(withSegments(interleaved), "region has more than 64 segments that interleave");
  Route changed = route();
  changed.region = kNone;
  EXPECT_EQ(verify(changed), "operation without a region");
  changed.tensor = 1;
  EXPECT_EQ(verify(changed), "operation without a tensor");
}

TEST_F(VerifierTest, Endpoints) {
  Route changed = route();
  changed.ends.sources = kNone;
  EXPECT_EQ(verify(changed), "operation without sources");
  changed = route();
  changed.ends.destinations = module.internRanks({});
  EXPECT_EQ(verify(changed), "destinations are empty");
  changed = route();
  changed.ends.sources = module.internRanks({0, 2, 3});
  EXPECT_EQ(verify(changed), "expected one group of sources with sender 0, got 3");
  changed.ends.groupSize = 2;
  EXPECT_EQ(verify(changed), "3 sources are not groups of 2");
  changed.ends.groupSize = 3;
  changed.ends.sender = 1;
  EXPECT_EQ(verify(changed), "sender 1 is not one of the contributors");
}

TEST_F(VerifierTest, Chunks) {
  Program changed = program();
  changed.chunks[0].transport = Transport::Unassigned;
  EXPECT_EQ(verify(changed), "a chunk of a program has a transport");
  changed = program();
  changed.chunks[0].source = kNone;
  EXPECT_EQ(verify(changed), "a chunk of a program has a role");
  changed = program();
  changed.chunks[0].source = module.intern(StridedRegion{-1, {8}, {1}});
  EXPECT_EQ(verify(changed), "local region has a negative offset");
  changed.chunks[0].source = module.intern(StridedRegion{0, {8}, {0}});
  EXPECT_EQ(verify(changed), "local region has a size or stride below 1");
  changed.chunks[0].source = module.intern(StridedRegion{0, {8}, {int64_t(1) << 62}});
  EXPECT_EQ(verify(changed), "local region is too large");
}

TEST_F(VerifierTest, Nesting) {
  Program changed = program();
  changed.chunks[0].ends.sender = 1;
  changed.chunks[0].ends.sources = module.internRanks({1});
  EXPECT_EQ(verify(changed), "a chunk has the endpoints and the transport of its bucket");
  changed = program();
  changed.chunks.push_back(changed.chunks[0]);
  EXPECT_EQ(verify(changed), "a chunk outside every bucket");
  changed = program();
  changed.buckets.push_back(changed.buckets[0]);
  EXPECT_EQ(verify(changed), "a bucket outside every window");
  changed = program();
  changed.buckets[0].numChunks = -1;
  EXPECT_EQ(verify(changed), "bucket without chunks");
  changed = program();
  changed.windows[0].numBuckets = 0;
  EXPECT_EQ(verify(changed), "window without buckets");
}

} // namespace
