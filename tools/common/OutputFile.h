//===- OutputFile.h - All or nothing ----------------------------*- C++ -*-===//
//
// A file that appears under its name only when it is complete: written to a
// temporary beside it, then renamed. Without keep(), or if the process is
// killed by a signal it can catch, nothing remains and an old file stays as it
// was. Standard output and devices are written as they come.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <optional>

namespace xfer {

class OutputFile {
public:
  /// `-` is standard output. Null after an error.
  static std::unique_ptr<OutputFile> open(llvm::StringRef name, Diagnostics &diagnostics);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;

  llvm::raw_pwrite_stream &os() { return *stream; }
  /// Flushes, checks that every byte was written, and gives the file its name.
  LogicalResult keep(Diagnostics &diagnostics);

private:
  OutputFile() = default;
  std::string name, path; ///< as given; after following links
  std::optional<llvm::sys::fs::TempFile> temporary;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

} // namespace xfer
