//===- JsonFields.cpp - An object's members by type -----------------------===//
#include "xfer/Frontend/JsonFields.h"

using llvm::ArrayRef;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {

JsonFields::JsonFields(const JsonValue &object, StringRef what, Diagnostics &diagnostics)
    : object(object), what(what), diagnostics(diagnostics) {
  if (object.kind != JsonValue::Kind::Object)
    (void)error(object.loc, "expected " + what + " to be an object, got " + object.describe());
  for (const JsonMember &member : object.members)
    byName[member.name] = &member.value;
}

LogicalResult JsonFields::error(SMLoc loc, const Twine &text) {
  // One error an object: what follows is often its consequence.
  if (!anyFailed)
    (void)diagnostics.error(loc, text);
  anyFailed = true;
  return failure();
}

const JsonValue *JsonFields::find(StringRef name) const {
  const JsonValue *value = byName.lookup(name);
  return value && value->kind != JsonValue::Kind::Null ? value : nullptr;
}

bool JsonFields::has(StringRef name) const { return find(name) != nullptr; }

SMLoc JsonFields::locOf(StringRef name) const {
  const JsonValue *value = byName.lookup(name);
  return value ? value->loc : object.loc;
}

int64_t JsonFields::integer(StringRef name, int64_t minimum) {
  const JsonValue *value = find(name);
  if (!value) {
    (void)error(locOf(name), what + " has no '" + name + "'");
    return minimum;
  }
  std::optional<int64_t> size = value->size();
  if (size && *size >= minimum)
    return *size;
  (void)error(value->loc, "'" + name + "' is " + value->describe() +
                              ", expected an integer of at least " + Twine(minimum));
  return minimum;
}

int64_t JsonFields::integer(StringRef name, int64_t minimum, int64_t valueIfMissing) {
  return has(name) ? integer(name, minimum) : valueIfMissing;
}

bool JsonFields::boolean(StringRef name, bool valueIfMissing) {
  const JsonValue *value = find(name);
  if (!value)
    return valueIfMissing;
  if (value->kind != JsonValue::Kind::Boolean)
    (void)error(value->loc,
                "'" + name + "' is " + value->describe() + ", expected 'true' or 'false'");
  return value->boolean;
}

StringRef JsonFields::string(StringRef name, StringRef valueIfMissing) {
  const JsonValue *value = find(name);
  if (!value)
    return valueIfMissing;
  if (value->kind != JsonValue::Kind::String)
    (void)error(value->loc, "'" + name + "' is " + value->describe() + ", expected a string");
  return value->text;
}

ArrayRef<JsonValue> JsonFields::array(StringRef name) {
  const JsonValue *value = find(name);
  if (value && value->kind != JsonValue::Kind::Array)
    (void)error(value->loc, "'" + name + "' is " + value->describe() + ", expected an array");
  return value ? value->elements : ArrayRef<JsonValue>();
}

} // namespace xfer
