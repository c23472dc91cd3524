//===- plan_digest.h - The two hashes of a plan file ------------*- C++ -*-===//
//
// The digest says what a plan means and is what ranks compare; the content hash
// says that the file's bytes are those that were written. The writer calls
// planDigest() and, on the finished buffer, sealPlan(); the reader recomputes
// both. Header only, so that writer and reader share nothing else.
//===----------------------------------------------------------------------===//
#ifndef XFER_PLAN_DIGEST_H
#define XFER_PLAN_DIGEST_H

#define XXH_INLINE_ALL
#include "xfer/plan_generated.h"
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <xxhash.h>

namespace xfer::fb {

/// Version of the format that this header belongs to; Plan.version.
inline constexpr uint32_t kPlanVersion = 2;

/// Plan.digest: xxh3_64 over the three texts, each followed by a NUL byte.
inline uint64_t planDigest(std::string_view compiler, std::string_view pipeline,
                           std::string_view declarations) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (std::string_view text : {compiler, pipeline, declarations}) {
    XXH3_64bits_update(&state, text.data(), text.size());
    XXH3_64bits_update(&state, "", 1);
  }
  return XXH3_64bits_digest(&state);
}

/// True if no text of the plan holds a NUL: otherwise other texts could have the same digest.
inline bool hasPlainTexts(const Plan &plan) {
  for (const flatbuffers::String *text : {plan.compiler(), plan.pipeline(), plan.declarations()})
    if (text->string_view().find('\0') != std::string_view::npos)
      return false;
  return true;
}

/// Where Plan.content lies in a verified file, as an offset from its start; 0 if it is absent.
inline size_t contentOffset(std::span<const uint8_t> file) {
  const uint8_t *field =
      flatbuffers::GetRoot<flatbuffers::Table>(file.data())->GetAddressOf(Plan::VT_CONTENT);
  return field ? static_cast<size_t>(field - file.data()) : 0;
}

/// Plan.content: xxh3_64 over the file with the eight bytes at `contentOffset` taken as zero.
inline uint64_t contentHash(std::span<const uint8_t> file, size_t contentOffset) {
  const uint8_t zeros[sizeof(uint64_t)] = {};
  const size_t end = contentOffset + sizeof(zeros);
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, file.data(), contentOffset);
  XXH3_64bits_update(&state, zeros, sizeof(zeros));
  XXH3_64bits_update(&state, file.data() + end, file.size() - end);
  return XXH3_64bits_digest(&state);
}

/// Writes Plan.content into a finished file. The builder must have stored the field: FlatBuffers
/// leaves out zeros, so give it any other value (or ForceDefaults). Returns false if it did not.
inline bool sealPlan(std::span<uint8_t> file) {
  const size_t offset = contentOffset(file);
  if (offset == 0)
    return false;
  flatbuffers::WriteScalar(file.data() + offset, contentHash(file, offset));
  return true;
}

} // namespace xfer::fb

#endif
