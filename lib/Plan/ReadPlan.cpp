//===- ReadPlan.cpp - Plan file to module ---------------------------------===//
//
// The inverse of EmitPlan.cpp. Declarations are parsed from the plan's text;
// programs are rebuilt from its tables. What a plan says that follows from the
// declarations must say the same. Numbers are checked here before they index
// anything; what they say about each other is verifyModule's to check.
//===----------------------------------------------------------------------===//
#include "xfer/Plan/ReadPlan.h"
#include "PlanReader.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Plan/PlanPipeline.h"
#include "xfer/Text/Parser.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/plan_digest.h"

using llvm::Twine;

namespace xfer {

std::unique_ptr<Module> PlanReader::read(std::string &pipeline) {
  using Step = LogicalResult (PlanReader::*)();
  for (Step step :
       {&PlanReader::checkFile, &PlanReader::readDeclarations, &PlanReader::readTensors,
        &PlanReader::readRegions, &PlanReader::readLogicalRegions, &PlanReader::readRankLists,
        &PlanReader::readPrograms, &PlanReader::checkBindings})
    if (failed((this->*step)()))
      return nullptr;
  pipeline = plan->pipeline()->str();
  module->promised = promisedLimits(pipeline);
  return failed(verifyModule(*module, diagnostics)) ? nullptr : std::move(module);
}

/// Verifies:
/// - offsets stay inside the file, and it is of this format;
/// - its bytes are those that were written, and its digest that of its texts, which hold no NUL.
LogicalResult PlanReader::checkFile() {
  if (file.size() < 16 || !fb::PlanBufferHasIdentifier(file.data()))
    return error("no file identifier 'XFER'");
  const auto maxTables = static_cast<flatbuffers::uoffset_t>(file.size() / 4);
  flatbuffers::Verifier verifier(file.data(), file.size(), /*max_depth=*/16, maxTables);
  if (!fb::VerifyPlanBuffer(verifier))
    return error("offsets lead outside the file");
  plan = fb::GetPlan(file.data());
  if (plan->version() != fb::kPlanVersion)
    return error("format version is " + Twine(plan->version()) + ", expected " +
                 Twine(fb::kPlanVersion));
  const size_t offset = fb::contentOffset(file);
  if (offset == 0 || fb::contentHash(file, offset) != plan->content())
    return error("content hash is not that of the file's bytes");
  if (!fb::hasPlainTexts(*plan))
    return error("texts hold a NUL byte");
  if (fb::planDigest(plan->compiler()->string_view(), plan->pipeline()->string_view(),
                     plan->declarations()->string_view()) != plan->digest())
    return error("digest is not that of the plan's texts");
  return success();
}

LogicalResult PlanReader::readDeclarations() {
  unsigned id = diagnostics.sourceMgr().AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(plan->declarations()->string_view(), "<plan>"),
      llvm::SMLoc());
  module = parseModule(id, diagnostics);
  if (!module)
    return failure();
  if (module->level != Level::Declarations)
    return error("declarations hold lowered operations");
  if (failed(verifyModule(*module, diagnostics)) || failed(expectBothSides(*module, diagnostics)))
    return failure();
  std::vector<int64_t> expected = ranksOf(*module), ranks;
  if (!vectors.mayRead(plan->ranks()))
    return error("ranks of the job are misaligned");
  for (size_t i = 0; i < sizeOf(plan->ranks()); ++i)
    ranks.push_back(at(plan->ranks(), i));
  if (ranks != expected)
    return error("is for ranks " + ranksToString(ranks) + ", but its declarations name " +
                 ranksToString(expected));
  return success();
}

bool isPlan(llvm::StringRef bytes) {
  // What stands before the identifier is an offset, of which no text has the bytes: `/// XFER`.
  return bytes.substr(4, 4) == fb::PlanIdentifier() && bytes.take_front(4).contains('\0');
}

std::unique_ptr<Module> readPlan(llvm::StringRef bytes, std::string &pipeline,
                                 Diagnostics &diagnostics) {
  // A copy, because accessors need eight-byte alignment.
  constexpr size_t kMaxBytes = std::numeric_limits<int32_t>::max();
  if (bytes.size() >= kMaxBytes) {
    (void)diagnostics.error({}, "plan: has " + Twine(bytes.size()) +
                                    " bytes, expected less than 2 GiB");
    return nullptr;
  }
  std::vector<uint64_t> aligned((bytes.size() + 7) / 8);
  llvm::copy(bytes, reinterpret_cast<char *>(aligned.data()));
  return PlanReader({reinterpret_cast<const uint8_t *>(aligned.data()), bytes.size()}, diagnostics)
      .read(pipeline);
}

} // namespace xfer
