//===- JsonTest.cpp - Strict JSON -----------------------------------------===//
#include "FrontendForTest.h"
#include "xfer/Frontend/JsonFields.h"
#include <gtest/gtest.h>

namespace xfer::frontend {
namespace {

std::string errorOf(llvm::StringRef text) {
  FrontendCase one;
  bool parsed = parseJson(one.add(text), one.diagnostics) != nullptr;
  EXPECT_EQ(parsed, one.error.empty());
  return one.error;
}

TEST(Json, KeepsOrderSpellingAndPlaces) {
  FrontendCase one;
  auto document = parseJson(one.add("\xef\xbb\xbf{\"b\": [1, 2.0, true, null],\n \"a\": \"\"}"),
                            one.diagnostics);
  ASSERT_TRUE(document);
  const JsonValue &root = document->root;
  ASSERT_EQ(root.members.size(), 2u);
  EXPECT_EQ(root.members[0].name, "b");
  EXPECT_EQ(root.find("a")->text, "");
  EXPECT_EQ(root.find("c"), nullptr);
  llvm::ArrayRef<JsonValue> elements = root.find("b")->elements;
  ASSERT_EQ(elements.size(), 4u);
  EXPECT_EQ(elements[1].text, "2.0");
  EXPECT_EQ(one.sources.getLineAndColumn(root.find("a")->loc), std::make_pair(2u, 7u));
}

TEST(Json, SizesAreDigitsAlone) {
  for (auto [text, size] :
       std::initializer_list<std::pair<const char *, int64_t>>{{"0", 0},
                                                               {"7", 7},
                                                               {"9223372036854775807", INT64_MAX},
                                                               {"9223372036854775808", -1},
                                                               {"-1", -1},
                                                               {"-0", -1},
                                                               {"2.0", -1},
                                                               {"2e3", -1},
                                                               {"\"2\"", -1},
                                                               {"[2]", -1},
                                                               {"true", -1}}) {
    FrontendCase one;
    auto document = parseJson(one.add(text), one.diagnostics);
    ASSERT_TRUE(document) << text;
    EXPECT_EQ(document->root.size().value_or(-1), size) << text;
  }
}

TEST(Json, DecodesEscapes) {
  FrontendCase one;
  auto document =
      parseJson(one.add(R"("a\"\\\/\b\f\n\r\tA\u00e4\u65e5\ud83d\ude00z")"), one.diagnostics);
  ASSERT_TRUE(document) << one.error;
  EXPECT_EQ(document->root.text, "a\"\\/\b\f\n\r\tA\u00e4\u65e5\U0001F600z");
}

TEST(Json, RefusesWhatIsNotJson) {
  EXPECT_EQ(errorOf(""), "1:1: expected a value, but the text ends");
  EXPECT_EQ(errorOf("{"), "1:2: expected a name in quotes, but the text ends");
  EXPECT_EQ(errorOf("{\"a\" 1}"), "1:6: expected ':', got '1'");
  EXPECT_EQ(errorOf("{\"a\": 1 \"b\""), "1:9: expected ',' or '}', got '\"'");
  EXPECT_EQ(errorOf("[1 2]"), "1:4: expected ',' or ']', got '2'");
  EXPECT_EQ(errorOf("[1,]"), "1:4: expected a value, got ']'");
  EXPECT_EQ(errorOf("{\"a\":1,}"), "1:8: expected a name in quotes, got '}'");
  EXPECT_EQ(errorOf("tru"), "1:1: expected a value, got 't'");
  EXPECT_EQ(errorOf("01"), "1:2: expected the end of the text, got '1'");
  EXPECT_EQ(errorOf("-"), "1:2: expected a digit, but the text ends");
  EXPECT_EQ(errorOf("1."), "1:3: expected a digit, but the text ends");
  EXPECT_EQ(errorOf("1e+"), "1:4: expected a digit, but the text ends");
  EXPECT_EQ(errorOf("NaN"), "1:1: expected a value, got 'N'");
  EXPECT_EQ(errorOf("{} {}"), "1:4: expected the end of the text, got '{'");
}

TEST(Json, RefusesBadStrings) {
  EXPECT_EQ(errorOf("\"abc"), "1:1: string does not end");
  EXPECT_EQ(errorOf("\"a\nb\""), "1:3: expected a character of the string, got byte 0xA");
  EXPECT_EQ(errorOf("\"\xff\""), "1:2: invalid UTF-8");
  EXPECT_EQ(errorOf("\"\xe6\x97"), "1:2: invalid UTF-8");
  EXPECT_EQ(errorOf("\"\\x41\""), "1:2: unknown escape");
  EXPECT_EQ(errorOf("\"\\u12"), "1:4: expected four hexadecimal digits");
  EXPECT_EQ(errorOf("\"\\ud800\""), "1:2: half of a surrogate pair");
  EXPECT_EQ(errorOf("\"\\ud800\\u0041\""), "1:2: half of a surrogate pair");
  EXPECT_EQ(errorOf("\"\\udc00\""), "1:2: half of a surrogate pair");
}

TEST(Json, RefusesDuplicatesAndDepth) {
  EXPECT_EQ(errorOf("{\"a\": 1,\n \"\\u0061\": 2}"), "2:2: two members of one name: 'a'");
  EXPECT_EQ(errorOf(std::string(1000000, '[')), "1:34: values nest more than 32 deep");
}

TEST(Json, FieldsReportTheFirstError) {
  FrontendCase one;
  auto document = parseJson(one.add("{\"a\": 1.5, \"b\": null, \"c\": 3}"), one.diagnostics);
  ASSERT_TRUE(document);
  JsonFields fields(document->root, "the object", one.diagnostics);
  EXPECT_EQ(fields.integer("c", 0), 3);
  EXPECT_EQ(fields.integer("b", 0, 7), 7);
  EXPECT_FALSE(fields.failed());
  (void)fields.integer("a", 0);
  (void)fields.integer("d", 0);
  EXPECT_TRUE(fields.failed());
  EXPECT_EQ(one.error, "1:7: 'a' is 1.5, expected an integer of at least 0");
}

} // namespace
} // namespace xfer::frontend
