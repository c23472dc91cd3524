//===- Safetensors.cpp - Files of named tensors ---------------------------===//
#include "Safetensors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

namespace xfer::run {

static Error makeError(const Twine &text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

//===- Reading ------------------------------------------------------------===//

/// Reads exactly `bytes` at `offset`.
static Error readAt(int descriptor, void *out, int64_t bytes, int64_t offset) {
  char *cursor = static_cast<char *>(out);
  while (bytes > 0) {
    ssize_t got = ::pread(descriptor, cursor, static_cast<size_t>(bytes), offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return makeError(llvm::sys::StrError(errno));
    if (got == 0)
      return makeError("file ends early");
    cursor += got;
    offset += got;
    bytes -= got;
  }
  return Error::success();
}

/// Collects the first error of reading a header as one line.
static Error readHeader(StringRef path, int descriptor, std::vector<SafetensorsEntry> &entries) {
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);
  std::string text;
  diagnostics.setHandler([&](const llvm::SMDiagnostic &diagnostic) {
    if (!text.empty())
      return;
    if (diagnostic.getLoc().isValid())
      text = ("cannot read '" + path + "': header:" + Twine(diagnostic.getLineNo()) + ":" +
              Twine(diagnostic.getColumnNo() + 1) + ": ")
                 .str();
    text += diagnostic.getMessage();
  });
  if (failed(readSafetensorsHeader(path, descriptor, entries, diagnostics)))
    return makeError(text);
  for (SafetensorsEntry &entry : entries)
    entry.loc = {}; // the header's text goes
  return Error::success();
}

Expected<SafetensorsFile> SafetensorsFile::open(StringRef path) {
  std::string name = path.str();
  int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return makeError("cannot open '" + path + "': " + llvm::sys::StrError(errno));
  SafetensorsFile file(path, descriptor);
  if (Error error = readHeader(path, descriptor, file.tensors))
    return error;
  return file;
}

SafetensorsFile::SafetensorsFile(SafetensorsFile &&other) noexcept
    : filePath(std::move(other.filePath)), descriptor(other.descriptor),
      tensors(std::move(other.tensors)) {
  other.descriptor = -1;
}

SafetensorsFile::~SafetensorsFile() {
  if (descriptor >= 0)
    ::close(descriptor);
}

const SafetensorsEntry *SafetensorsFile::find(StringRef name) const {
  auto found = llvm::lower_bound(
      tensors, name, [](const SafetensorsEntry &entry, StringRef key) { return entry.name < key; });
  return found != tensors.end() && found->name == name ? &*found : nullptr;
}

Error SafetensorsFile::read(const SafetensorsEntry &entry, void *out) const {
  if (Error error = readAt(descriptor, out, entry.bytes, entry.offset))
    return makeError("cannot read tensor '" + entry.name + "' of '" + filePath +
                     "': " + llvm::toString(std::move(error)));
  return Error::success();
}

//===- Writing ------------------------------------------------------------===//

void writeSafetensors(ArrayRef<SafetensorsTensor> tensors, llvm::raw_ostream &os) {
  std::vector<const SafetensorsTensor *> ordered;
  for (const SafetensorsTensor &tensor : tensors)
    ordered.push_back(&tensor);
  llvm::stable_sort(ordered, [](const SafetensorsTensor *a, const SafetensorsTensor *b) {
    return byteWidth(a->dtype) > byteWidth(b->dtype);
  });

  std::string header;
  llvm::raw_string_ostream headerStream(header);
  json::OStream writer(headerStream);
  int64_t offset = 0;
  writer.object([&] {
    for (const SafetensorsTensor *tensor : ordered)
      writer.attributeObject(tensor->name, [&] {
        writer.attribute("dtype", safetensorsName(tensor->dtype));
        writer.attributeArray("shape", [&] {
          for (int64_t extent : tensor->shape)
            writer.value(extent);
        });
        writer.attributeArray("data_offsets", [&] {
          writer.value(offset);
          writer.value(offset += tensor->bytes);
        });
      });
  });
  headerStream.flush();
  header.resize(llvm::alignTo(header.size(), 8), ' ');

  char lengthBytes[8];
  llvm::support::endian::write64le(lengthBytes, header.size());
  os.write(lengthBytes, sizeof(lengthBytes));
  os << header;
  for (const SafetensorsTensor *tensor : ordered)
    os.write(static_cast<const char *>(tensor->data), static_cast<size_t>(tensor->bytes));
}

} // namespace xfer::run
