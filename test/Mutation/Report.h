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
  /// The table, then every survivor.
  void print() const;
  bool hasSurvivors() const { return !survivors.empty(); }

private:
  struct Counts {
    std::array<int64_t, kVerdictNames.size()> byVerdict = {};
  };
  static void printRow(const std::string &kind, const Counts &counts);

  std::map<std::string, Counts> kinds;
  std::vector<std::string> survivors;
};

} // namespace xfer::mutation
