//===- Job.cpp - What is said of the sides of a job -----------------------===//
//
// Two spellings of one thing: a job file and the command line. Both set the
// same named sizes and words; Sides.cpp checks that they agree.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/Job.h"
#include "xfer/Frontend/JsonFields.h"
#include "xfer/IR/Spelling.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {
namespace {

/// Of one number in a side: far above every job, far below an overflow of a product of two.
constexpr int64_t kMaxSize = int64_t(1) << 20;

/// Words of an option, in the order of the table.
llvm::SmallVector<StringRef, 4> splitWords(StringRef words) {
  llvm::SmallVector<StringRef, 4> split;
  words.split(split, ' ');
  return split;
}

/// `tp_size` is another spelling of `tp`.
StringRef withoutSize(StringRef name) {
  name.consume_back("_size");
  return name;
}

/// Sets one option of a side by its name, from either spelling.
class SideSetter {
public:
  SideSetter(Side &side, bool overrides, Diagnostics &diagnostics)
      : side(side), overrides(overrides), diagnostics(diagnostics) {}
  LogicalResult set(StringRef name, SMLoc nameLoc, const JsonValue &value);

private:
  LogicalResult setSize(StringRef name, SideSize &size, int64_t minimum, const JsonValue &value);
  LogicalResult setWord(StringRef name, SideWord &word, StringRef words, const JsonValue &value);
  LogicalResult setLayers(const JsonValue &value);

