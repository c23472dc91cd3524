//===- plan_vectors.h - Vectors of a plan file, before use ------*- C++ -*-===//
//
// What FlatBuffers' verifier does not see of a file that may be hostile. Header
// only, for the runtime's loader and the compiler's reader alike.
//===----------------------------------------------------------------------===//
#ifndef XFER_PLAN_VECTORS_H
#define XFER_PLAN_VECTORS_H

#include <cstddef>
#include <cstdint>
#include <flatbuffers/flatbuffers.h>
#include <type_traits>

namespace xfer::fb {

/// Elements of a vector that may be absent.
template <typename T> size_t sizeOf(const flatbuffers::Vector<T> *vector) {
  return vector ? vector->size() : 0;
}

/// Asked once for each vector of one file.
class VectorGuard {
public:
  explicit VectorGuard(size_t fileBytes) : fileBytes(fileBytes) {}
  /// False if elements of a vector cannot be read: they are misaligned, or too many tables share
  /// them. A file in which many tables share one long vector would take time and memory that its
  /// size does not tell; a writer never makes one.
  template <typename T> bool mayRead(const flatbuffers::Vector<T> *vector) {
    using Element = std::remove_cv_t<std::remove_pointer_t<T>>;
    if (sizeOf(vector) == 0)
      return true;
    charged += vector->size() * sizeof(Element);
    return charged <= fileBytes &&
           reinterpret_cast<uintptr_t>(vector->Data()) % alignof(Element) == 0;
  }

private:
  size_t fileBytes, charged = 0;
};

} // namespace xfer::fb

#endif
