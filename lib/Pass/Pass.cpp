//===- Pass.cpp - The unit of lowering ------------------------------------===//
//
// Option values from and to text, and a pass as pipeline text.
//===----------------------------------------------------------------------===//
#include "xfer/Pass/Pass.h"
#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;

namespace xfer {

OptionBase::OptionBase(OptionSet &owner, StringRef name, StringRef description)
    : name(name), description(description) {
  owner.optionList.push_back(this);
}

Statistic::Statistic(Pass &owner, StringRef name, StringRef description)
    : name(name), description(description) {
  owner.statisticList.push_back(this);
}

template <> std::string Option<int64_t>::parse(StringRef text) {
  int64_t parsed;
  bool isInteger = !text.empty() && llvm::all_of(text, llvm::isDigit);
  if (isInteger && text.getAsInteger(10, parsed))
    return "expected an integer of at most 9223372036854775807";
  // getAsInteger also takes a sign; the language's integers have none.
  if (text.empty() || !llvm::isDigit(text.front()) || text.getAsInteger(10, parsed) ||
      parsed < minimum)
    return "expected an integer of at least " + std::to_string(minimum);
  value = parsed;
  return "";
}

template <> std::string Option<int64_t>::print() const { return std::to_string(value); }

template <> std::string Option<bool>::parse(StringRef text) {
  if (text != "true" && text != "false" && text != "1" && text != "0")
    return "expected 'true' or 'false'";
  value = text == "true" || text == "1";
  return "";
}

template <> std::string Option<bool>::print() const { return value ? "true" : "false"; }

template <> std::string Option<std::string>::parse(StringRef text) {
  value = text.str();
  return "";
}

template <> std::string Option<std::string>::print() const { return value; }

/// Quotes a value that would not be read back as one.
static std::string quoteIfNeeded(std::string text) {
  if (!text.empty() && StringRef(text).find_first_of(" \t\r\n,{}\"'\\") == StringRef::npos)
    return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

bool OptionSet::set(StringRef option, int64_t value) {
  for (OptionBase *candidate : optionList)
    if (candidate->name == option)
      return candidate->parse(std::to_string(value)).empty();
  return false;
}

std::string OptionSet::print() const {
  std::string text;
  for (const OptionBase *option : optionList)
    if (!option->isDefault())
      text += (text.empty() ? "" : " ") + option->name.str() + "=" + quoteIfNeeded(option->print());
  return text.empty() ? setName.str() : setName.str() + "{" + text + "}";
}

} // namespace xfer
