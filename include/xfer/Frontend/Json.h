//===- Json.h - JSON with places --------------------------------*- C++ -*-===//
//
// A strict reader of JSON that trusts nothing: two members of one name, bad
// UTF-8 and deep nesting are errors, every value knows its place, and numbers
// stay as they are spelled, so that 2.0 is never taken for the size 2.
//
// parseJson() reads a buffer, JsonFields reads an object's members by type.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Allocator.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xfer {

struct JsonMember;

struct JsonValue {
  enum class Kind : uint8_t { Null, Boolean, Number, String, Array, Object };
  Kind kind = Kind::Null;
  bool boolean = false;
  llvm::StringRef text; ///< a string's characters, a number's spelling
  llvm::SMLoc loc;
  llvm::ArrayRef<JsonValue> elements; ///< of an array
  llvm::ArrayRef<JsonMember> members; ///< of an object, in the order of the text

  const JsonValue *find(llvm::StringRef name) const;
  /// A number without fraction or exponent that fits in 63 bits and is not negative.
  std::optional<int64_t> size() const;
  /// For errors: `2.5`, `'text'`, `an array`.
  std::string describe() const;
};

struct JsonMember {
  llvm::StringRef name;
  llvm::SMLoc loc; ///< of the name
  JsonValue value;
};

/// A parsed text. Values borrow from it and from the buffer.
struct JsonDocument {
  JsonValue root;
  llvm::BumpPtrAllocator memory;
};

/// Parses a buffer of the source manager; null after an error.
std::unique_ptr<JsonDocument> parseJson(unsigned bufferId, Diagnostics &diagnostics);

/// Reads an object's members by name and type. An error stands at the value, or at the object if
/// the member is missing; after the first, failed() is true and what is read is meaningless, but an
/// integer still has its minimum: it may be divided by.
class JsonFields {
public:
  /// `what` names the object in errors: `the configuration`.
  JsonFields(const JsonValue &object, llvm::StringRef what, Diagnostics &diagnostics);

  bool has(llvm::StringRef name) const; ///< and is not null
  /// The value; null if it is missing or null.
  const JsonValue *find(llvm::StringRef name) const;
  llvm::SMLoc locOf(llvm::StringRef name) const;
  int64_t integer(llvm::StringRef name, int64_t minimum);
  int64_t integer(llvm::StringRef name, int64_t minimum, int64_t valueIfMissing);
  bool boolean(llvm::StringRef name, bool valueIfMissing);
  llvm::StringRef string(llvm::StringRef name, llvm::StringRef valueIfMissing);
  llvm::ArrayRef<JsonValue> array(llvm::StringRef name);

  bool failed() const { return anyFailed; }
  LogicalResult error(llvm::SMLoc loc, const llvm::Twine &text);

private:
  const JsonValue &object;
  std::string what;
  Diagnostics &diagnostics;
  llvm::StringMap<const JsonValue *> byName;
  bool anyFailed = false;
};

} // namespace xfer
