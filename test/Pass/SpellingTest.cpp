//===- SpellingTest.cpp - What the user meant -----------------------------===//
#include "xfer/IR/Spelling.h"
#include <gtest/gtest.h>

using namespace xfer;

TEST(Spelling, FindsTheNearest) {
  EXPECT_EQ(nearestSpelling("cut-chunk", {"form-buckets", "cut-chunks"}), "cut-chunks");
  EXPECT_EQ(nearestSpelling("paln", {"ir", "plan"}), "plan");
}

TEST(Spelling, EqualsGoToTheFirst) { EXPECT_EQ(nearestSpelling("ab", {"ac", "ad"}), "ac"); }

TEST(Spelling, SuggestsNothingFarOff) {
  EXPECT_EQ(nearestSpelling("xyz", {"form-buckets", "cut-chunks"}), "");
  EXPECT_EQ(nearestSpelling("", {"form-buckets"}), "");
  EXPECT_EQ(nearestSpelling(std::string(100000, 'x'), {"form-buckets"}), "");
}

TEST(Spelling, DidYouMeanEndsAnError) {
  EXPECT_EQ(didYouMean("cut-chunk", {"cut-chunks"}, "--"), "; did you mean '--cut-chunks'?");
  EXPECT_EQ(didYouMean("xyz", {"cut-chunks"}), "");
}
