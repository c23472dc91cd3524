//===- Values.h - What every logical element is worth -----------*- C++ -*-===//
//
// The expectation of --verify in two forms: a pattern, which is a function of
// the tensor, the global index and the contributor alone, and the bytes that
// --inputs put into the source buffers, found through the declarations.
//===----------------------------------------------------------------------===//
#pragma once
#include "LocalTensors.h"

namespace xfer::run {

/// What nobody should read, or should have overwritten.
inline constexpr unsigned char kPoison = 0xa5;

class Values {
public:
  virtual ~Values() = default;
  /// Writes what `contributor` holds of a line of `tensor`, in the source's element type, one
  /// element after the other. Thread-safe.
  virtual void read(TensorId tensor, const Line &line, int64_t contributor, void *out) const = 0;
};

/// Hashes: finite, different for neighbours, with mantissas that every cast must round, and small
/// enough in magnitude that casts and sums stay finite.
class PatternValues final : public Values {
public:
  explicit PatternValues(const Module &module);
  void read(TensorId tensor, const Line &line, int64_t contributor, void *out) const override;

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
  void read(TensorId tensor, const Line &line, int64_t contributor, void *out) const override;

private:
  const LocalTensors &locals;
};

/// Fills every source with `values`, and what no tensor lies in with kPoison.
void fillSources(const LocalTensors &locals, const Values &values);

} // namespace xfer::run
