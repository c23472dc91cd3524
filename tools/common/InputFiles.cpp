//===- InputFiles.cpp - Files into memory ---------------------------------===//
//
// One reader for files, pipes and devices, bounded so that an endless one is an
// error rather than the end of the machine's memory.
//===----------------------------------------------------------------------===//
#include "common/InputFiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Errc.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"

using llvm::StringRef;
namespace fs = llvm::sys::fs;

namespace xfer {

/// Appends everything that `file` still has; `expected` bytes are only a hint.
static std::error_code readAll(fs::file_t file, uint64_t expected,
                               llvm::SmallVectorImpl<char> &bytes) {
  // One byte more than expected: the read that finds the end needs room too.
  constexpr size_t kStep = size_t(1) << 20;
  size_t room = expected ? expected + 1 : kStep;
  while (true) {
    size_t size = bytes.size();
    bytes.resize_for_overwrite(size + room);
    llvm::Expected<size_t> got =
        fs::readNativeFile(file, llvm::MutableArrayRef(bytes.data() + size, room));
    bytes.truncate(size + (got ? *got : 0));
    if (!got)
      return llvm::errorToErrorCode(got.takeError());
    if (*got == 0)
      return {};
    if (bytes.size() > kMaxInputBytes)
      return make_error_code(llvm::errc::file_too_large);
    room = room > *got ? room - *got : std::max<size_t>(kStep, bytes.size() / 2);
  }
}

std::unique_ptr<llvm::MemoryBuffer> readInput(StringRef name, Diagnostics &diagnostics) {
  bool isStandardInput = name == "-";
  auto fail = [&](StringRef what, std::error_code code) {
    (void)diagnostics.error(llvm::SMLoc(), "cannot " + what + " '" +
                                               (isStandardInput ? "<stdin>" : name) +
                                               "': " + code.message());
    return nullptr;
  };
  fs::file_t file = fs::getStdinHandle();
  if (!isStandardInput) {
    llvm::Expected<fs::file_t> opened = fs::openNativeFileForRead(name);
    if (!opened)
      return fail("open", llvm::errorToErrorCode(opened.takeError()));
    file = *opened;
  }
  auto close = llvm::make_scope_exit([&] {
    if (!isStandardInput)
      (void)fs::closeFile(file);
  });
  fs::file_status status;
  uint64_t expected = 0;
  if (!fs::status(file, status) && status.type() == fs::file_type::regular_file)
    expected = status.getSize();
  if (expected > kMaxInputBytes)
    return fail("read", make_error_code(llvm::errc::file_too_large));
  llvm::SmallVector<char, 0> bytes;
  if (std::error_code code = readAll(file, expected, bytes))
    return fail("read", code);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), name,
                                                         /*RequiresNullTerminator=*/true);
}

LogicalResult readInputs(llvm::ArrayRef<StringRef> names,
                         llvm::SmallVectorImpl<unsigned> &bufferIds, Diagnostics &diagnostics) {
  const StringRef standardInput = "-";
  if (names.empty())
    names = standardInput;
  if (llvm::count(names, "-") > 1)
    return diagnostics.error(llvm::SMLoc(), "standard input is named twice");
  for (StringRef name : names) {
    std::unique_ptr<llvm::MemoryBuffer> buffer = readInput(name, diagnostics);
    if (!buffer)
      return failure();
    bufferIds.push_back(
        diagnostics.sourceMgr().AddNewSourceBuffer(std::move(buffer), llvm::SMLoc()));
  }
  return success();
}

} // namespace xfer
