//===- Fields.h - The structs of a plan as lists of numbers -----*- C++ -*-===//
//
// FlatBuffers has no reflection for structs of this version: every field by name,
// in the order of plan.fbs.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/plan_generated.h"
#include <vector>

namespace xfer::mutation {

/// A field's name and the bytes it takes.
struct FieldInfo {
  const char *name;
  int bytes;
};
using Numbers = std::vector<int64_t>;
template <typename T> struct Fields;

template <> struct Fields<fb::Loop> {
  static constexpr const char *kName = "Loop";
  static constexpr FieldInfo kFields[] = {{"size", 8}, {"stride", 8}};
  static Numbers get(const fb::Loop &loop) { return {loop.size(), loop.stride()}; }
  static fb::Loop make(const Numbers &n) { return {n[0], n[1]}; }
};

template <> struct Fields<fb::Segment> {
  static constexpr const char *kName = "Segment";
  static constexpr FieldInfo kFields[] = {{"begin", 8}, {"run", 8}, {"stride", 8}, {"count", 8}};
  static Numbers get(const fb::Segment &s) { return {s.begin(), s.run(), s.stride(), s.count()}; }
  static fb::Segment make(const Numbers &n) { return {n[0], n[1], n[2], n[3]}; }
};

template <> struct Fields<fb::Chunk> {
  static constexpr const char *kName = "Chunk";
  static constexpr FieldInfo kFields[] = {{"tensor", 4}, {"source", 4},        {"source_region", 4},
                                          {"target", 4}, {"target_region", 4}, {"offset", 8}};
  static Numbers get(const fb::Chunk &c) {
    return {c.tensor(), c.source(), c.source_region(), c.target(), c.target_region(), c.offset()};
  }
  static fb::Chunk make(const Numbers &n) {
    auto u = [&](size_t i) { return static_cast<uint32_t>(n[i]); };
    return {u(0), u(1), u(2), u(3), u(4), n[5]};
  }
};

template <> struct Fields<fb::Zeros> {
  static constexpr const char *kName = "Zeros";
  static constexpr FieldInfo kFields[] = {{"target", 4}, {"region", 4}};
  static Numbers get(const fb::Zeros &zeros) { return {zeros.target(), zeros.region()}; }
  static fb::Zeros make(const Numbers &n) {
    return {static_cast<uint32_t>(n[0]), static_cast<uint32_t>(n[1])};
  }
};

template <> struct Fields<fb::LogicalChunk> {
  static constexpr const char *kName = "LogicalChunk";
  static constexpr FieldInfo kFields[] = {{"region", 4}, {"target", 4}};
  static Numbers get(const fb::LogicalChunk &chunk) { return {chunk.region(), chunk.target()}; }
  static fb::LogicalChunk make(const Numbers &n) {
    return {static_cast<uint32_t>(n[0]), static_cast<uint32_t>(n[1])};
  }
};

template <> struct Fields<fb::Bucket> {
  static constexpr const char *kName = "Bucket";
  static constexpr FieldInfo kFields[] = {
      {"ordinal", 8},      {"sender", 8},      {"bytes", 8},      {"contributors", 4},
      {"destinations", 4}, {"first_chunk", 4}, {"num_chunks", 4}, {"transport", 1}};
  static Numbers get(const fb::Bucket &b) {
    return {b.ordinal(),      b.sender(),      b.bytes(),      b.contributors(),
            b.destinations(), b.first_chunk(), b.num_chunks(), static_cast<int64_t>(b.transport())};
  }
  static fb::Bucket make(const Numbers &n) {
    auto u = [&](size_t i) { return static_cast<uint32_t>(n[i]); };
    return {n[0], n[1], n[2], u(3), u(4), u(5), u(6), static_cast<fb::Transport>(n[7])};
  }
};

template <> struct Fields<fb::Window> {
  static constexpr const char *kName = "Window";
  static constexpr FieldInfo kFields[] = {{"index", 8}, {"first_bucket", 4}, {"num_buckets", 4}};
  static Numbers get(const fb::Window &w) { return {w.index(), w.first_bucket(), w.num_buckets()}; }
  static fb::Window make(const Numbers &n) {
    return {n[0], static_cast<uint32_t>(n[1]), static_cast<uint32_t>(n[2])};
  }
};

} // namespace xfer::mutation
