//===- PipelineParser.cpp - Pipeline text to passes -----------------------===//
//
//   pipeline := (pass (',' pass)*)?         pass  := name ('{' options '}')?
//   options  := (name '=' value)*           value := '"' escaped '"' | word
//
// Options are divided by white space or commas, so a word ends at either or at
// a brace. In quotes `\"` and `\\` stand for `"` and `\`.
//===----------------------------------------------------------------------===//
#include "xfer/Pass/PassRegistry.h"
#include "xfer/IR/Spelling.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"

using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {
namespace {

class PipelineParser {
public:
  PipelineParser(StringRef text, Diagnostics &diagnostics)
      : cursor(text.begin()), end(text.end()), diagnostics(diagnostics) {}

  LogicalResult parsePipeline(std::vector<std::unique_ptr<Pass>> &passes);
  LogicalResult parseWholeOptions(OptionSet &set);

private:
  LogicalResult parsePass(std::vector<std::unique_ptr<Pass>> &passes);
  LogicalResult parseOptions(OptionSet &set, llvm::SmallVectorImpl<OptionBase *> &seen);
  LogicalResult parseOption(OptionSet &set, llvm::SmallVectorImpl<OptionBase *> &seen);
  LogicalResult parseValue(std::string &value);

  bool skipSpace(bool andCommas = false) {
    while (cursor != end && (llvm::isSpace(*cursor) || (andCommas && *cursor == ',')))
      ++cursor;
    return cursor != end;
  }
  bool consume(char c) {
    if (cursor == end || *cursor != c)
      return false;
    ++cursor;
    return true;
  }
  StringRef takeName() {
    const char *begin = cursor;
    while (cursor != end && (llvm::isAlnum(*cursor) || *cursor == '-' || *cursor == '_'))
      ++cursor;
    return StringRef(begin, cursor - begin);
  }
  LogicalResult error(const char *at, const Twine &text) {
    return diagnostics.error(SMLoc::getFromPointer(at), text);
  }

  const char *cursor, *end;
  Diagnostics &diagnostics;
};

LogicalResult PipelineParser::parsePipeline(std::vector<std::unique_ptr<Pass>> &passes) {
  if (!skipSpace())
    return success();
  do {
    if (failed(parsePass(passes)))
      return failure();
    skipSpace();
  } while (consume(','));
  return cursor == end ? success() : error(cursor, "expected ',' or the end of the pipeline");
}

LogicalResult PipelineParser::parsePass(std::vector<std::unique_ptr<Pass>> &passes) {
  skipSpace();
  const char *begin = cursor;
  StringRef name = takeName();
  if (name.empty())
    return error(begin, "expected a pass");
  std::unique_ptr<Pass> pass = PassRegistry::create(name);
  if (!pass)
    return error(begin, "unknown pass '" + name + "'" + didYouMean(name, PassRegistry::flags()));
  skipSpace();
  const char *open = cursor;
  if (consume('{')) {
    llvm::SmallVector<OptionBase *> seen;
    if (failed(parseOptions(*pass, seen)))
      return failure();
    if (!consume('}')) {
      (void)error(cursor, "expected '}' after the options of '" + name + "'");
      diagnostics.note(SMLoc::getFromPointer(open), "to match this '{'");
      return failure();
    }
  }
  passes.push_back(std::move(pass));
  return success();
}

LogicalResult PipelineParser::parseWholeOptions(OptionSet &set) {
  llvm::SmallVector<OptionBase *> seen;
  skipSpace();
  bool braces = consume('{');
  if (failed(parseOptions(set, seen)))
    return failure();
  if (braces && !consume('}'))
    return error(cursor, "expected '}' after the options of '" + set.name() + "'");
  skipSpace();
  return cursor == end ? success() : error(cursor, "expected the end of the options");
}

LogicalResult PipelineParser::parseOptions(OptionSet &set,
                                           llvm::SmallVectorImpl<OptionBase *> &seen) {
  while (skipSpace(/*andCommas=*/true) && *cursor != '}')
    if (failed(parseOption(set, seen)))
      return failure();
  return success();
}

LogicalResult PipelineParser::parseOption(OptionSet &set,
                                          llvm::SmallVectorImpl<OptionBase *> &seen) {
  const char *begin = cursor;
  StringRef name = takeName();
  if (name.empty())
    return error(begin, "expected an option of '" + set.name() + "'");
  auto found = llvm::find_if(set.options(), [&](OptionBase *o) { return o->name == name; });
  if (found == set.options().end()) {
    if (set.options().empty())
      return error(begin, "'" + set.name() + "' takes no options");
    auto names = llvm::map_to_vector(set.options(), [](OptionBase *o) { return o->name; });
    return error(begin,
                 "'" + set.name() + "' has no option '" + name + "'" + didYouMean(name, names));
  }
  OptionBase *option = *found;
  if (llvm::is_contained(seen, option))
    return error(begin, "option '" + name + "' is given twice");
  seen.push_back(option);
  if (!consume('='))
    return error(cursor, "expected '=' and a value after option '" + name + "'");
  const char *valueBegin = cursor;
  std::string value;
  if (failed(parseValue(value)))
    return failure();
  std::string expected = option->parse(value);
  if (!expected.empty())
    return error(valueBegin, "option '" + name + "': " + expected + ", got '" + value + "'");
  return success();
}

LogicalResult PipelineParser::parseValue(std::string &value) {
  const char *begin = cursor;
  if (!consume('"')) {
    while (cursor != end && !llvm::isSpace(*cursor) && *cursor != ',' && *cursor != '{' &&
           *cursor != '}')
      value += *cursor++;
    return success();
  }
  while (cursor != end && *cursor != '"') {
    if (*cursor == '\\' && cursor + 1 != end)
      ++cursor;
    value += *cursor++;
  }
  return consume('"') ? success() : error(begin, "expected '\"' at the end of the value");
}

} // namespace

LogicalResult PassRegistry::parseOptions(OptionSet &set, StringRef text, Diagnostics &diagnostics) {
  return PipelineParser(text, diagnostics).parseWholeOptions(set);
}

LogicalResult PassRegistry::parsePipeline(StringRef text, PassManager &manager,
                                          Diagnostics &diagnostics) {
  std::vector<std::unique_ptr<Pass>> passes;
  if (failed(PipelineParser(text, diagnostics).parsePipeline(passes)))
    return failure();
  for (std::unique_ptr<Pass> &pass : passes)
    manager.add(std::move(pass));
  return success();
}

} // namespace xfer