  Side &side;
  bool overrides;
  Diagnostics &diagnostics;
};

LogicalResult SideSetter::setSize(StringRef name, SideSize &size, int64_t minimum,
                                  const JsonValue &value) {
  std::optional<int64_t> number = value.size();
  if (!number || *number < minimum || *number > kMaxSize)
    return diagnostics.error(value.loc, "'" + name + "' is " + value.describe() +
                                            ", expected an integer from " + Twine(minimum) +
                                            " to " + Twine(kMaxSize));
  if (!size.isGiven || overrides)
    size = {*number, true, value.loc};
  return success();
}

LogicalResult SideSetter::setWord(StringRef name, SideWord &word, StringRef words,
                                  const JsonValue &value) {
  auto known = splitWords(words);
  StringRef text = value.text;
  if (value.kind == JsonValue::Kind::Boolean)
    text = value.boolean ? "true" : "false";
  if (!llvm::is_contained(known, text))
    return diagnostics.error(value.loc, "'" + name + "' is " + value.describe() + ", expected '" +
                                            llvm::join(known, "' or '") + "'" +
                                            didYouMean(text, known));
  if (!word.loc.isValid() || overrides)
    word = {text.str(), value.loc};
  return success();
}

LogicalResult SideSetter::setLayers(const JsonValue &value) {
  std::vector<int64_t> layers;
  for (const JsonValue &element : value.elements) {
    std::optional<int64_t> count = element.size();
    if (!count || *count > kMaxSize)
      return diagnostics.error(element.loc, "'layers' has " + element.describe() +
                                                ", expected a number of layers");
    layers.push_back(*count);
  }
  if (layers.empty())
    return diagnostics.error(value.loc, "'layers' is " + value.describe() +
                                            ", expected a list of how many layers each stage "
                                            "has, as in [24, 24]");
  if (side.stageLayers.empty() || overrides) {
    side.stageLayers = std::move(layers);
    side.stageLayersLoc = value.loc;
  }
  return success();
}

LogicalResult SideSetter::set(StringRef name, SMLoc nameLoc, const JsonValue &value) {
  StringRef spelled = name;
  name = withoutSize(name);
  std::vector<StringRef> known = {"framework", "layers"};
  if (name == "layers")
    return setLayers(value);
#define ROW(NAME, DEFAULT, MINIMUM, HELP)                                                          \
  if (name == #NAME)                                                                               \
    return setSize(spelled, side.NAME, MINIMUM, value);                                            \
  known.push_back(#NAME);
  XFER_SIDE_SIZES(ROW)
#undef ROW
#define ROW(NAME, WORDS, HELP)                                                                     \
  if (name == #NAME)                                                                               \
    return setWord(spelled, side.NAME, WORDS, value);                                              \
  known.push_back(#NAME);
  XFER_SIDE_WORDS(ROW)
#undef ROW
  return diagnostics.error(nameLoc, "'" + side.name + "' has no option '" + spelled + "'" +
                                        didYouMean(name, known));
}

/// A value as the command line spells it: digits, a word, or `4+4+3` (`4x2` is `4+4`).
JsonValue toValue(StringRef text) {
  JsonValue value;
  value.loc = SMLoc::getFromPointer(text.data());
  value.text = text;
  bool isNumber = !text.empty() && llvm::all_of(text, llvm::isDigit);
  value.kind = isNumber ? JsonValue::Kind::Number : JsonValue::Kind::String;
  return value;
}

LogicalResult parseLayers(StringRef text, llvm::SmallVectorImpl<JsonValue> &elements,
                          Diagnostics &diagnostics) {
  llvm::SmallVector<StringRef> terms;
  text.split(terms, '+');
  for (StringRef term : terms) {
    auto [count, times] = term.split('x');
    int64_t repeats = 1;
    if (count.size() != term.size() && (!llvm::all_of(times, llvm::isDigit) ||
                                        times.getAsInteger(10, repeats) || repeats > kMaxSize))
      return diagnostics.error(SMLoc::getFromPointer(term.data()),
                               "expected how many layers each stage has, as in 4+4+3 or 4x2+3, "
                               "got '" +
                                   term + "'");
    elements.append(repeats, toValue(count));
  }
  return success();
}

} // namespace

Side::Side() {
#define ROW(NAME, DEFAULT, MINIMUM, HELP) NAME.value = DEFAULT;
  XFER_SIDE_SIZES(ROW)
#undef ROW
#define ROW(NAME, WORDS, HELP) NAME.value = splitWords(WORDS).front().str();
  XFER_SIDE_WORDS(ROW)
#undef ROW
}

std::optional<DType> Side::storedDType() const {
  return dtype.value == "model" ? std::nullopt : parseDType(dtype.value);
}

Job::Job() {
  train.name = "train";
  generation.name = "generation";
  generation.isSource = false;
}

LogicalResult parseSide(StringRef text, Side &side, Diagnostics &diagnostics) {
  if (side.loc.isValid())
    return diagnostics.error(SMLoc::getFromPointer(text.data()),
                             "'" + side.name + "' is described twice");
  auto [framework, options] = text.split(':');
  side.framework = framework.str();
  side.loc = SMLoc::getFromPointer(text.data());
  SideSetter setter(side, /*overrides=*/true, diagnostics);
  llvm::StringSet<> given;
  while (!options.empty()) {
    StringRef option;
    std::tie(option, options) = options.split(',');
    auto [name, valueText] = option.split('=');
    SMLoc nameLoc = SMLoc::getFromPointer(option.data());
    if (!given.insert(withoutSize(name)).second)
      return diagnostics.error(nameLoc, "option '" + name + "' is given twice");
    llvm::SmallVector<JsonValue> elements;
    JsonValue value = toValue(valueText);
    if (name.size() == option.size()) { // `flat` alone is `flat=true`
      value.kind = JsonValue::Kind::Boolean;
      value.boolean = true;
      value.loc = nameLoc;
    }
    if (name == "layers") {
      if (failed(parseLayers(valueText, elements, diagnostics)))
        return failure();
      value.elements = elements;
    }
    if (failed(setter.set(name, nameLoc, value)))
      return failure();
  }
  return success();
}

static LogicalResult readSide(const JsonValue &object, Side &side, Diagnostics &diagnostics) {
  JsonFields fields(object, "'" + side.name + "'", diagnostics);
  StringRef framework = fields.string("framework", "");
  if (fields.failed())
    return failure();
  if (!side.isGiven() && !framework.empty()) {
    side.framework = framework.str();
    side.loc = fields.locOf("framework");
  }
  if (!side.isGiven())
    return diagnostics.error(object.loc, "'" + side.name +
                                             "' has no 'framework', expected 'fsdp', "
                                             "'megatron' or 'vllm' here or on the "
                                             "command line");
  SideSetter setter(side, /*overrides=*/false, diagnostics);
  llvm::StringSet<> given;
  for (const JsonMember &member : object.members) {
    if (member.name == "framework" || member.name.starts_with("_"))
      continue;
    if (!given.insert(withoutSize(member.name)).second)
      return diagnostics.error(member.loc, "option '" + member.name + "' is given twice");
    if (failed(setter.set(member.name, member.loc, member.value)))
      return failure();
  }
  return success();
}

LogicalResult readJob(const JsonValue &root, Job &job, Diagnostics &diagnostics) {
  if (root.kind != JsonValue::Kind::Object)
    return diagnostics.error(root.loc, "expected a job to be an object, got " + root.describe());
  for (const JsonMember &member : root.members) {
    if (member.name.starts_with("_")) // `_comment`
      continue;
    StringRef known[] = {"train", "generation"};
    if (!llvm::is_contained(known, member.name))
      return diagnostics.error(member.loc, "a job has no '" + member.name +
                                               "', expected 'train' and 'generation'" +
                                               didYouMean(member.name, known));
    Side &side = member.name == "train" ? job.train : job.generation;
    if (failed(readSide(member.value, side, diagnostics)))
      return failure();
  }
  return success();
}

} // namespace xfer::frontend
