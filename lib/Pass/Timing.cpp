//===- Timing.cpp - Where the time went -----------------------------------===//
//
// The table that `--timing` prints.
//===----------------------------------------------------------------------===//
#include "xfer/Pass/Timing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

using llvm::StringRef;

namespace xfer {

void Timing::add(StringRef phase, double seconds) {
  auto row = llvm::find_if(rows, [&](const Row &row) { return row.phase == phase; });
  if (row == rows.end())
    rows.push_back({phase.str(), seconds});
  else
    row->seconds += seconds;
}

void Timing::print(llvm::raw_ostream &os) const {
  double total = 0;
  for (const Row &row : rows)
    total += row.seconds;
  os << "   seconds  percent  phase\n";
  for (const Row &row : rows)
    os << llvm::format("%10.4f  %6.1f%%  ", row.seconds,
                       total > 0 ? 100 * row.seconds / total : 0.0)
       << row.phase << '\n';
  os << llvm::format("%10.4f  %6.1f%%  total\n", total, 100.0);
}

} // namespace xfer
