//===- Interner.h - Values with small ids -----------------------*- C++ -*-===//
//
// Gives equal values equal ids, 0, 1, 2, ... in order of first appearance, so
// that ids are deterministic. Values never move and are never dropped.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/Allocator.h"
#include <cstdint>
#include <deque>
#include <vector>

namespace xfer {

/// Interns sequences of int64_t.
class SequenceInterner {
public:
  int32_t intern(llvm::ArrayRef<int64_t> sequence) {
    auto found = ids.find(sequence);
    if (found != ids.end())
      return found->second;
    llvm::ArrayRef<int64_t> stored = sequence.copy(allocator);
    sequences.push_back(stored);
    int32_t id = static_cast<int32_t>(sequences.size()) - 1;
    ids.try_emplace(stored, id);
    return id;
  }
  /// The id of an interned sequence, or -1.
  int32_t find(llvm::ArrayRef<int64_t> sequence) const {
    auto found = ids.find(sequence);
    return found == ids.end() ? -1 : found->second;
  }
  llvm::ArrayRef<int64_t> operator[](int32_t id) const { return sequences[id]; }
  int32_t size() const { return static_cast<int32_t>(sequences.size()); }

private:
  llvm::BumpPtrAllocator allocator;
  std::vector<llvm::ArrayRef<int64_t>> sequences;
  llvm::DenseMap<llvm::ArrayRef<int64_t>, int32_t> ids;
};

/// Interns values that have an encoding as a sequence of int64_t: equal values, equal encodings.
template <typename T> class ValueInterner {
public:
  int32_t intern(llvm::ArrayRef<int64_t> encoding, const T &value) {
    int32_t id = encodings.intern(encoding);
    if (id == size())
      values.push_back(value);
    return id;
  }
  const T &operator[](int32_t id) const { return values[id]; }
  int32_t size() const { return static_cast<int32_t>(values.size()); }

private:
  SequenceInterner encodings;
  std::deque<T> values;
};

} // namespace xfer
