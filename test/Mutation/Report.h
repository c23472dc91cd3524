//===- Report.h - Mutants by kind -------------------------------*- C++ -*-===//
#pragma once
#include "Judge.h"
#include <map>

namespace xfer::mutation {

/// Counts judgements of one or more plans; equal plans, equal text.
class Report {
public:
  void add(const std::string &plan, const std::vector<Mutant> &mutants,
           const std::vector<Judgement> &judgements);
  /// The table, then every survivor: those that are explained by explanation, the others one by
  /// one.
  void print() const;
  bool hasUnexplained() const { return !unexplained.empty(); }

private:
  struct Counts {
    std::array<int64_t, kVerdictNames.size()> byVerdict = {};
    int64_t explained = 0;
  };
  static void printRow(const std::string &kind, const Counts &counts);

  std::map<std::string, Counts> kinds;
  std::map<std::string, int64_t> explanations;
  std::vector<std::string> unexplained;
};

} // namespace xfer::mutation
