//===- Report.cpp - Mutants by kind ---------------------------------------===//
#include "Report.h"
#include <cstdio>
#include <numeric>

namespace xfer::mutation {

void Report::add(const std::string &plan, const std::vector<Mutant> &mutants,
                 const std::vector<Judgement> &judgements) {
  for (size_t i = 0; i < mutants.size(); ++i) {
    Counts &counts = kinds[mutants[i].kind];
    ++counts.byVerdict[static_cast<size_t>(judgements[i].verdict)];
    if (judgements[i].verdict == Verdict::Survivor)
      survivors.push_back(plan + ": " + mutants[i].kind + ", " + mutants[i].place + ": " +
                          judgements[i].text);
  }
}

void Report::printRow(const std::string &kind, const Counts &counts) {
  std::printf("%-66s %8lld", kind.c_str(),
              static_cast<long long>(
                  std::accumulate(counts.byVerdict.begin(), counts.byVerdict.end(), int64_t{0})));
  for (int64_t count : counts.byVerdict)
    std::printf(" %8lld", static_cast<long long>(count));
  std::printf("\n");
}

void Report::print() const {
  std::printf("%-66s %8s", "mutants", "total");
  for (const char *name : kVerdictNames)
    std::printf(" %8s", name);
  std::printf("\n");
  Counts total;
  for (const auto &[kind, counts] : kinds) {
    printRow(kind, counts);
    for (size_t i = 0; i < counts.byVerdict.size(); ++i)
      total.byVerdict[i] += counts.byVerdict[i];
  }
  printRow("total", total);
  for (const std::string &text : survivors)
    std::printf("SURVIVOR: %s\n", text.c_str());
  std::printf("%zu survivors\n", survivors.size());
}

} // namespace xfer::mutation
