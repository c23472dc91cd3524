//===- JsonFields.h - An object's members by type ---------------*- C++ -*-===//
#pragma once
#include "xfer/Frontend/Json.h"
#include "llvm/ADT/StringMap.h"

namespace xfer {

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
