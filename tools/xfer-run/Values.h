//===- Values.h - What every logical element is worth -----------*- C++ -*-===//
//
// The expectation of --verify in two forms: a pattern, which is a function of
// the tensor, the global index and the contributor alone, and the bytes that
// --inputs put into the source buffers, found through the declarations.
//===----------------------------------------------------------------------===//
#pragma once
#include "LocalTensors.h"

namespace xfer::run {

/// Elements of one global row: `count` from index `begin` of the last dimension on.
struct RowPart {
  TensorId tensor = kNone;
  llvm::ArrayRef<int64_t> outer; ///< global indices of the other dimensions
  int64_t row = 0;               ///< their row-major number
  int64_t begin = 0, count = 0;
};

class Values {
public:
  virtual ~Values() = default;
  /// Writes what `contributor` holds of `part`, in the source's element type. Thread-safe.
  virtual void read(const RowPart &part, int64_t contributor, void *out) const = 0;
};

/// Hashes: finite, different for neighbours, with mantissas that every cast must round, and small
/// enough in magnitude that casts and sums stay finite.
class PatternValues final : public Values {
public:
  explicit PatternValues(const Module &module);
  void read(const RowPart &part, int64_t contributor, void *out) const override;

private:
  struct Recipe {
    DType dtype = DType::F32; ///< of the source
    int integerBits = 64;     ///< integers keep this many, so that their casts stay finite
    int64_t seed = 0;
    bool nearOne = false; ///< for products
  };
  std::vector<Recipe> recipes; ///< by tensor
};

/// The source buffers themselves; among replicas the first in mesh order.
class BufferValues final : public Values {
public:
  explicit BufferValues(const LocalTensors &locals) : locals(locals) {}
  void read(const RowPart &part, int64_t contributor, void *out) const override;

private:
  const LocalTensors &locals;
};

/// Fills every source with `values`.
void fillSources(const LocalTensors &locals, const Values &values);

} // namespace xfer::run
