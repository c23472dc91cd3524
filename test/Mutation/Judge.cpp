//===- Judge.cpp - Who notices that a plan is damaged ---------------------===//
#include "Judge.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Plan/EmitPlan.h"
#include "xfer/Plan/PlanPipeline.h"
#include "xfer/Plan/ReadPlan.h"
#include "xfer/Text/Parser.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Passes.h"
#include "llvm/Support/raw_ostream.h"

namespace xfer::mutation {

static llvm::StringRef textOf(const std::vector<uint8_t> &file) {
  return {reinterpret_cast<const char *>(file.data()), file.size()};
}

/// Without what a reader may leave out, an aligned copy is what FlatBuffers needs.
static std::unique_ptr<fb::PlanT> unpack(const std::vector<uint8_t> &file) {
  std::vector<uint64_t> aligned((file.size() + 7) / 8);
  std::memcpy(aligned.data(), file.data(), file.size());
  return std::unique_ptr<fb::PlanT>(fb::GetPlan(aligned.data())->UnPack());
}

std::vector<uint8_t> Judge::seal(const fb::PlanT &plan) {
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true); // so that a hash of 0 has a place, too
  fb::FinishPlanBuffer(builder, fb::Plan::Pack(builder, &plan));
  std::vector<uint8_t> file(builder.GetBufferPointer(),
                            builder.GetBufferPointer() + builder.GetSize());
  fb::sealPlan(file);
  return file;
}

std::unique_ptr<Judge> Judge::create(std::vector<uint8_t> file, std::optional<int64_t> rank,
                                     Diagnostics &diagnostics) {
  std::unique_ptr<Judge> judge(new Judge);
  xfer_plan_t *plan = nullptr;
  if (xfer_plan_load(file.data(), file.size(), &plan) != XFER_OK) {
    (void)diagnostics.error({}, xfer_last_error());
    return nullptr;
  }
  judge->loaded.reset(plan, xfer_plan_destroy);
  std::string pipeline;
  judge->module = readPlan(textOf(file), pipeline, diagnostics);
  if (!judge->module)
    return nullptr;
  judge->undamaged = unpack(file);
  auto &programs = judge->undamaged->programs;
  if (programs.size() != judge->undamaged->ranks.size()) {
    (void)diagnostics.error({}, "expected the plan of a whole job");
    return nullptr;
  }
  if (rank)
    std::erase_if(programs, [&](const auto &program) { return program->rank != *rank; });
  if (programs.empty()) {
    (void)diagnostics.error({}, "the plan has no such rank");
    return nullptr;
  }
  judge->original = std::move(file);
  judge->rank = rank;
  judge->world = std::make_unique<World>(*judge->module, diagnostics);
  return judge;
}

std::vector<uint8_t> Judge::damagedFile(const Mutant &mutant) const {
  if (mutant.bytes) {
    std::vector<uint8_t> file = seal(*undamaged);
    mutant.bytes(file);
    flatbuffers::Verifier verifier(file.data(), file.size());
    if (mutant.sealedAgain && file.size() >= 16 && fb::VerifyPlanBuffer(verifier))
      fb::sealPlan(file);
    return file;
  }
  std::unique_ptr<fb::PlanT> plan = unpack(original);
  if (rank)
    std::erase_if(plan->programs, [&](const auto &program) { return program->rank != *rank; });
  mutant.apply(*plan);
  if (mutant.digestFollows)
    plan->digest = fb::planDigest(plan->compiler, plan->pipeline, plan->declarations);
  return seal(*plan);
}

std::string Judge::text() const {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (!rank)
    printModule(*module, stream);
  return text;
}

namespace {
/// Collects what is said.
struct Hearing {
  Hearing() : diagnostics(sources), stream(said) {
    diagnostics.setHandler(
        [this](const llvm::SMDiagnostic &diagnostic) { printDiagnostic(diagnostic, stream); });
  }
  Judgement prove(Module &module) {
    PassContext context{diagnostics, std::nullopt};
    if (module.programs.size() == 1)
      context.rank = module.programs.front().rank;
    const PassResult result = createVerifyPlanPass()->run(module, context);
    return {result == PassResult::Failed ? Verdict::Verifier : Verdict::Survivor, said};
  }
  llvm::SourceMgr sources;
  Diagnostics diagnostics;
  std::string said;
  llvm::raw_string_ostream stream;
};
} // namespace

Judgement Judge::verify(const std::vector<uint8_t> &file) const {
  Hearing hearing;
  std::string pipeline;
  std::unique_ptr<Module> read = readPlan(textOf(file), pipeline, hearing.diagnostics);
  if (!read)
    return {Verdict::Reader, hearing.said};
  return asksProof ? hearing.prove(*read) : Judgement();
}

Judgement Judge::compile(const Mutant &mutant, std::vector<uint8_t> &file) const {
  std::string damaged = text();
  mutant.text(damaged);
  Hearing hearing;
  const unsigned buffer = hearing.sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBuffer(damaged, "mutant.xfer"), {});
  std::unique_ptr<Module> read = parseModule(buffer, hearing.diagnostics);
  if (!read || failed(verifyModule(*read, hearing.diagnostics)))
    return {Verdict::Reader, hearing.said};
  if (asksProof)
    if (Judgement proof = hearing.prove(*read); proof.verdict != Verdict::Survivor)
      return proof;
  if (failed(emitPlan(*read, startOfPipeline(*read), file, hearing.diagnostics)))
    return {Verdict::Reader, hearing.said};
  return {};
}

Judgement Judge::judge(const Mutant &mutant) const {
  if (!mutant.text)
    return judgeFile(mutant, damagedFile(mutant));
  std::vector<uint8_t> file;
  if (Judgement compiled = compile(mutant, file); compiled.verdict != Verdict::Survivor)
    return compiled;
  Judgement judgement = judgeFile(mutant, file);
  if (asksProof && judgement.verdict < Verdict::Session) {
    judgement.verdict = Verdict::Survivor; // what is proven makes no plan that is refused
    judgement.text = "its plan is refused: " + judgement.text;
  }
  return judgement;
}

Judgement Judge::judgeFile(const Mutant &mutant, const std::vector<uint8_t> &file) const {
  xfer_plan_t *handle = nullptr;
  if (xfer_plan_load(file.data(), file.size(), &handle) != XFER_OK)
    return {Verdict::Loader, xfer_last_error()};
  const std::shared_ptr<xfer_plan_t> damaged(handle, xfer_plan_destroy);
  if (Judgement verified = verify(file); verified.verdict != Verdict::Survivor)
    return verified;
  const std::optional<int64_t> damagedRank = rank ? rank : mutant.onlyRank;
  const ReplayResult result = replay(*world, [&](int64_t each) {
    return damagedRank && each != *damagedRank ? loaded.get() : damaged.get();
  });
  switch (result.ending) {
  case Ending::Right:
    return {Verdict::Harmless, {}};
  case Ending::Refused:
    return {Verdict::Session, result.text};
  case Ending::Failed:
    if (damagedRank)
      return {Verdict::Replay, result.text};
    return {Verdict::Survivor, "the replay fails: " + result.text};
  case Ending::WrongValues:
    break;
  }
  return {Verdict::Survivor, "wrong values: " + result.text};
}

} // namespace xfer::mutation
