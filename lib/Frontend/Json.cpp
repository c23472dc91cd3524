//===- Json.cpp - JSON with places ----------------------------------------===//
//
// A recursive-descent parser with a bounded depth. Values lie in one arena.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/Json.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using llvm::ArrayRef;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {
namespace {

/// More than any file of a model or job has; the parser recurses.
constexpr int kMaxDepth = 32;

class JsonParser {
public:
  JsonParser(StringRef text, JsonDocument &document, Diagnostics &diagnostics)
      : cursor(text.begin()), end(text.end()), memory(document.memory), diagnostics(diagnostics) {}
  LogicalResult parse(JsonValue &root);

private:
  LogicalResult error(const char *at, const Twine &text) {
    return diagnostics.error(SMLoc::getFromPointer(at), text);
  }
  LogicalResult expected(StringRef what);
  void skipSpace();
  bool consume(char c);
  LogicalResult parseValue(JsonValue &value, int depth);
  LogicalResult parseWord(StringRef word);
  LogicalResult parseNumber(JsonValue &value);
  LogicalResult parseString(StringRef &out);
  LogicalResult parseEscape(std::string &out);
  LogicalResult parseUtf16Unit(uint32_t &unit);
  LogicalResult skipCharacter();
  LogicalResult parseArray(JsonValue &value, int depth);
  LogicalResult parseObject(JsonValue &value, int depth);
  template <typename T> ArrayRef<T> keep(ArrayRef<T> values) {
    T *copy = memory.Allocate<T>(values.size());
    std::uninitialized_copy(values.begin(), values.end(), copy);
    return {copy, values.size()};
  }

