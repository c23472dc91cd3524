//===- OptionParserTest.cpp - Options from text and back ------------------===//
//
// What `name=value` text does to a pass, what is an error and where, and that
// a printed pass reads back as itself.
//===----------------------------------------------------------------------===//
#include "xfer/Pass/PassRegistry.h"
#include <gtest/gtest.h>

using namespace xfer;

namespace {

class Sample final : public Pass {
public:
  Sample() : Pass("sample") {}
  PassResult run(Module &, PassContext &) override { return PassResult::Unchanged; }
  Option<int64_t> size{*this, "size", "a size", 16, 1};
  Option<bool> fast{*this, "fast", "a flag", false};
  Option<std::string> label{*this, "label", "a text", ""};
};

/// Parses `text` as options of `pass`; returns "" or `column: message` of the first error.
std::string parse(Pass &pass, llvm::StringRef text) {
  llvm::SourceMgr sources;
  unsigned id = sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "options"),
                                           llvm::SMLoc());
  Diagnostics diagnostics(sources);
  std::string first;
  diagnostics.setHandler([&](const llvm::SMDiagnostic &diagnostic) {
    if (first.empty())
      first = std::to_string(diagnostic.getColumnNo() + 1) + ": " + diagnostic.getMessage().str();
  });
  LogicalResult result =
      PassRegistry::parseOptions(pass, sources.getMemoryBuffer(id)->getBuffer(), diagnostics);
  EXPECT_EQ(succeeded(result), first.empty());
  return first;
}

TEST(OptionParser, SetsValuesAndKeepsDefaults) {
  Sample pass;
  EXPECT_EQ(parse(pass, "size=64 fast=true"), "");
  EXPECT_EQ(pass.size.get(), 64);
  EXPECT_TRUE(pass.fast.get());
  EXPECT_EQ(pass.label.get(), "");
}

TEST(OptionParser, TakesCommasBracesAndWhiteSpace) {
  for (llvm::StringRef text : {"size=2,fast=1", " { size=2\t fast=1 } ", "fast=1 , size=2"}) {
    Sample pass;
    EXPECT_EQ(parse(pass, text), "") << text.str();
    EXPECT_EQ(pass.size.get(), 2);
    EXPECT_TRUE(pass.fast.get());
  }
}

TEST(OptionParser, EmptyTextIsNoOptions) {
  for (llvm::StringRef text : {"", "{}", "  ", "{ , }"}) {
    Sample pass;
    EXPECT_EQ(parse(pass, text), "") << text.str();
    EXPECT_EQ(pass.print(), "sample");
  }
}

TEST(OptionParser, QuotesKeepSeparatorsAndEscapes) {
  Sample pass;
  EXPECT_EQ(parse(pass, R"(label="two words, {a} \"b\" \\" size=3)"), "");
  EXPECT_EQ(pass.label.get(), R"(two words, {a} "b" \)");
  EXPECT_EQ(pass.size.get(), 3);
}

TEST(OptionParser, PrintedOptionsReadBackAsThemselves) {
  for (llvm::StringRef value : {"plain", "two words", "a,b", "{", "}", "\"", "\\", "a=b", "\t\n"}) {
    Sample pass, copy;
    std::string quoted = "\"";
    for (char c : value)
      quoted += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    ASSERT_EQ(parse(pass, "label=" + quoted + "\" size=7"), "");
    std::string text = pass.print();
    llvm::StringRef printed = text;
    ASSERT_TRUE(printed.consume_front("sample"));
    EXPECT_EQ(parse(copy, printed), "") << text;
    EXPECT_EQ(copy.label.get(), value.str());
    EXPECT_EQ(copy.print(), text);
  }
}

TEST(OptionParser, ErrorsNameWhatWasExpectedAndPointAtIt) {
  struct Case {
    const char *text, *error;
  };
  for (Case c : {
           Case{"sise=3", "1: 'sample' has no option 'sise'; did you mean 'size'?"},
           Case{"color=3", "1: 'sample' has no option 'color'"},
           Case{"size", "5: expected '=' and a value after option 'size'"},
           Case{"size=", "6: option 'size': expected an integer of at least 1, got ''"},
           Case{"size=0", "6: option 'size': expected an integer of at least 1, got '0'"},
           Case{"size=-1", "6: option 'size': expected an integer of at least 1, got '-1'"},
           Case{"size=+1", "6: option 'size': expected an integer of at least 1, got '+1'"},
           Case{"size=1k", "6: option 'size': expected an integer of at least 1, got '1k'"},
           Case{"size=9223372036854775808",
                "6: option 'size': expected an integer of at most 9223372036854775807, got "
                "'9223372036854775808'"},
           Case{"fast=yes", "6: option 'fast': expected 'true' or 'false', got 'yes'"},
           Case{"size=1 size=2", "8: option 'size' is given twice"},
           Case{"=3", "1: expected an option of 'sample'"},
           Case{"label=\"ab", "7: expected '\"' at the end of the value"},
           Case{"{size=1", "8: expected '}' after the options of 'sample'"},
           Case{"size=1}", "7: expected the end of the options"},
       }) {
    Sample pass;
    EXPECT_EQ(parse(pass, c.text), c.error) << c.text;
  }
}

TEST(OptionParser, TheLargestIntegerIsAValue) {
  Sample pass;
  EXPECT_EQ(parse(pass, "size=9223372036854775807"), "");
  EXPECT_EQ(pass.size.get(), INT64_MAX);
}

} // namespace
