//===- PassManagerTest.cpp - What happens around a pass -------------------===//
//
// Order, the note that names a failing pass, verification only after a change,
// and pipelines as text.
//===----------------------------------------------------------------------===//
#include "xfer/Pass/PassRegistry.h"
#include <gtest/gtest.h>

using namespace xfer;

namespace {

class Scripted final : public Pass {
public:
  Scripted(llvm::StringRef name, std::vector<std::string> &log, PassResult result)
      : Pass(name), log(log), result(result) {}
  PassResult run(Module &module, PassContext &context) override {
    log.push_back(name().str());
    ++numRuns;
    if (result == PassResult::Failed)
      (void)context.diagnostics.error(llvm::SMLoc(), "asked to fail");
    if (breaksModule)
      module.meshes.front().axes.front().size = 0;
    return result;
  }
  bool breaksModule = false;
  Statistic numRuns{*this, "num-runs", "times it ran"};

private:
  std::vector<std::string> &log;
  PassResult result;
};

struct PassManagerTest : testing::Test {
  PassManagerTest() : diagnostics(sources), context{diagnostics, std::nullopt} {
    diagnostics.setHandler([this](const llvm::SMDiagnostic &diagnostic) {
      messages.push_back(diagnostic.getMessage().str());
    });
    Mesh mesh;
    mesh.name = module.saveString("m");
    mesh.axes = {{module.saveString("x"), 1}};
    mesh.ranks = {0};
    module.addMesh(mesh);
  }
  std::unique_ptr<Scripted> pass(llvm::StringRef name, PassResult result) {
    return std::make_unique<Scripted>(name, log, result);
  }

  llvm::SourceMgr sources;
  Diagnostics diagnostics;
  PassContext context;
  Module module;
  std::vector<std::string> log, messages;
};

TEST_F(PassManagerTest, StopsAtTheFirstFailureAndNamesIt) {
  PassManager manager;
  manager.add(pass("one", PassResult::Changed));
  manager.add(pass("two", PassResult::Failed));
  manager.add(pass("three", PassResult::Changed));
  EXPECT_TRUE(failed(manager.run(module, context)));
  EXPECT_EQ(log, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(messages, (std::vector<std::string>{"asked to fail", "pass 'two' failed"}));
}

TEST_F(PassManagerTest, RunContinuesWithThePassesAddedSince) {
  PassManager manager;
  manager.add(pass("one", PassResult::Changed));
  EXPECT_TRUE(succeeded(manager.run(module, context)));
  manager.add(pass("two", PassResult::Unchanged));
  EXPECT_TRUE(succeeded(manager.run(module, context)));
  EXPECT_EQ(log, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(manager.print(), "one,two");
}

TEST_F(PassManagerTest, VerifiesAfterAPassThatChangedTheModule) {
  PassManager manager;
  std::unique_ptr<Scripted> breaking = pass("break", PassResult::Changed);
  breaking->breaksModule = true;
  manager.add(std::move(breaking));
  manager.add(pass("two", PassResult::Changed));
  EXPECT_TRUE(failed(manager.run(module, context)));
  EXPECT_EQ(log, (std::vector<std::string>{"break"}));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages.back(), "pass 'break' left a module that does not verify");
}

TEST_F(PassManagerTest, DoesNotVerifyIfAskedNotTo) {
  PassManagerOptions options;
  options.verifyEach = false;
  PassManager manager(options);
  std::unique_ptr<Scripted> breaking = pass("break", PassResult::Changed);
  breaking->breaksModule = true;
  manager.add(std::move(breaking));
  EXPECT_TRUE(succeeded(manager.run(module, context)));
  EXPECT_TRUE(messages.empty());
}

TEST_F(PassManagerTest, StatisticsListEveryCounterZerosIncluded) {
  PassManager manager;
  manager.add(pass("one", PassResult::Failed));
  manager.add(pass("two", PassResult::Unchanged));
  EXPECT_TRUE(failed(manager.run(module, context)));
  std::string text;
  llvm::raw_string_ostream os(text);
  manager.printStatistics(os);
  EXPECT_EQ(text, "one\n           1 num-runs - times it ran\n"
                  "two\n           0 num-runs - times it ran\n");
}

TEST_F(PassManagerTest, TimingHasARowPerPhase) {
  Timing timing;
  PassManagerOptions options;
  options.timing = &timing;
  PassManager manager(options);
  manager.add(pass("one", PassResult::Changed));
  manager.add(pass("one", PassResult::Changed));
  EXPECT_TRUE(succeeded(manager.run(module, context)));
  std::string text;
  llvm::raw_string_ostream os(text);
  timing.print(os);
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(text).trim().split(lines, '\n');
  ASSERT_EQ(lines.size(), 4u) << text;
  EXPECT_TRUE(lines[1].ends_with("  one"));
  EXPECT_TRUE(lines[2].ends_with("  verify-each"));
  EXPECT_TRUE(lines[3].ends_with("  total"));
}

TEST(PipelineText, EveryPassPrintsAsItsFlagAndReadsBack) {
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);
  for (const PassInfo &info : PassRegistry::all()) {
    std::unique_ptr<Pass> pass = PassRegistry::create(info);
    EXPECT_EQ(pass->print(), info.flag.str());
    PassManager manager;
    EXPECT_TRUE(succeeded(PassRegistry::parsePipeline(info.flag, manager, diagnostics)));
    EXPECT_EQ(manager.print(), info.flag.str());
    for (const OptionBase *option : pass->options()) {
      EXPECT_FALSE(option->description.empty()) << info.flag.str();
      EXPECT_TRUE(option->isDefault()) << info.flag.str();
    }
  }
}

} // namespace
