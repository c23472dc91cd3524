//===- CommandLine.h - Options of a tool ------------------------*- C++ -*-===//
//
// A small command-line parser whose errors are those of every other text: the
// words lie in a buffer named `<command line>`, so an error has a caret and a
// misspelt name a suggestion. Options may stand in any order among the inputs,
// with one dash or two, as `--name=value` or `--name value`; handlers run in
// the order of the words, which for passes is the order of the pipeline.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace xfer {

class CommandLine {
public:
  /// Gets the value, a part of the `<command line>` buffer; empty and without data if none was
  /// given. Reports its own errors.
  using Handler = std::function<LogicalResult(llvm::StringRef value)>;
  enum class Value { None, Optional, Required };

  /// `overview` is the text of `--help` above the options; names are borrowed by every call.
  CommandLine(llvm::StringRef tool, llvm::StringRef overview, Diagnostics &diagnostics)
      : tool(tool), overview(overview), diagnostics(diagnostics) {}

  /// Starts a titled group of options in `--help`.
  void section(llvm::StringRef title);
  /// An option without a type; `valueName` is what `--help` calls the value.
  void custom(llvm::StringRef name, Value value, llvm::StringRef valueName, llvm::StringRef help,
              Handler handler);
  /// A line that `--help` prints below the option before.
  void detail(std::string head, llvm::StringRef help);
  /// `--name`, `--name=true`, `--name=0`, ...
  void flag(llvm::StringRef name, llvm::StringRef help, bool &out);
  void text(llvm::StringRef name, llvm::StringRef valueName, llvm::StringRef help,
            std::string &out);
  void integer(llvm::StringRef name, llvm::StringRef valueName, llvm::StringRef help,
               int64_t minimum, int64_t &out);
  /// One of `choices`; `set` gets its index.
  void choice(llvm::StringRef name, llvm::StringRef valueName, llvm::StringRef help,
              llvm::ArrayRef<llvm::StringRef> choices, std::function<void(size_t)> set);
  /// For custom handlers: `value` as an integer of at least `minimum`.
  LogicalResult parseInteger(llvm::StringRef value, int64_t minimum, int64_t &out);

  enum class Outcome { Run, Done, Failed };
  /// Reads the words after the tool's name. `--help` and `--version` print to standard output and
  /// give Done.
  Outcome parse(int argc, const char *const *argv);
  /// The words that are no options; `-` is one.
  llvm::ArrayRef<llvm::StringRef> inputs() const { return positional; }

private:
  struct Detail {
    std::string head;
    llvm::StringRef help;
  };
  struct Row {
    llvm::StringRef name, valueName, help;
    Value value;
    Handler handler;
    llvm::StringRef sectionBefore; ///< title to print before this row, or ""
    std::vector<Detail> details;
  };
  LogicalResult parseOption(llvm::ArrayRef<llvm::StringRef> words, size_t &index);
  LogicalResult error(llvm::StringRef at, const llvm::Twine &text);
  void printHelp(llvm::raw_ostream &os) const;

  llvm::StringRef tool, overview, nextSection;
  Diagnostics &diagnostics;
  std::vector<Row> rows;
  std::vector<llvm::StringRef> positional;
};

} // namespace xfer
