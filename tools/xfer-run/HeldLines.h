//===- HeldLines.h - A tensor's elements in one local memory ----*- C++ -*-===//
//
// Walks what a rank holds of a tensor in the order of its memory, in lines that
// are as long as the tensor's innermost index there and the memory allow:
//
//   for (HeldLines lines(placement, position, 0, placement.numHeld(position)); lines.next();)
//     ... lines.line() ... lines.local() ...
//===----------------------------------------------------------------------===//
#pragma once
#include "Placement.h"

namespace xfer::run {

class HeldLines {
public:
  /// The elements [begin, end) of those of the tensor that a mesh position holds.
  HeldLines(const Placement &placement, int64_t position, int64_t begin, int64_t end);
  HeldLines(const HeldLines &) = delete;

  /// Goes to the next line; false after the last.
  bool next();
  const Line &line() const { return current; }
  /// Where the line begins in the local memory; its elements follow each other.
  int64_t local() const { return rowLocal + dims.back().local(); }

private:
  /// Where the walk is in a dimension of the memory.
  struct Cursor {
    Placement::Stretches stretches;
    int64_t memoryStride = 1;
    size_t stretch = 0;
    int64_t within = 0; ///< the stretch

    int64_t local() const { return (stretches[stretch].local + within) * memoryStride; }
    int64_t flat() const { return stretches[stretch].flat + within; }
    int64_t left() const { return stretches[stretch].length - within; }
    void seek(int64_t number);
    /// False, and back to the beginning, at the end.
    bool advance(int64_t count);
  };

  const Placement &placement;
  llvm::SmallVector<Cursor, 3> dims;
  llvm::SmallVector<int64_t, 3> index; ///< of the line
  Line current;
  int64_t rowLocal = 0; ///< of the dimensions but the last
  int64_t left = 0;     ///< elements from the line on
};

} // namespace xfer::run
