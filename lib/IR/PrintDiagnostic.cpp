//===- PrintDiagnostic.cpp - A diagnostic on a terminal -------------------===//
//
// `file:line:col: error: text`, the source line, a caret. LLVM's own printer
// writes a line of any length, passes control bytes on to the terminal and
// leaves the caret out where a line is not ASCII.
//===----------------------------------------------------------------------===//
#include "xfer/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Unicode.h"
#include "llvm/Support/raw_ostream.h"

using llvm::SMDiagnostic;
using llvm::SourceMgr;
using llvm::StringRef;

namespace xfer {
namespace {

/// At most this many bytes of a line are shown, around the caret.
constexpr size_t kMaxShown = 160;

/// One UTF-8 character of a line, or one byte that is none.
struct Character {
  size_t bytes = 1;
  int width = -1; ///< in columns; negative if it cannot be shown
};

Character characterAt(StringRef text, size_t at) {
  Character character;
  unsigned bytes = llvm::getNumBytesForUTF8(static_cast<llvm::UTF8>(text[at]));
  StringRef sequence = text.substr(at, bytes);
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(sequence.data());
  if (!llvm::isLegalUTF8Sequence(begin, begin + sequence.size()))
    return character;
  character.bytes = sequence.size();
  character.width = llvm::sys::unicode::columnWidthUTF8(sequence);
  return character;
}

bool isContinuationByte(char c) { return (c & 0xc0) == 0x80; }

/// What is shown of a source line, and the caret's column in it.
struct ShownLine {
  std::string text;
  size_t width = 0, caret = 0;

  ShownLine(StringRef line, size_t column) {
    size_t begin = 0, end = line.size();
    if (line.size() > kMaxShown) {
      begin = column > kMaxShown / 2 ? column - kMaxShown / 2 : 0;
      while (begin && begin < end && isContinuationByte(line[begin]))
        --begin;
      end = std::min(end, begin + kMaxShown);
      while (end < line.size() && isContinuationByte(line[end]))
        ++end;
    }
    if (begin)
      append("...", 3);
    for (size_t at = begin; at < end;) {
      if (at <= column)
        caret = width;
      Character character = characterAt(line, at);
      if (line[at] == '\t')
        append(std::string(8 - width % 8, ' '), 8 - width % 8);
      else if (character.width < 0)
        append("?", 1);
      else
        append(line.substr(at, character.bytes), character.width);
      at += character.bytes;
    }
    if (column >= end)
      caret = width;
    if (end < line.size())
      append("...", 3);
  }

  void append(StringRef piece, size_t columns) {
    text += piece;
    width += columns;
  }
};

struct KindStyle {
  StringRef name;
  llvm::raw_ostream::Colors color;
};

KindStyle styleOf(SourceMgr::DiagKind kind) {
  switch (kind) {
  case SourceMgr::DK_Error:
    return {"error: ", llvm::raw_ostream::RED};
  case SourceMgr::DK_Warning:
    return {"warning: ", llvm::raw_ostream::MAGENTA};
  default:
    return {"note: ", llvm::raw_ostream::CYAN};
  }
}

/// The text, or its ends if it is longer than anyone reads: it may quote the input.
std::string clipped(StringRef text) {
  constexpr size_t kHead = 1500, kTail = 500;
  if (text.size() <= kHead + kTail)
    return text.str();
  size_t head = kHead, tail = text.size() - kTail;
  while (head && isContinuationByte(text[head]))
    --head;
  while (tail < text.size() && isContinuationByte(text[tail]))
    ++tail;
  return (text.take_front(head) + "..." + text.substr(tail)).str();
}

/// Control bytes as `\x1B`.
std::string withoutControls(StringRef text) {
  std::string shown;
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)
      shown += c;
    else
      shown += "\\x" + llvm::utohexstr(static_cast<unsigned char>(c), /*LowerCase=*/false, 2);
  }
  return shown;
}

} // namespace

void printDiagnostic(const SMDiagnostic &diagnostic, llvm::raw_ostream &os) {
  bool hasPlace = diagnostic.getLineNo() > 0;
  bool colors = os.has_colors();
  auto color = [&](llvm::raw_ostream::Colors color, bool bold) {
    if (colors)
      os.changeColor(color, bold);
  };
  color(llvm::raw_ostream::SAVEDCOLOR, true);
  if (hasPlace) {
    StringRef file = diagnostic.getFilename();
    os << withoutControls(file == "-" ? "<stdin>" : file) << ':' << diagnostic.getLineNo() << ':'
       << diagnostic.getColumnNo() + 1 << ": ";
  }
  KindStyle style = styleOf(diagnostic.getKind());
  color(style.color, true);
  os << style.name;
  color(llvm::raw_ostream::SAVEDCOLOR, true);
  os << withoutControls(clipped(diagnostic.getMessage()));
  if (colors)
    os.resetColor();
  os << '\n';
  if (!hasPlace)
    return;
  ShownLine line(diagnostic.getLineContents(), diagnostic.getColumnNo());
  os << line.text << '\n';
  os.indent(line.caret);
  color(llvm::raw_ostream::GREEN, true);
  os << '^';
  if (colors)
    os.resetColor();
  os << '\n';
}

} // namespace xfer