  const char *cursor, *end;
  llvm::BumpPtrAllocator &memory;
  Diagnostics &diagnostics;
};

LogicalResult JsonParser::expected(StringRef what) {
  if (cursor == end)
    return error(cursor, "expected " + what + ", but the text ends");
  unsigned char c = *cursor;
  if (c < 0x20 || c >= 0x7f)
    return error(cursor, "expected " + what + ", got byte 0x" + llvm::utohexstr(c));
  return error(cursor, "expected " + what + ", got '" + StringRef(cursor, 1) + "'");
}

void JsonParser::skipSpace() {
  while (cursor != end && (*cursor == ' ' || *cursor == '\n' || *cursor == '\r' || *cursor == '\t'))
    ++cursor;
}

bool JsonParser::consume(char c) {
  if (cursor == end || *cursor != c)
    return false;
  ++cursor;
  return true;
}

LogicalResult JsonParser::parse(JsonValue &root) {
  if (StringRef(cursor, end - cursor).starts_with("\xef\xbb\xbf"))
    cursor += 3;
  skipSpace();
  if (failed(parseValue(root, 0)))
    return failure();
  skipSpace();
  return cursor == end ? success() : expected("the end of the text");
}

LogicalResult JsonParser::parseValue(JsonValue &value, int depth) {
  value.loc = SMLoc::getFromPointer(cursor);
  if (depth > kMaxDepth)
    return error(cursor, "values nest more than " + Twine(kMaxDepth) + " deep");
  switch (cursor == end ? '\0' : *cursor) {
  case '{':
    return parseObject(value, depth);
  case '[':
    return parseArray(value, depth);
  case '"':
    value.kind = JsonValue::Kind::String;
    return parseString(value.text);
  case 't':
  case 'f':
    value.kind = JsonValue::Kind::Boolean;
    value.boolean = *cursor == 't';
    return parseWord(value.boolean ? "true" : "false");
  case 'n':
    return parseWord("null");
  default:
    if (cursor != end && (*cursor == '-' || llvm::isDigit(*cursor)))
      return parseNumber(value);
    return expected("a value");
  }
}

LogicalResult JsonParser::parseWord(StringRef word) {
  if (!StringRef(cursor, end - cursor).starts_with(word))
    return expected("a value");
  cursor += word.size();
  return success();
}

LogicalResult JsonParser::parseNumber(JsonValue &value) {
  const char *begin = cursor;
  auto digits = [&]() -> LogicalResult {
    if (cursor == end || !llvm::isDigit(*cursor))
      return expected("a digit");
    while (cursor != end && llvm::isDigit(*cursor))
      ++cursor;
    return success();
  };
  consume('-');
  if (cursor != end && *cursor == '0')
    ++cursor; // and no digit after it
  else if (failed(digits()))
    return failure();
  if (consume('.') && failed(digits()))
    return failure();
  if (cursor != end && (*cursor == 'e' || *cursor == 'E')) {
    ++cursor;
    if (!consume('-'))
      consume('+');
    if (failed(digits()))
      return failure();
  }
  value.kind = JsonValue::Kind::Number;
  value.text = StringRef(begin, cursor - begin);
  return success();
}

/// Moves over one character of a string, which may have several bytes.
LogicalResult JsonParser::skipCharacter() {
  if (static_cast<unsigned char>(*cursor) < 0x20)
    return expected("a character of the string");
  size_t bytes = llvm::getNumBytesForUTF8(static_cast<llvm::UTF8>(*cursor));
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(cursor);
  if (bytes > size_t(end - cursor) || !llvm::isLegalUTF8Sequence(begin, begin + bytes))
    return error(cursor, "invalid UTF-8");
  cursor += bytes;
  return success();
}

LogicalResult JsonParser::parseUtf16Unit(uint32_t &unit) {
  StringRef digits(cursor, std::min<size_t>(4, end - cursor));
  if (digits.size() < 4 || !llvm::all_of(digits, llvm::isHexDigit))
    return error(cursor, "expected four hexadecimal digits");
  (void)digits.getAsInteger(16, unit);
  cursor += 4;
  return success();
}

LogicalResult JsonParser::parseEscape(std::string &out) {
  const char *begin = cursor;
  ++cursor; // the backslash
  constexpr StringRef kEscapes = "\"\\/bfnrt";
  constexpr StringRef kMeanings = "\"\\/\b\f\n\r\t";
  size_t known = cursor == end ? StringRef::npos : kEscapes.find(*cursor);
  if (known != StringRef::npos) {
    out += kMeanings[known];
    ++cursor;
    return success();
  }
  if (!consume('u'))
    return error(begin, "unknown escape");
  uint32_t unit, low;
  if (failed(parseUtf16Unit(unit)))
    return failure();
  if (unit >= 0xd800 && unit < 0xdc00) {
    if (!consume('\\') || !consume('u'))
      return error(begin, "half of a surrogate pair");
    if (failed(parseUtf16Unit(low)))
      return failure();
    if (low < 0xdc00 || low >= 0xe000)
      return error(begin, "half of a surrogate pair");
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  } else if (unit >= 0xdc00 && unit < 0xe000) {
    return error(begin, "half of a surrogate pair");
  }
  char bytes[UNI_MAX_UTF8_BYTES_PER_CODE_POINT];
  char *bytesEnd = bytes;
  (void)llvm::ConvertCodePointToUTF8(unit, bytesEnd);
  out.append(bytes, bytesEnd - bytes);
  return success();
}

LogicalResult JsonParser::parseString(StringRef &out) {
  const char *quote = cursor++;
  const char *begin = cursor;
  std::string decoded; ///< used from the first escape on
  bool hasEscape = false;
  while (cursor != end && *cursor != '"') {
    if (*cursor == '\\') {
      if (!hasEscape)
        decoded.assign(begin, cursor);
      hasEscape = true;
      if (failed(parseEscape(decoded)))
        return failure();
      continue;
    }
    const char *character = cursor;
    if (failed(skipCharacter()))
      return failure();
    if (hasEscape)
      decoded.append(character, cursor);
  }
  if (cursor == end)
    return error(quote, "string does not end");
  out = hasEscape ? StringRef(decoded).copy(memory) : StringRef(begin, cursor - begin);
  ++cursor;
  return success();
}

LogicalResult JsonParser::parseArray(JsonValue &value, int depth) {
  value.kind = JsonValue::Kind::Array;
  std::vector<JsonValue> elements;
  ++cursor;
  skipSpace();
  if (consume(']'))
    return success();
  do {
    skipSpace();
    if (failed(parseValue(elements.emplace_back(), depth + 1)))
      return failure();
    skipSpace();
  } while (consume(','));
  if (!consume(']'))
    return expected("',' or ']'");
  value.elements = keep(ArrayRef<JsonValue>(elements));
  return success();
}

LogicalResult JsonParser::parseObject(JsonValue &value, int depth) {
  value.kind = JsonValue::Kind::Object;
  std::vector<JsonMember> members;
  llvm::DenseSet<StringRef> names;
  ++cursor;
  skipSpace();
  if (consume('}'))
    return success();
  do {
    skipSpace();
    JsonMember &member = members.emplace_back();
    member.loc = SMLoc::getFromPointer(cursor);
    if (cursor == end || *cursor != '"')
      return expected("a name in quotes");
    if (failed(parseString(member.name)))
      return failure();
    if (!names.insert(member.name).second)
      return diagnostics.error(member.loc, "two members of one name: '" + member.name + "'");
    skipSpace();
    if (!consume(':'))
      return expected("':'");
    skipSpace();
    if (failed(parseValue(member.value, depth + 1)))
      return failure();
    skipSpace();
  } while (consume(','));
  if (!consume('}'))
    return expected("',' or '}'");
  value.members = keep(ArrayRef<JsonMember>(members));
  return success();
}

} // namespace

std::unique_ptr<JsonDocument> parseJson(unsigned bufferId, Diagnostics &diagnostics) {
  StringRef text = diagnostics.sourceMgr().getMemoryBuffer(bufferId)->getBuffer();
  auto document = std::make_unique<JsonDocument>();
  if (failed(JsonParser(text, *document, diagnostics).parse(document->root)))
    return nullptr;
  return document;
}

const JsonValue *JsonValue::find(StringRef name) const {
  for (const JsonMember &member : members)
    if (member.name == name)
      return &member.value;
  return nullptr;
}

std::optional<int64_t> JsonValue::size() const {
  int64_t value;
  // Spelled as digits alone: `2.0`, `2e3` and `-0` are no sizes.
  if (kind != Kind::Number || !llvm::all_of(text, llvm::isDigit) || text.getAsInteger(10, value))
    return std::nullopt;
  return value;
}

std::string JsonValue::describe() const {
  switch (kind) {
  case Kind::Null:
    return "null";
  case Kind::Boolean:
    return boolean ? "true" : "false";
  case Kind::Number:
    return text.str();
  case Kind::String:
    return "'" + text.str() + "'";
  case Kind::Array:
    return "an array";
  case Kind::Object:
    return "an object";
  }
  return "";
}

} // namespace xfer
