//===- CommandLine.cpp - Options of a tool --------------------------------===//
//
// Rows of options, the parser of words, and `--help`.
//===----------------------------------------------------------------------===//
#include "common/CommandLine.h"
#include "xfer/IR/Spelling.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using llvm::ArrayRef;
using llvm::StringRef;

namespace xfer {

void CommandLine::section(StringRef title) { nextSection = title; }

void CommandLine::custom(StringRef name, Value value, StringRef valueName, StringRef help,
                         Handler handler) {
  rows.push_back({name, valueName, help, value, std::move(handler), nextSection, {}});
  nextSection = "";
}

void CommandLine::detail(std::string head, StringRef help) {
  rows.back().details.push_back({std::move(head), help});
}

void CommandLine::flag(StringRef name, StringRef help, bool &out) {
  custom(name, Value::Optional, "", help, [this, &out](StringRef value) -> LogicalResult {
    if (value.data() && value != "true" && value != "false" && value != "1" && value != "0")
      return error(value, "expected 'true' or 'false', got '" + value + "'");
    out = !value.data() || value == "true" || value == "1";
    return success();
  });
}

void CommandLine::text(StringRef name, StringRef valueName, StringRef help, std::string &out) {
  custom(name, Value::Required, valueName, help, [&out](StringRef value) {
    out = value.str();
    return success();
  });
}

LogicalResult CommandLine::parseInteger(StringRef value, int64_t minimum, int64_t &out) {
  int64_t parsed;
  bool isInteger = !value.empty() && llvm::all_of(value, llvm::isDigit);
  if (isInteger && value.getAsInteger(10, parsed))
    return error(value, "expected an integer of at most 9223372036854775807, got '" + value + "'");
  // getAsInteger takes a sign too.
  if (value.empty() || !llvm::isDigit(value.front()) || value.getAsInteger(10, parsed) ||
      parsed < minimum)
    return error(value, "expected an integer of at least " + llvm::Twine(minimum) + ", got '" +
                            value + "'");
  out = parsed;
  return success();
}

void CommandLine::integer(StringRef name, StringRef valueName, StringRef help, int64_t minimum,
                          int64_t &out) {
  custom(name, Value::Required, valueName, help,
         [this, minimum, &out](StringRef value) { return parseInteger(value, minimum, out); });
}

void CommandLine::choice(StringRef name, StringRef valueName, StringRef help,
                         ArrayRef<StringRef> choices, std::function<void(size_t)> set) {
  custom(name, Value::Required, valueName, help,
         [this, known = std::vector<StringRef>(choices),
          set = std::move(set)](StringRef value) -> LogicalResult {
           auto found = llvm::find(known, value);
           if (found == known.end())
             return error(value, "unknown value '" + value + "', expected '" +
                                     llvm::join(known, "' or '") + "'" + didYouMean(value, known));
           set(found - known.begin());
           return success();
         });
}

LogicalResult CommandLine::error(StringRef at, const llvm::Twine &text) {
  return diagnostics.error(llvm::SMLoc::getFromPointer(at.data()), text);
}

CommandLine::Outcome CommandLine::parse(int argc, const char *const *argv) {
  std::string line = tool.str();
  std::vector<size_t> begins;
  for (int i = 1; i < argc; ++i) {
    begins.push_back(line.size() + 1);
    line += ' ';
    line += argv[i];
  }
  llvm::SourceMgr &sources = diagnostics.sourceMgr();
  unsigned id = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(line, "<command line>"), llvm::SMLoc());
  StringRef buffer = sources.getMemoryBuffer(id)->getBuffer();
  std::vector<StringRef> words;
  for (int i = 1; i < argc; ++i)
    words.push_back(buffer.substr(begins[i - 1], StringRef(argv[i]).size()));

  for (StringRef word : words) {
    if (word == "--help" || word == "-help" || word == "-h") {
      printHelp(llvm::outs());
      return Outcome::Done;
    }
    if (word == "--version" || word == "-version") {
      llvm::outs() << tool << " " XFER_VERSION "\n";
      return Outcome::Done;
    }
  }
  for (size_t index = 0; index < words.size(); ++index) {
    if (!words[index].starts_with("-") || words[index] == "-")
      positional.push_back(words[index]);
    else if (failed(parseOption(words, index)))
      return Outcome::Failed;
  }
  return Outcome::Run;
}

LogicalResult CommandLine::parseOption(ArrayRef<StringRef> words, size_t &index) {
  StringRef word = words[index];
  StringRef body = word.drop_front(word.starts_with("--") ? 2 : 1);
  StringRef name = body.take_until([](char c) { return c == '='; });
  bool hasValue = name.size() != body.size();
  StringRef value = hasValue ? body.drop_front(name.size() + 1) : StringRef();
  StringRef spelled = word.take_front(name.end() - word.begin());
  auto row = llvm::find_if(rows, [&](const Row &row) { return row.name == name; });
  if (row == rows.end()) {
    auto names = llvm::map_to_vector(rows, [](const Row &row) { return row.name; });
    return error(word, "unknown option '" + spelled + "'" + didYouMean(name, names, "--"));
  }
  if (row->value == Value::None && hasValue)
    return error(value, "option '" + spelled + "' takes no value");
  if (row->value == Value::Required && !hasValue) {
    if (index + 1 == words.size())
      return error(word, "option '" + spelled + "' needs a value");
    value = words[++index];
  }
  return row->handler(value);
}

/// One line in two columns, or two lines if the first column overflows.
static void printColumns(llvm::raw_ostream &os, StringRef head, StringRef help) {
  constexpr size_t kHelpColumn = 36;
  os << head;
  size_t column = head.size();
  if (column >= kHelpColumn) {
    os << '\n';
    column = 0;
  }
  os.indent(kHelpColumn - column) << help << '\n';
}

void CommandLine::printHelp(llvm::raw_ostream &os) const {
  os << overview;
  for (const Row &row : rows) {
    if (!row.sectionBefore.empty())
      os << '\n' << row.sectionBefore << '\n';
    bool isShort = row.name.size() == 1;
    std::string head = (isShort ? "  -" : "  --") + row.name.str();
    if (!row.valueName.empty())
      head += (isShort ? " " : "=") + row.valueName.str();
    printColumns(os, head, row.help);
    for (const Detail &detail : row.details)
      printColumns(os, "      " + detail.head, detail.help);
  }
}

} // namespace xfer
