//===- ModulePrinter.h - Module to text, fast -------------------*- C++ -*-===//
//
// Appends to a buffer of its own, which is handed to the stream in large
// pieces. Texts of layouts and rank lists, which repeat, are made once.
// Declarations are in PrintDeclarations.cpp, lowered operations in
// PrintOperations.cpp.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/MeshRanks.h"
#include "llvm/Support/raw_ostream.h"
#include <charconv>
#include <cstring>
#include <string>

namespace xfer {

/// A buffer of text in front of a stream.
class TextBuffer {
public:
  explicit TextBuffer(llvm::raw_ostream &os) : os(os) {}
  ~TextBuffer() { flush(); }
  TextBuffer(const TextBuffer &) = delete;

  TextBuffer &operator<<(llvm::StringRef text) {
    if (text.size() > kSize - used) {
      flush();
      if (text.size() > kSize) {
        os << text;
        return *this;
      }
    }
    std::memcpy(bytes + used, text.data(), text.size());
    used += text.size();
    return *this;
  }
  TextBuffer &operator<<(int64_t value) {
    if (kSize - used < 24)
      flush();
    used = std::to_chars(bytes + used, bytes + kSize, value).ptr - bytes;
    return *this;
  }

private:
  void flush() {
    os << llvm::StringRef(bytes, used);
    used = 0;
  }
  static constexpr size_t kSize = 1 << 15;
  llvm::raw_ostream &os;
  size_t used = 0;
  char bytes[kSize];
};

class ModulePrinter {
public:
  ModulePrinter(const Module &module, llvm::raw_ostream &os)
      : module(module), out(os), meshRanks(module) {}

  void printDeclarations();
  /// The lowered level, after the declarations.
  void printOperations();
  void printRegion(const Region &region);

private:
  void printMesh(const Mesh &mesh);
  void printTensor(const Tensor &tensor);
  void printSide(llvm::StringRef word, const Tensor &tensor, const Side &side);
  void printStorage(const Storage &storage);
  llvm::StringRef layoutText(LayoutId id);
  std::string storageLayoutText(const Storage &storage);

  void printTensorUse(TensorId tensor, RegionId region, const Endpoints &ends, int32_t targetIndex);
  void printEndpoints(const Endpoints &ends, TensorId tensor);
  void printProgram(const Program &program);
  void printBucket(const Program &program, const Bucket &bucket, llvm::StringRef indent);
  void printProgramChunk(const ProgramChunk &chunk, bool inBucket, llvm::StringRef indent);
  void printStridedRegion(llvm::StringRef word, StridedRegionId id);
  void printReduceOp(TensorId tensor);
  llvm::StringRef rankListText(RankListId id);

  const Module &module;
  TextBuffer out;
  std::vector<std::string> layoutTexts, rankListTexts; ///< by id; empty until needed
  MeshRanks meshRanks;
};

} // namespace xfer
