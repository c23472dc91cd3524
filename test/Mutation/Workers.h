//===- Workers.h - Judging in processes of their own ------------*- C++ -*-===//
#pragma once
#include "Judge.h"

namespace xfer::mutation {

/// The judgements of all mutants, in their order. Child processes judge, so that a crash or a hang
/// is a judgement as well: such a mutant has survived.
std::vector<Judgement> judgeAll(const Judge &judge, const std::vector<Mutant> &mutants);

} // namespace xfer::mutation
