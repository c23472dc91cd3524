//===- Reseal.h - Mutated plans with right hashes ---------------*- C++ -*-===//
//
// A fuzzer of plans includes this: what libFuzzer makes of a plan gets the hashes of
// its own bytes, so that the checks behind them are reached.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/plan_digest.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize,
                                          unsigned seed) {
  using namespace xfer;
  size = LLVMFuzzerMutate(data, size, maxSize);
  flatbuffers::Verifier verifier(data, size);
  if (seed % 16 == 0 || !fb::VerifyPlanBuffer(verifier))
    return size; // damaged hashes and offsets are tried too
  fb::Plan &plan = *flatbuffers::GetMutableRoot<fb::Plan>(data);
  const uint64_t digest =
      fb::planDigest(plan.compiler()->string_view(), plan.pipeline()->string_view(),
                     plan.declarations()->string_view());
  if (uint8_t *field =
          reinterpret_cast<flatbuffers::Table &>(plan).GetAddressOf(fb::Plan::VT_DIGEST))
    flatbuffers::WriteScalar(field, digest);
  fb::sealPlan({data, size});
  return size;
}
