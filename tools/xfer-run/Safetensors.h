//===- Safetensors.h - Files of named tensors -------------------*- C++ -*-===//
//
// Reads and writes the safetensors format. A file that opens has a header
// without contradictions (xfer/Frontend/SafetensorsHeader.h); what a file must
// hold is the caller's question.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Frontend/SafetensorsHeader.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace xfer::run {

/// An open file whose header has been checked. Movable; closes the file when it goes.
class SafetensorsFile {
public:
  static llvm::Expected<SafetensorsFile> open(llvm::StringRef path);
  SafetensorsFile(SafetensorsFile &&other) noexcept;
  SafetensorsFile &operator=(SafetensorsFile &&) = delete;
  ~SafetensorsFile();

  llvm::ArrayRef<SafetensorsEntry> entries() const { return tensors; } ///< ascending by name
  const SafetensorsEntry *find(llvm::StringRef name) const;
  llvm::StringRef path() const { return filePath; }
  /// Reads an entry's bytes into `out`.
  llvm::Error read(const SafetensorsEntry &entry, void *out) const;

private:
  SafetensorsFile(llvm::StringRef path, int descriptor) : filePath(path), descriptor(descriptor) {}
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

} // namespace xfer::run
