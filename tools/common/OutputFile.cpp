//===- OutputFile.cpp - All or nothing ------------------------------------===//
//
// Temporary, write, rename.
//===----------------------------------------------------------------------===//
#include "common/OutputFile.h"
#include "llvm/Support/Errc.h"

namespace fs = llvm::sys::fs;
using llvm::StringRef;

namespace xfer {

static LogicalResult cannot(StringRef what, StringRef name, std::error_code code,
                            Diagnostics &diagnostics) {
  return diagnostics.error(llvm::SMLoc(), "cannot " + what + " '" + name + "': " + code.message());
}

std::unique_ptr<OutputFile> OutputFile::open(StringRef name, Diagnostics &diagnostics) {
  std::unique_ptr<OutputFile> file(new OutputFile);
  std::error_code code;
  if (name.empty()) {
    (void)diagnostics.error({}, "expected a name of the output, got ''");
    return nullptr;
  }
  if (name == "-") {
    file->name = "<stdout>";
    file->stream = std::make_unique<llvm::raw_fd_ostream>("-", code);
    return file;
  }
  file->name = name.str();
  fs::file_status status;
  bool exists = !fs::status(name, status);
  if (exists && status.type() != fs::file_type::regular_file) {
    file->stream = std::make_unique<llvm::raw_fd_ostream>(name, code, fs::CD_OpenExisting);
    if (!code)
      return file;
    (void)cannot("open", name, code, diagnostics);
    return nullptr;
  }
  // A rename replaces a link instead of what it names, and ignores that a file is read-only.
  llvm::SmallString<128> path(name);
  if (exists) {
    if ((code = fs::real_path(name, path)) || (code = fs::access(path, fs::AccessMode::Write))) {
      (void)cannot("open", name, code, diagnostics);
      return nullptr;
    }
  }
  file->path = path.str().str();
  llvm::Expected<fs::TempFile> temporary = fs::TempFile::create(path + ".tmp-%%%%%%%%");
  if (!temporary) {
    (void)cannot("open", name, llvm::errorToErrorCode(temporary.takeError()), diagnostics);
    return nullptr;
  }
  file->temporary.emplace(std::move(*temporary));
  if (exists)
    (void)fs::setPermissions(file->temporary->FD, status.permissions());
  file->stream = std::make_unique<llvm::raw_fd_ostream>(file->temporary->FD, /*shouldClose=*/false);
  return file;
}

OutputFile::~OutputFile() {
  if (stream) {
    stream->flush();
    stream->clear_error(); // reported by keep(), or the output is not wanted
  }
  if (temporary)
    llvm::consumeError(temporary->discard());
}

LogicalResult OutputFile::keep(Diagnostics &diagnostics) {
  stream->flush();
  if (stream->has_error())
    return cannot("write", name, stream->error(), diagnostics);
  if (!temporary)
    return success();
  if (llvm::Error error = temporary->keep(path)) {
    std::error_code code = llvm::errorToErrorCode(std::move(error));
    temporary.reset();
    return cannot("write", name, code, diagnostics);
  }
  temporary.reset();
  return success();
}

} // namespace xfer
