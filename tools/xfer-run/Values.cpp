//===- Values.cpp - What every logical element is worth -------------------===//
#include "Values.h"
#include "Parallel.h"
#include "llvm/ADT/bit.h"
#include <cstring>

using llvm::ArrayRef;

namespace xfer::run {

//===- Pattern ------------------------------------------------------------===//

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Writes count elements of `Bits`, each made from a hash of its index.
template <typename Bits, typename Make>
static void generate(uint64_t seed, int64_t begin, int64_t count, void *out, Make make) {
  Bits *elements = static_cast<Bits *>(out);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t hash = (seed + static_cast<uint64_t>(begin + i)) * 0x9e3779b97f4a7c15;
    hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93;
    elements[i] = static_cast<Bits>(make(hash ^ (hash >> 32)));
  }
}

/// Floats of a random sign, mantissa and one of 2^exponentBits exponents from `exponent` on.
template <typename Bits>
static void generateFloats(uint64_t seed, const RowPart &part, void *out, int mantissaBits,
                           uint64_t exponent, int exponentBits) {
  constexpr int width = 8 * sizeof(Bits);
  uint64_t keep = uint64_t(1) << (width - 1) | ((uint64_t(1) << mantissaBits) - 1);
  uint64_t exponents = (uint64_t(1) << exponentBits) - 1;
  generate<Bits>(seed, part.begin, part.count, out, [=](uint64_t hash) {
    uint64_t choice = (hash >> mantissaBits) & exponents;
    return (hash & keep) | (exponent + choice) << mantissaBits;
  });
}

template <typename Bits>
static void generateIntegers(uint64_t seed, const RowPart &part, void *out, int bits,
                             bool isSigned) {
  generate<Bits>(seed, part.begin, part.count, out, [=](uint64_t hash) {
    return isSigned ? static_cast<uint64_t>(static_cast<int64_t>(hash) >> (64 - bits))
                    : hash >> (64 - bits);
  });
}

/// Bits of an integer that a float type holds without overflow, with room for sums.
static int integerBitsFor(DType dtype) {
  switch (dtype) {
  case DType::F8E4M3FN:
    return 7;
  case DType::F16:
  case DType::F8E5M2:
    return 14;
  default:
    return 64;
  }
}

PatternValues::PatternValues(const Module &module) {
  for (const Tensor &tensor : module.tensors) {
    Recipe &recipe = recipes.emplace_back();
    recipe.dtype = tensor.source->dtype;
    recipe.seed = static_cast<int64_t>(mix(recipes.size()));
    recipe.nearOne = module.layout(tensor.source->layout).reduction == ReduceOp::Product;
    recipe.integerBits =
        std::min(static_cast<int>(8 * byteWidth(recipe.dtype)), integerBitsFor(tensor.dtype));
    for (const Side &target : tensor.targets)
      recipe.integerBits = std::min(recipe.integerBits, integerBitsFor(target.dtype));
  }
}

void PatternValues::read(const RowPart &part, int64_t contributor, void *out) const {
  const Recipe &recipe = recipes[part.tensor];
  uint64_t seed = mix(mix(static_cast<uint64_t>(recipe.seed) + contributor) + part.row);
  // Magnitudes from 1/8 to 32, or from 1/2 to 2 where many are multiplied.
  int exponentBits = recipe.nearOne ? 1 : 3;
  int low = recipe.nearOne ? -1 : -3;
  switch (recipe.dtype) {
  case DType::F64:
    return generateFloats<uint64_t>(seed, part, out, 52, 1023 + low, exponentBits);
  case DType::F32:
    return generateFloats<uint32_t>(seed, part, out, 23, 127 + low, exponentBits);
  case DType::F16:
    return generateFloats<uint16_t>(seed, part, out, 10, 15 + low, exponentBits);
  case DType::BF16:
    return generateFloats<uint16_t>(seed, part, out, 7, 127 + low, exponentBits);
  case DType::F8E4M3FN:
    return generateFloats<uint8_t>(seed, part, out, 3, 7 + low, exponentBits);
  case DType::F8E5M2:
    return generateFloats<uint8_t>(seed, part, out, 2, 15 + low, exponentBits);
  case DType::I64:
    return generateIntegers<uint64_t>(seed, part, out, recipe.integerBits, true);
  case DType::I32:
    return generateIntegers<uint32_t>(seed, part, out, recipe.integerBits, true);
  case DType::I16:
    return generateIntegers<uint16_t>(seed, part, out, recipe.integerBits, true);
  case DType::I8:
    return generateIntegers<uint8_t>(seed, part, out, recipe.integerBits, true);
  case DType::U8:
    return generateIntegers<uint8_t>(seed, part, out, recipe.integerBits, false);
  case DType::I1:
    return generateIntegers<uint8_t>(seed, part, out, 1, false);
  }
}

//===- Buffers ------------------------------------------------------------===//

void BufferValues::read(const RowPart &part, int64_t contributor, void *out) const {
  ArrayRef<LocalTensor> sources = locals.sourcesOf(part.tensor);
  const Placement &placement = *sources.front().placement;
  int64_t width = byteWidth(sources.front().dtype);
  size_t last = placement.numDims() - 1;
  llvm::SmallVector<int64_t, 4> coordinates(last + 1), local(last + 1);
  for (size_t dim = 0; dim < last; ++dim) {
    const OwnedPiece &owner = placement.ownerOf(dim, part.outer[dim]);
    coordinates[dim] = owner.coordinate;
    local[dim] = owner.piece.local + part.outer[dim] - owner.piece.begin;
  }
  char *cursor = static_cast<char *>(out);
  for (int64_t index = part.begin, end = part.begin + part.count; index < end;) {
    const OwnedPiece &owner = placement.ownerOf(last, index);
    coordinates[last] = owner.coordinate;
    local[last] = owner.piece.local + index - owner.piece.begin;
    int64_t count = std::min(end, owner.piece.end) - index;
    int64_t position = placement.positionOf(coordinates, contributor);
    int64_t element = 0;
    for (size_t dim = 0; dim <= last; ++dim)
      element = element * placement.localExtent(position, dim) + local[dim];
    std::memcpy(cursor, sources[position].data + element * width, count * width);
    cursor += count * width;
    index += count;
  }
}

void fillSources(const LocalTensors &locals, const Values &values) {
  std::vector<RowTask> tasks = makeRowTasks(locals.sources());
  parallelFor("filling", tasks.size(), [&](int64_t i) {
    const LocalTensor &source = *tasks[i].local;
    const Placement &placement = *source.placement;
    int64_t width = byteWidth(source.dtype);
    int64_t contributor = placement.contributorOf(source.position);
    size_t last = placement.numDims() - 1;
    int64_t rowBytes = placement.localExtent(source.position, last) * width;
    forEachRow(placement, source.position, tasks[i].begin, tasks[i].end,
               [&](ArrayRef<int64_t> outer, int64_t row, int64_t localRow) {
                 char *begin = source.data + localRow * rowBytes;
                 for (const Piece &piece : placement.pieces(source.position, last))
                   values.read({source.tensor, outer, row, piece.begin, piece.size()}, contributor,
                               begin + piece.local * width);
               });
  });
}

} // namespace xfer::run
