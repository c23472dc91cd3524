//===- Safetensors.h - Files of named tensors -------------------*- C++ -*-===//
//
// Reads and writes the safetensors format: eight bytes of header length, a
// JSON header that gives every tensor its element type, shape and place, then
// the data. The reader trusts nothing: a file that opens has consistent sizes,
// offsets and names. What a file must hold is the caller's question.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/DType.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace xfer::run {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  llvm::SmallVector<int64_t, 3> shape;
  int64_t offset = 0; ///< in the file
  int64_t bytes = 0;
};

/// An open file whose header has been checked. Movable; closes the file when it goes.
class SafetensorsFile {
public:
  static llvm::Expected<SafetensorsFile> open(llvm::StringRef path);
  SafetensorsFile(SafetensorsFile &&other);
  SafetensorsFile &operator=(SafetensorsFile &&) = delete;
  ~SafetensorsFile();

  llvm::ArrayRef<SafetensorsEntry> entries() const { return tensors; } ///< ascending by name
  const SafetensorsEntry *find(llvm::StringRef name) const;
  llvm::StringRef path() const { return filePath; }
  /// Reads an entry's bytes into `out`.
  llvm::Error read(const SafetensorsEntry &entry, void *out) const;

private:
  SafetensorsFile(llvm::StringRef path, int descriptor) : filePath(path), descriptor(descriptor) {}
  llvm::Error readHeader();
  std::string filePath;
  int descriptor = -1;
  std::vector<SafetensorsEntry> tensors;
};

/// A tensor to write; `data` may be null if the shape is empty.
struct SafetensorsTensor {
  llvm::StringRef name;
  DType dtype = DType::F32;
  llvm::ArrayRef<int64_t> shape;
  const void *data = nullptr;
  int64_t bytes = 0;
};

/// Writes a whole file. Wider element types come first, so that every tensor is aligned.
void writeSafetensors(llvm::ArrayRef<SafetensorsTensor> tensors, llvm::raw_ostream &os);

/// The format's name of an element type, `BF16` say.
llvm::StringRef safetensorsName(DType dtype);

} // namespace xfer::run
