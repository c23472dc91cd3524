//===- MessageHash.h - Checksums of messages on devices ---------*- C++ -*-===//
//
// A message's checksum is the sum, modulo 2^64, of the XXH64 of each of its
// 16-byte pieces (the last may be shorter), seeded with the piece's index, and of
// the message's name. A sum comes out the same however threads share the pieces,
// the seed keeps pieces from changing places, the name messages. Messages lie in staging, aligned
// to 8 bytes; the checksum follows the message, at the next multiple of 8.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_MESSAGEHASH_H
#define XFER_RUNTIME_CUDA_MESSAGEHASH_H

#include "../HostDevice.h"
#include "CopyTile.h"
#include "Steps.h"

namespace xfer::runtime {

/// What a rank that has failed sends in a checksum's place.
inline constexpr uint64_t kFailedSender = 0;

/// Where the checksum of a message lies, in bytes from its begin; 8 bytes more are sent.
XFER_HOST_DEVICE inline int64_t checksumOffset(int64_t messageBytes) {
  return (messageBytes + 7) / 8 * 8;
}

XFER_HOST_DEVICE inline uint64_t rotateLeft(uint64_t value, int bits) {
  return (value << bits) | (value >> (64 - bits));
}

XFER_HOST_DEVICE inline uint64_t loadWord(const std::byte *address) {
  const auto word = *reinterpret_cast<const Word<8> *>(address);
  return word.parts[0] | static_cast<uint64_t>(word.parts[1]) << 32;
}

/// XXH64 of at most 16 bytes at an address that is aligned to 8.
XFER_HOST_DEVICE inline uint64_t hashPiece(const std::byte *bytes, int64_t count, uint64_t seed) {
  constexpr uint64_t kPrimes[] = {0x9e3779b185ebca87, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9,
                                  0x85ebca77c2b2ae63, 0x27d4eb2f165667c5};
  uint64_t hash = seed + kPrimes[4] + static_cast<uint64_t>(count);
  for (; count >= 8; bytes += 8, count -= 8) {
    hash ^= rotateLeft(loadWord(bytes) * kPrimes[1], 31) * kPrimes[0];
    hash = rotateLeft(hash, 27) * kPrimes[0] + kPrimes[3];
  }
  if (count >= 4) {
    hash ^= reinterpret_cast<const Word<4> *>(bytes)->part * kPrimes[0];
    hash = rotateLeft(hash, 23) * kPrimes[1] + kPrimes[2];
    bytes += 4, count -= 4;
  }
  for (; count > 0; ++bytes, --count)
    hash = rotateLeft(hash ^ static_cast<uint64_t>(*bytes) * kPrimes[4], 11) * kPrimes[0];
  hash = (hash ^ (hash >> 33)) * kPrimes[1];
  hash = (hash ^ (hash >> 29)) * kPrimes[2];
  return hash ^ (hash >> 32);
}

/// What `thread` of `numThreads` adds to the checksum of a tile's message.
XFER_HOST_DEVICE inline uint64_t hashTile(const StepTables &tables, const Tile &tile,
                                          uint32_t thread, uint32_t numThreads) {
  const MessageStep &message = tables.messages[tile.step];
  const std::byte *bytes = tables.bases[kStagingBase] + message.offset;
  uint64_t sum = 0;
  for (auto i = static_cast<int64_t>(thread); i < tile.count; i += numThreads) {
    const int64_t begin = (tile.first + i) * kUnitBytes;
    const int64_t rest = message.bytes - begin;
    sum += hashPiece(bytes + begin, rest < kUnitBytes ? rest : kUnitBytes,
                     static_cast<uint64_t>(tile.first + i));
  }
  return sum;
}

/// What `thread` of `numThreads` adds of the name and of the sums that tiles have left.
XFER_HOST_DEVICE inline uint64_t sumTiles(const StepTables &tables, const MessageStep &message,
                                          uint32_t thread, uint32_t numThreads) {
  uint64_t sum = thread == 0 ? message.name : 0;
  for (auto i = static_cast<int64_t>(thread); i < message.numTiles; i += numThreads)
    sum += tables.tileSums[message.firstTile + i];
  return sum;
}

/// A sum as it is sent: never the mark of a rank that has failed.
XFER_HOST_DEVICE inline uint64_t checksumOf(uint64_t sum) { return sum == kFailedSender ? 1 : sum; }

XFER_HOST_DEVICE inline uint64_t &sentChecksum(const StepTables &tables,
                                               const MessageStep &message) {
  return *reinterpret_cast<uint64_t *>(tables.bases[kStagingBase] + message.offset +
                                       checksumOffset(message.bytes));
}

/// Notes what is wrong with a message, but not yet that something is.
XFER_HOST_DEVICE inline void describeDamage(const StepTables &tables, int64_t index) {
  const MessageStep &message = tables.messages[index];
  tables.damage->message = index;
  tables.damage->checksum = checksumOf(sumTiles(tables, message, 0, 1));
  tables.damage->expected = sentChecksum(tables, message);
}

} // namespace xfer::runtime

#endif
