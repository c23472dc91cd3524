//===- Safetensors.cpp - Files of named tensors ---------------------------===//
#include "Safetensors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

namespace xfer::run {

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

/// Counts the members of all objects in JSON text, and refuses nesting that a header never has:
/// the parser recurses, and keeps only the last of two members with one name.
static Expected<int64_t> countMembers(StringRef text) {
  constexpr int kMaxDepth = 8;
  int64_t members = 0;
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      i += c == '\\';
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth)
        return makeError("header nests too deeply");
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ':') {
      ++members;
    }
  }
  return members;
}

static int64_t countParsedMembers(const json::Value &value) {
  int64_t members = 0;
  if (const json::Object *object = value.getAsObject())
    for (const auto &member : *object)
      members += 1 + countParsedMembers(member.second);
  if (const json::Array *array = value.getAsArray())
    for (const json::Value &element : *array)
      members += countParsedMembers(element);
  return members;
}

/// Fills `entry` from the header's value of one tensor; `offset` stays relative to the data.
static Error parseEntry(const json::Value &value, SafetensorsEntry &entry) {
  std::string quoted = "tensor '" + entry.name + "' ";
  const json::Object *object = value.getAsObject();
  if (!object)
    return makeError(quoted + "is not described by an object");
  for (const auto &member : *object)
    if (member.first != "dtype" && member.first != "shape" && member.first != "data_offsets")
      return makeError(quoted + "has an unknown field '" + StringRef(member.first) + "'");

  std::optional<StringRef> dtypeName = object->getString("dtype");
  if (!dtypeName)
    return makeError(quoted + "has no 'dtype'");
  std::optional<DType> dtype = parseSafetensorsName(*dtypeName);
  if (!dtype)
    return makeError(quoted + "has an unknown dtype '" + *dtypeName + "'");
  entry.dtype = *dtype;

  const json::Array *shape = object->getArray("shape");
  if (!shape)
    return makeError(quoted + "has no 'shape'");
  int64_t bytes = byteWidth(*dtype);
  bool isEmpty = false, overflows = false;
  for (const json::Value &element : *shape) {
    std::optional<int64_t> extent = element.getAsInteger();
    if (!extent || *extent < 0)
      return makeError(quoted + "has a shape that is not a list of sizes");
    entry.shape.push_back(*extent);
    if (*extent == 0)
      isEmpty = true;
    else
      overflows |= llvm::MulOverflow(bytes, *extent, bytes);
  }
  if (overflows && !isEmpty)
    return makeError(quoted + "has a shape of more than 2^63 bytes");
  entry.bytes = isEmpty ? 0 : bytes;

  const json::Array *offsets = object->getArray("data_offsets");
  std::optional<int64_t> begin, end;
  if (offsets && offsets->size() == 2) {
    begin = (*offsets)[0].getAsInteger();
    end = (*offsets)[1].getAsInteger();
  }
  if (!begin || !end || *begin < 0 || *end < *begin)
    return makeError(quoted + "has no 'data_offsets' of a begin and an end");
  if (*end - *begin != entry.bytes)
    return makeError(quoted + "has " + Twine(*end - *begin) + " bytes, but its shape needs " +
                     Twine(entry.bytes));
  entry.offset = *begin;
  return Error::success();
}

Error SafetensorsFile::readHeader() {
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(descriptor, status))
    return makeError(error.message());
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return makeError("not a regular file");
  int64_t fileBytes = static_cast<int64_t>(status.getSize());
  char lengthBytes[kLengthBytes];
  if (fileBytes < kLengthBytes)
    return makeError("has " + Twine(fileBytes) + " bytes, expected a header length of " +
                     Twine(kLengthBytes));
  if (Error error = readAt(descriptor, lengthBytes, kLengthBytes, 0))
    return error;
  uint64_t headerBytes = llvm::support::endian::read64le(lengthBytes);
  if (headerBytes > static_cast<uint64_t>(kMaxHeaderBytes))
    return makeError("states a header of " + Twine(headerBytes) + " bytes, expected at most " +
                     Twine(kMaxHeaderBytes));
  int64_t dataBegin = kLengthBytes + static_cast<int64_t>(headerBytes);
  if (dataBegin > fileBytes)
    return makeError("states a header of " + Twine(headerBytes) + " bytes, but has only " +
                     Twine(fileBytes - kLengthBytes) + " after the length");

  std::string header(headerBytes, '\0');
  if (Error error = readAt(descriptor, header.data(), headerBytes, kLengthBytes))
    return error;
  Expected<int64_t> members = countMembers(header);
  if (!members)
    return members.takeError();
  Expected<json::Value> value = json::parse(header);
  if (!value)
    return makeError("header is no JSON: " + llvm::toString(value.takeError()));
  const json::Object *object = value->getAsObject();
  if (!object)
    return makeError("header is no JSON object");
  if (countParsedMembers(*value) != *members)
    return makeError("header has two members of one name");

  for (const auto &member : *object) {
    if (member.first == "__metadata__")
      continue;
    SafetensorsEntry &entry = tensors.emplace_back();
    entry.name = StringRef(member.first).str();
    if (Error error = parseEntry(member.second, entry))
      return error;
  }

  std::vector<const SafetensorsEntry *> byOffset;
  for (const SafetensorsEntry &entry : tensors)
    byOffset.push_back(&entry);
  llvm::sort(byOffset, [](const SafetensorsEntry *a, const SafetensorsEntry *b) {
    return std::tie(a->offset, a->bytes, a->name) < std::tie(b->offset, b->bytes, b->name);
  });
  int64_t covered = 0;
  for (const SafetensorsEntry *entry : byOffset) {
    if (entry->offset != covered)
      return makeError("tensor '" + entry->name + "' begins at byte " + Twine(entry->offset) +
                       " of the data, expected " + Twine(covered));
    covered += entry->bytes; // both ends are below 2^63
  }
  if (covered != fileBytes - dataBegin)
    return makeError("has " + Twine(fileBytes - dataBegin) +
                     " bytes of data, but its tensors take " + Twine(covered));
  for (SafetensorsEntry &entry : tensors)
    entry.offset += dataBegin;
  llvm::sort(tensors, [](const auto &a, const auto &b) { return a.name < b.name; });
  return Error::success();
}

Expected<SafetensorsFile> SafetensorsFile::open(StringRef path) {
  std::string name = path.str();
  int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return makeError("cannot open '" + path + "': " + llvm::sys::StrError(errno));
  SafetensorsFile file(path, descriptor);
  if (Error error = file.readHeader())
    return makeError("cannot read '" + path + "': " + llvm::toString(std::move(error)));
  return file;
}

SafetensorsFile::SafetensorsFile(SafetensorsFile &&other)
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

  char lengthBytes[kLengthBytes];
  llvm::support::endian::write64le(lengthBytes, header.size());
  os.write(lengthBytes, kLengthBytes);
  os << header;
  for (const SafetensorsTensor *tensor : ordered)
    os.write(static_cast<const char *>(tensor->data), static_cast<size_t>(tensor->bytes));
}

} // namespace xfer::run
