//===- Progress.cpp - What a replay has written so far --------------------===//
#include "Progress.h"

namespace xfer::runtime {

void Progress::reset() {
  std::fill(marks.begin(), marks.end(), Mark::None);
  zerosAreWritten = false;
}

std::vector<Progress::Writes> Progress::writes() const {
  std::vector<Writes> writes(program.bindings.size());
  auto add = [&](int32_t binding, bool isBegun, bool isFinished) {
    Writes &to = writes[static_cast<size_t>(binding)];
    ++to.all;
    to.begun += isBegun;
    to.finished += isFinished;
  };
  for (const ZeroStep &step : program.zeros)
    add(step.binding, zerosAreWritten, zerosAreWritten);
  for (size_t i = 0; i < marks.size(); ++i)
    for (const ChunkStep &chunk : program.chunksOf(program.buckets[i]))
      if (chunk.targetBinding != kAbsent)
        add(chunk.targetBinding, marks[i] != Mark::None, marks[i] == Mark::Finished);
  return writes;
}

const char *Progress::describe() const {
  Writes sum;
  for (const Writes &each : writes()) {
    sum.all += each.all;
    sum.begun += each.begun;
    sum.finished += each.finished;
  }
  return sum.begun == 0            ? "no target was written"
         : sum.finished == sum.all ? "every target was written"
                                   : "targets were partly written";
}

std::vector<const char *> Progress::incomplete() const {
  std::vector<const char *> names;
  const std::vector<Writes> all = writes();
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].begun > 0 && all[i].finished < all[i].all)
      names.push_back(program.bindings[i]->name->c_str());
  return names;
}

} // namespace xfer::runtime
