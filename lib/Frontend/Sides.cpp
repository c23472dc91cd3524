//===- Sides.cpp - Sizes that agree ---------------------------------------===//
//
// What each framework does with each kind of parallelism, and the sizes that
// follow from the others. An error names the sizes and their product.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/Frameworks.h"
#include "xfer/IR/Spelling.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {
namespace {

constexpr int64_t kMaxRanks = int64_t(1) << 20; // of a mesh

class SideResolver {
public:
  SideResolver(Side &side, Diagnostics &diagnostics) : side(side), diagnostics(diagnostics) {}
  LogicalResult resolve();

private:
  LogicalResult checkBounds();
  LogicalResult checkTaken(const Framework &framework);
  LogicalResult resolveData();
  LogicalResult resolveExperts();
  int64_t leastData() const;
  LogicalResult error(const SideSize &size, const Twine &text) {
    return diagnostics.error(size.isGiven ? size.loc : side.loc, text);
  }

  Side &side;
  Diagnostics &diagnostics;
};

/// Verifies that the framework knows every option that is given.
LogicalResult SideResolver::checkTaken(const Framework &framework) {
  auto refuse = [&](StringRef name, SMLoc loc) {
    return diagnostics.error(loc, "'" + framework.name + "' has no use for '" + name + "'");
  };
  // A size of 1 says that there is no such parallelism.
#define ROW(NAME, DEFAULT, MINIMUM, HELP)                                                          \
  if (side.NAME.isGiven && side.NAME.value != 1 && !framework.takes(#NAME))                        \
    return refuse(#NAME, side.NAME.loc);
  XFER_SIDE_SIZES(ROW)
#undef ROW
#define ROW(NAME, WORDS, HELP)                                                                     \
  if (side.NAME.loc.isValid() && side.NAME.value != StringRef(WORDS).split(' ').first &&           \
      !framework.takes(#NAME))                                                                     \
    return refuse(#NAME, side.NAME.loc);
  XFER_SIDE_WORDS(ROW)
#undef ROW
  if (!side.stageLayers.empty() && !framework.takes("layers"))
    return refuse("layers", side.stageLayersLoc);
  return success();
}

/// Verifies that no product of sizes exceeds the ranks that a mesh may have.
LogicalResult SideResolver::checkBounds() {
  auto check = [&](std::initializer_list<const SideSize *> sizes) {
    int64_t product = 1;
    for (const SideSize *size : sizes)
      if ((product *= std::max<int64_t>(size->value, 1)) > kMaxRanks)
        return error(*size, "'" + side.name + "' has more than " + Twine(kMaxRanks) + " ranks");
    return success();
  };
  return success(succeeded(check({&side.tp, &side.pp, &side.cp, &side.fsdp, &side.dp_replicate})) &&
                 succeeded(check({&side.ep, &side.etp})));
}

/// The least data parallelism with which the experts' parallelism fits.
int64_t SideResolver::leastData() const {
  int64_t others = side.tp.value * side.cp.value;
  int64_t expertRanks = side.ep.value * std::max<int64_t>(side.etp.value, 1);
  if (side.framework == "fsdp" || expertRanks == 1)
    return 1;
  return std::lcm(others, expertRanks) / others;
}

/// Fills dp and num_gpus from each other.
LogicalResult SideResolver::resolveData() {
  int64_t others =
      side.tp.value * side.pp.value * side.cp.value * side.fsdp.value * side.dp_replicate.value;
  int64_t gpus = side.num_gpus.value;
  if (!side.dp.isGiven && !side.num_gpus.isGiven)
    side.dp.value = leastData();
  else if (!side.dp.isGiven)
    side.dp.value = std::max<int64_t>(gpus / others, 1);
  // Job files count data parallelism besides that of experts too.
  if (side.dp.isGiven && side.num_gpus.isGiven && side.ep.value > 1 &&
      others * side.dp.value != gpus && others * side.dp.value * side.ep.value == gpus)
    side.dp.value *= side.ep.value;
  int64_t product = others * side.dp.value;
  if (side.num_gpus.isGiven && product != gpus)
    return error(
        side.num_gpus,
        "'num_gpus' of '" + side.name + "' is " + Twine(gpus) + ", but its sizes multiply to " +
            Twine(product) + ": tp " + Twine(side.tp.value) + ", pp " + Twine(side.pp.value) +
            ", cp " + Twine(side.cp.value) + ", dp " + Twine(side.dp.value) +
            (side.framework == "fsdp" ? ", fsdp " + Twine(side.fsdp.value) + ", dp_replicate " +
                                            Twine(side.dp_replicate.value)
                                      : Twine("")));
  side.num_gpus.value = product;
  if (product > kMaxRanks)
    return error(side.num_gpus, "'" + side.name + "' has " + Twine(product) +
                                    " ranks, expected at most " + Twine(kMaxRanks));
  return success();
}

/// Fills etp and checks that ep and etp fit the ranks of a stage.
LogicalResult SideResolver::resolveExperts() {
  int64_t stage = side.tp.value * side.cp.value * side.dp.value;
  int64_t ep = side.ep.value;
  if (side.framework == "vllm") {
    if (!side.etp.isGiven)
      side.etp.value = ep == 1 ? side.tp.value : 1;
    int64_t etp = side.etp.value;
    if (ep > 1 && etp > 1)
      return error(side.etp, "vllm cuts experts over 'ep' or over 'etp', not over both");
    if (ep > 1 && ep % side.tp.value != 0)
      return error(side.ep, "'ep' is " + Twine(ep) + ", expected a multiple of tp " +
                                Twine(side.tp.value) + ": vllm deals experts to all ranks of tp");
    if (ep == 1 && etp % side.tp.value != 0)
      return error(side.etp, "'etp' is " + Twine(etp) + ", expected a multiple of tp " +
                                 Twine(side.tp.value));
  } else if (!side.etp.isGiven) {
    side.etp.value = 1;
  }
  if (stage % (ep * side.etp.value) != 0)
    return error(side.ep, "ep " + Twine(ep) + " * etp " + Twine(side.etp.value) +
                              " does not divide the " + Twine(stage) + " ranks of a stage: tp " +
                              Twine(side.tp.value) + ", cp " + Twine(side.cp.value) + ", dp " +
                              Twine(side.dp.value));
  return success();
}

LogicalResult SideResolver::resolve() {
  const Framework *framework = findFramework(side.framework);
  if (!framework) {
    std::vector<StringRef> known;
    for (const Framework &one : frameworks())
      known.push_back(one.name);
    return diagnostics.error(side.loc, "unknown framework '" + side.framework +
                                           "', expected 'fsdp', 'megatron' or 'vllm'" +
                                           didYouMean(side.framework, known));
  }
  if (failed(checkTaken(*framework)) || failed(checkBounds()) || failed(resolveData()) ||
      failed(resolveExperts()))
    return failure();
  if (!side.stageLayers.empty() && static_cast<int64_t>(side.stageLayers.size()) != side.pp.value)
    return diagnostics.error(side.stageLayersLoc, "'layers' lists " +
                                                      Twine(side.stageLayers.size()) +
                                                      " stages, but pp is " + Twine(side.pp.value));
  return success();
}

} // namespace

LogicalResult resolveJob(Job &job, Diagnostics &diagnostics) {
  for (Side *side : {&job.train, &job.generation}) {
    if (!side->isGiven() && side->loc.isValid()) // `--train=` of an unset variable, `--train=:tp=2`
      return diagnostics.error(side->loc, "'" + side->name +
                                              "' has no framework, expected 'fsdp', 'megatron' or "
                                              "'vllm'");
    if (side->isGiven() && failed(SideResolver(*side, diagnostics).resolve()))
      return failure();
  }
  if (job.train.first_rank.value < 0)
    job.train.first_rank.value = 0;
  if (job.generation.isGiven() && job.generation.first_rank.value < 0) {
    if (!job.train.isGiven())
      return diagnostics.error(job.generation.loc,
                               "ranks of generation follow those of training: describe the "
                               "training side too, or say 'first_rank'");
    job.generation.first_rank.value = job.train.first_rank.value + job.train.num_gpus.value;
  }
  return success();
}

} // namespace xfer::frontend
