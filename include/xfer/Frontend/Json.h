//===- Json.h - JSON with places --------------------------------*- C++ -*-===//
//
// A strict reader of JSON that trusts nothing: two members of one name, bad
// UTF-8 and deep nesting are errors, every value knows its place, and numbers
// stay as they are spelled, so that 2.0 is never taken for the size 2.
// JsonFields.h reads an object's members by type.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
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

} // namespace xfer
