//===- SafetensorsHeader.cpp - What a safetensors file says it holds ------===//
//
// The length, the header, its tensors one by one, then all of them together.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/SafetensorsHeader.h"
#include "xfer/Frontend/JsonFields.h"
#include "xfer/IR/DeclarationChecks.h"
#include "xfer/IR/Spelling.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

using llvm::ArrayRef;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {

/// As in the reference implementation.
static constexpr int64_t kMaxHeaderBytes = 100'000'000;
static constexpr int kLengthBytes = 8;

StringRef safetensorsName(DType dtype) {
  switch (dtype) {
  case DType::F64:
    return "F64";
  case DType::F32:
    return "F32";
  case DType::F16:
    return "F16";
  case DType::BF16:
    return "BF16";
  case DType::F8E4M3FN:
    return "F8_E4M3";
  case DType::F8E5M2:
    return "F8_E5M2";
  case DType::I64:
    return "I64";
  case DType::I32:
    return "I32";
  case DType::I16:
    return "I16";
  case DType::I8:
    return "I8";
  case DType::U8:
    return "U8";
  case DType::I1:
    return "BOOL";
  }
  return "";
}

static std::optional<DType> parseSafetensorsName(StringRef name) {
#define ROW(NAME, SPELLING, BYTES, CLASS)                                                          \
  if (name == safetensorsName(DType::NAME))                                                        \
    return DType::NAME;
  XFER_DTYPES(ROW)
#undef ROW
  return std::nullopt;
}

static std::string suggestDType(StringRef name) {
  StringRef known[] = {
#define ROW(NAME, SPELLING, BYTES, CLASS) safetensorsName(DType::NAME),
      XFER_DTYPES(ROW)
#undef ROW
  };
  return didYouMean(name, known);
}

/// Verifies:
/// - the dtype is a known one;
/// - the shape is a list of at most kMaxDims sizes whose product and bytes fit in 63 bits.
LogicalResult parseTensorDescription(JsonFields &fields, SafetensorsEntry &entry) {
  std::string quoted = "tensor '" + entry.name + "' ";
  if (fields.failed())
    return failure();
  const JsonValue *dtypeName = fields.find("dtype");
  if (!dtypeName || dtypeName->kind != JsonValue::Kind::String)
    return fields.error(fields.locOf("dtype"), quoted + "has no 'dtype'");
  std::optional<DType> dtype = parseSafetensorsName(dtypeName->text);
  if (!dtype)
    return fields.error(dtypeName->loc, quoted + "has an unknown dtype '" + dtypeName->text + "'" +
                                            suggestDType(dtypeName->text));
  entry.dtype = *dtype;

  const JsonValue *shape = fields.find("shape");
  if (!shape || shape->kind != JsonValue::Kind::Array)
    return fields.error(fields.locOf("shape"), quoted + "has no 'shape'");
  if (shape->elements.size() > kMaxDims)
    return fields.error(shape->loc, quoted + "has " + Twine(shape->elements.size()) +
                                        " dimensions, expected at most " + Twine(kMaxDims));
  int64_t bytes = byteWidth(*dtype);
  bool isEmpty = false, overflows = false;
  for (const JsonValue &element : shape->elements) {
    std::optional<int64_t> extent = element.size();
    if (!extent)
      return fields.error(
          element.loc, quoted + "has a shape that is not a list of sizes: " + element.describe());
    entry.shape.push_back(*extent);
    if (*extent == 0)
      isEmpty = true;
    else
      overflows |= llvm::MulOverflow(bytes, *extent, bytes);
  }
  // An extent of 0 hides no overflow: strides are products too.
  if (overflows)
    return fields.error(shape->loc, quoted + "has a shape of more than 2^63 bytes");
  entry.bytes = isEmpty ? 0 : bytes;
  return success();
}

/// Fills `entry` from the header's value of one tensor; `offset` stays relative to the data.
static LogicalResult parseEntry(const JsonValue &value, SafetensorsEntry &entry,
                                Diagnostics &diagnostics) {
  std::string quoted = "tensor '" + entry.name + "' ";
  if (value.kind != JsonValue::Kind::Object)
    return diagnostics.error(value.loc, quoted + "is not described by an object");
  for (const JsonMember &member : value.members)
    if (member.name != "dtype" && member.name != "shape" && member.name != "data_offsets")
      return diagnostics.error(member.loc, quoted + "has an unknown field '" + member.name + "'");
  JsonFields fields(value, quoted, diagnostics);
  if (failed(parseTensorDescription(fields, entry)))
    return failure();
  const JsonValue *offsets = fields.find("data_offsets");
  std::optional<int64_t> begin, end;
  if (offsets && offsets->elements.size() == 2) {
    begin = offsets->elements[0].size();
    end = offsets->elements[1].size();
  }
  if (!begin || !end || *end < *begin)
    return diagnostics.error(fields.locOf("data_offsets"),
                             quoted + "has no 'data_offsets' of a begin and an end");
  if (*end - *begin != entry.bytes)
    return diagnostics.error(offsets->loc, quoted + "has " + Twine(*end - *begin) +
                                               " bytes, but its shape needs " + Twine(entry.bytes));
  entry.offset = *begin;
  return success();
}

/// Verifies that the tensors cover the data without holes or overlaps.
static LogicalResult checkOffsets(ArrayRef<SafetensorsEntry> entries, int64_t dataBytes, SMLoc loc,
                                  Diagnostics &diagnostics) {
  std::vector<const SafetensorsEntry *> byOffset;
  for (const SafetensorsEntry &entry : entries)
    byOffset.push_back(&entry);
  llvm::sort(byOffset, [](const SafetensorsEntry *a, const SafetensorsEntry *b) {
    return std::tie(a->offset, a->bytes, a->name) < std::tie(b->offset, b->bytes, b->name);
  });
  int64_t covered = 0;
  for (const SafetensorsEntry *entry : byOffset) {
    if (entry->offset != covered)
      return diagnostics.error(entry->loc, "tensor '" + entry->name + "' begins at byte " +
                                               Twine(entry->offset) + " of the data, expected " +
                                               Twine(covered));
    covered += entry->bytes; // both ends are below 2^63
  }
  if (covered != dataBytes)
    return diagnostics.error(loc, "has " + Twine(dataBytes) +
                                      " bytes of data, but its tensors take " + Twine(covered));
  return success();
}

/// Reads exactly `bytes` at `offset`; the text of an error, or "".
static std::string readAt(int descriptor, char *out, int64_t bytes, int64_t offset) {
  while (bytes > 0) {
    ssize_t got = ::pread(descriptor, out, static_cast<size_t>(bytes), offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return llvm::sys::StrError(errno);
    if (got == 0)
      return "file ends early";
    out += got;
    offset += got;
    bytes -= got;
  }
  return "";
}

LogicalResult readSafetensorsHeader(StringRef name, int descriptor,
                                    std::vector<SafetensorsEntry> &entries,
                                    Diagnostics &diagnostics) {
  auto cannotRead = [&](const Twine &text) {
    return diagnostics.error(SMLoc(), "cannot read '" + name + "': " + text);
  };
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(descriptor, status))
    return cannotRead(error.message());
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return cannotRead("not a regular file");
  int64_t fileBytes = static_cast<int64_t>(status.getSize());
  char lengthBytes[kLengthBytes];
  if (fileBytes < kLengthBytes)
    return cannotRead("has " + Twine(fileBytes) + " bytes, expected a header length of " +
                      Twine(kLengthBytes));
  if (std::string error = readAt(descriptor, lengthBytes, kLengthBytes, 0); !error.empty())
    return cannotRead(error);
  uint64_t headerBytes = llvm::support::endian::read64le(lengthBytes);
  if (headerBytes > static_cast<uint64_t>(kMaxHeaderBytes))
    return cannotRead("states a header of " + Twine(headerBytes) + " bytes, expected at most " +
                      Twine(kMaxHeaderBytes));
  int64_t dataBegin = kLengthBytes + static_cast<int64_t>(headerBytes);
  if (dataBegin > fileBytes)
    return cannotRead("states a header of " + Twine(headerBytes) + " bytes, but has only " +
                      Twine(fileBytes - kLengthBytes) + " after the length");

  auto buffer = llvm::WritableMemoryBuffer::getNewUninitMemBuffer(headerBytes, name + " (header)");
  if (!buffer)
    return cannotRead("no memory for a header of " + Twine(headerBytes) + " bytes");
  std::string error = readAt(descriptor, buffer->getBufferStart(), headerBytes, kLengthBytes);
  if (!error.empty())
    return cannotRead(error);
  unsigned bufferId = diagnostics.sourceMgr().AddNewSourceBuffer(std::move(buffer), SMLoc());
  std::unique_ptr<JsonDocument> document = parseJson(bufferId, diagnostics);
  if (!document)
    return failure();
  if (document->root.kind != JsonValue::Kind::Object)
    return diagnostics.error(document->root.loc, "expected the header to be an object, got " +
                                                     document->root.describe());
  entries.clear();
  for (const JsonMember &member : document->root.members) {
    if (member.name == "__metadata__" && member.value.kind == JsonValue::Kind::Object)
      continue;
    SafetensorsEntry &entry = entries.emplace_back();
    entry.name = member.name.str();
    entry.loc = member.loc;
    if (failed(parseEntry(member.value, entry, diagnostics)))
      return failure();
  }
  if (failed(checkOffsets(entries, fileBytes - dataBegin, document->root.loc, diagnostics)))
    return failure();
  for (SafetensorsEntry &entry : entries)
    entry.offset += dataBegin;
  llvm::sort(entries, [](const auto &a, const auto &b) { return a.name < b.name; });
  return success();
}

LogicalResult readSafetensorsHeader(StringRef path, std::vector<SafetensorsEntry> &entries,
                                    Diagnostics &diagnostics) {
  int descriptor = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return diagnostics.error(SMLoc(), "cannot open '" + path + "': " + llvm::sys::StrError(errno));
  auto close = llvm::make_scope_exit([&] { ::close(descriptor); });
  return readSafetensorsHeader(path, descriptor, entries, diagnostics);
}

} // namespace xfer
