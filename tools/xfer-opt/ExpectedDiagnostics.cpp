//===- ExpectedDiagnostics.cpp - Tests of error texts ---------------------===//
//
// Collects `expected-KIND@PLACE {{text}}`, matches diagnostics against it.
//===----------------------------------------------------------------------===//
#include "ExpectedDiagnostics.h"
#include <optional>

using llvm::SMDiagnostic;
using llvm::SMLoc;
using llvm::SourceMgr;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {
namespace {

enum class Place { Line, Above, Below, Unknown };

/// One comment, before its line is known.
struct Comment {
  SourceMgr::DiagKind kind;
  Place place = Place::Line;
  int64_t lineOffset = 0;
  StringRef text, spelling;
};

} // namespace

static StringRef kindName(SourceMgr::DiagKind kind) {
  switch (kind) {
  case SourceMgr::DK_Error:
    return "error";
  case SourceMgr::DK_Warning:
    return "warning";
  default:
    return "note";
  }
}

/// Reads `@PLACE`, if there is one. False if it is malformed.
static bool parsePlace(StringRef &rest, Comment &comment) {
  if (!rest.consume_front("@"))
    return true;
  if (rest.consume_front("above"))
    comment.place = Place::Above;
  else if (rest.consume_front("below"))
    comment.place = Place::Below;
  else if (rest.consume_front("unknown"))
    comment.place = Place::Unknown;
  else {
    bool isBack = rest.starts_with("-");
    if (!isBack && !rest.starts_with("+"))
      return false;
    rest = rest.drop_front();
    unsigned lines;
    if (rest.consumeInteger(10, lines))
      return false;
    comment.lineOffset = isBack ? -int64_t(lines) : int64_t(lines);
  }
  return true;
}

/// Takes the next comment off `line`; nothing if there is none. `malformed` points at one that
/// cannot be read.
static std::optional<Comment> takeComment(StringRef &line, const char *&malformed) {
  constexpr StringRef kPrefix = "expected-";
  for (size_t at; (at = line.find(kPrefix)) != StringRef::npos;) {
    StringRef rest = line.drop_front(at);
    StringRef begin = rest;
    rest = rest.drop_front(kPrefix.size());
    line = rest;
    Comment comment;
    if (rest.consume_front("error"))
      comment.kind = SourceMgr::DK_Error;
    else if (rest.consume_front("warning"))
      comment.kind = SourceMgr::DK_Warning;
    else if (rest.consume_front("note"))
      comment.kind = SourceMgr::DK_Note;
    else
      continue; // other words that begin with `expected-`
    bool hasPlace = parsePlace(rest, comment);
    rest = rest.ltrim();
    size_t end = rest.find("}}");
    if (!hasPlace || !rest.consume_front("{{") || end == StringRef::npos) {
      malformed = begin.data();
      return std::nullopt;
    }
    comment.text = rest.take_front(end - 2);
    line = rest.drop_front(end);
    comment.spelling = StringRef(begin.data(), line.begin() - begin.begin());
    return comment;
  }
  return std::nullopt;
}

ExpectedDiagnostics::ExpectedDiagnostics(SourceMgr &sources, llvm::ArrayRef<unsigned> bufferIds,
                                         Report report)
    : sources(sources), report(std::move(report)) {
  for (unsigned bufferId : bufferIds)
    collect(bufferId);
}

void ExpectedDiagnostics::collect(unsigned bufferId) {
  StringRef rest = sources.getMemoryBuffer(bufferId)->getBuffer();
  unsigned lineNumber = 0, lineAbove = 0;
  std::vector<size_t> waiting; ///< expectations whose line is the next one without a comment
  while (!rest.empty()) {
    auto [line, next] = rest.split('\n');
    rest = next;
    ++lineNumber;
    bool hasComment = false;
    const char *malformed = nullptr;
    while (std::optional<Comment> comment = takeComment(line, malformed)) {
      hasComment = true;
      int64_t at = lineNumber + comment->lineOffset;
      if (comment->place == Place::Above)
        at = lineAbove;
      else if (comment->place == Place::Below)
        waiting.push_back(expectations.size());
      else if (comment->place == Place::Unknown)
        at = 0;
      expectations.push_back({bufferId, static_cast<unsigned>(at), comment->kind, comment->text,
                              SMLoc::getFromPointer(comment->spelling.data())});
    }
    if (malformed)
      complain(SMLoc::getFromPointer(malformed),
               "expected 'expected-KIND@PLACE {{text}}' on one line");
    if (hasComment || malformed)
      continue;
    lineAbove = lineNumber;
    for (size_t index : waiting)
      expectations[index].line = lineNumber;
    waiting.clear();
  }
}

void ExpectedDiagnostics::complain(SMLoc loc, const Twine &text) {
  anyReported = true;
  report(sources.GetMessage(loc, SourceMgr::DK_Error, text));
}

void ExpectedDiagnostics::take(const SMDiagnostic &diagnostic) {
  SMLoc loc = diagnostic.getLoc();
  unsigned bufferId = loc.isValid() ? sources.FindBufferContainingLoc(loc) : 0;
  unsigned line = loc.isValid() ? diagnostic.getLineNo() : 0;
  for (Expected &expected : expectations) {
    bool isPlace = expected.line == line && (line == 0 || expected.bufferId == bufferId);
    if (expected.found || !isPlace || expected.kind != diagnostic.getKind() ||
        !diagnostic.getMessage().contains(expected.text))
      continue;
    expected.found = true;
    return;
  }
  if (!loc.isValid() && diagnostic.getKind() == SourceMgr::DK_Note)
    return;
  std::string text =
      ("unexpected " + kindName(diagnostic.getKind()) + ": " + diagnostic.getMessage()).str();
  if (loc.isValid())
    return complain(loc, text);
  anyReported = true;
  report(SMDiagnostic("", SourceMgr::DK_Error, text));
}

llvm::LogicalResult ExpectedDiagnostics::finish() {
  for (const Expected &expected : expectations)
    if (!expected.found)
      complain(expected.loc,
               "expected " + kindName(expected.kind) + " '" + expected.text + "' was not produced");
  return llvm::success(!anyReported);
}

} // namespace xfer
