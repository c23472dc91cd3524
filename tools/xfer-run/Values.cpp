//===- Values.cpp - What every logical element is worth -------------------===//
#include "Values.h"
#include "HeldLines.h"
#include "Parallel.h"
#include "llvm/ADT/bit.h"
#include <cstring>

namespace xfer::run {

//===- Pattern ------------------------------------------------------------===//

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Writes the line's elements as `Bits`, each made from a hash of its number.
template <typename Bits, typename Make>
static void generate(uint64_t seed, const Line &line, void *out, Make make) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  Bits *elements = static_cast<Bits *>(out);
  uint64_t first = (seed + static_cast<uint64_t>(line.number)) * kOdd;
  uint64_t step = static_cast<uint64_t>(line.step) * kOdd;
  for (int64_t i = 0; i < line.count; ++i) {
    uint64_t hash = first + static_cast<uint64_t>(i) * step;
    hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93;
    elements[i] = static_cast<Bits>(make(hash ^ (hash >> 32)));
  }
}

/// Floats of a random sign, mantissa and one of 2^exponentBits exponents from `exponent` on.
template <typename Bits>
static void generateFloats(uint64_t seed, const Line &line, void *out, int mantissaBits,
                           uint64_t exponent, int exponentBits) {
  constexpr int width = 8 * sizeof(Bits);
  uint64_t keep = uint64_t(1) << (width - 1) | ((uint64_t(1) << mantissaBits) - 1);
  uint64_t exponents = (uint64_t(1) << exponentBits) - 1;
  generate<Bits>(seed, line, out, [=](uint64_t hash) {
    uint64_t choice = (hash >> mantissaBits) & exponents;
    return (hash & keep) | (exponent + choice) << mantissaBits;
  });
}

template <typename Bits>
static void generateIntegers(uint64_t seed, const Line &line, void *out, int bits, bool isSigned) {
  generate<Bits>(seed, line, out, [=](uint64_t hash) {
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
    recipe.nearOne = module.reductionOf(tensor) == ReduceOp::Product;
    recipe.integerBits =
        std::min(static_cast<int>(8 * byteWidth(recipe.dtype)), integerBitsFor(tensor.dtype));
    for (const Side &target : tensor.targets)
      recipe.integerBits = std::min(recipe.integerBits, integerBitsFor(target.dtype));
  }
}

void PatternValues::read(TensorId tensor, const Line &line, int64_t contributor, void *out) const {
  const Recipe &recipe = recipes[tensor];
  uint64_t seed = mix(static_cast<uint64_t>(recipe.seed) + contributor);
  // Magnitudes from 1/8 to 32, or from 1/2 to 2 where many are multiplied.
  int exponentBits = recipe.nearOne ? 1 : 3;
  int low = recipe.nearOne ? -1 : -3;
  switch (recipe.dtype) {
  case DType::F64:
    return generateFloats<uint64_t>(seed, line, out, 52, 1023 + low, exponentBits);
  case DType::F32:
    return generateFloats<uint32_t>(seed, line, out, 23, 127 + low, exponentBits);
  case DType::F16:
    return generateFloats<uint16_t>(seed, line, out, 10, 15 + low, exponentBits);
  case DType::BF16:
    return generateFloats<uint16_t>(seed, line, out, 7, 127 + low, exponentBits);
  case DType::F8E4M3FN:
    return generateFloats<uint8_t>(seed, line, out, 3, 7 + low, exponentBits);
  case DType::F8E5M2:
    return generateFloats<uint8_t>(seed, line, out, 2, 15 + low, exponentBits);
  case DType::I64:
    return generateIntegers<uint64_t>(seed, line, out, recipe.integerBits, true);
  case DType::I32:
    return generateIntegers<uint32_t>(seed, line, out, recipe.integerBits, true);
  case DType::I16:
    return generateIntegers<uint16_t>(seed, line, out, recipe.integerBits, true);
  case DType::I8:
    return generateIntegers<uint8_t>(seed, line, out, recipe.integerBits, true);
  case DType::U8:
    return generateIntegers<uint8_t>(seed, line, out, recipe.integerBits, false);
  case DType::I1:
    return generateIntegers<uint8_t>(seed, line, out, 1, false);
  }
}

//===- Buffers ------------------------------------------------------------===//

void BufferValues::read(TensorId tensor, const Line &line, int64_t contributor, void *out) const {
  TensorSource source = locals.sourceOf(tensor);
  const Placement &placement = *source.placement;
  const DeclaredMemory &memory = *source.locals.front().memory;
  int64_t width = byteWidth(memory.dtype);
  size_t numDims = memory.shape.dims.size();
  llvm::SmallVector<int64_t, 4> coordinates(numDims), local(numDims);
  auto put = [&](size_t dim, const Placement::Spot &spot) {
    coordinates[dim] = spot.coordinate;
    local[dim] = spot.local;
  };
  for (size_t dim = 0; dim < numDims; ++dim)
    put(dim, placement.find(dim, placement.flatten(dim, line.index)));

  // Along the line only this dimension changes.
  Placement::IndexPlace along = {numDims - 1, 0};
  if (line.along != kNone)
    along = placement.placeOf(line.along);
  int64_t flat = placement.flatten(along.dim, line.index);
  char *cursor = static_cast<char *>(out);
  for (int64_t done = 0, count; done < line.count; done += count) {
    Placement::Spot spot = placement.find(along.dim, flat + done * along.flatStep);
    put(along.dim, spot);
    count = along.flatStep == 1 ? std::min(spot.length, line.count - done) : 1;
    int64_t position = placement.positionOf(coordinates, contributor);
    int64_t element = 0, stride = 1, lineStride = 1;
    for (size_t dim = numDims; dim-- > 0;) {
      int64_t begin = placement.cuts().beginOf(dim, placement.partOf(dim), position);
      element += (begin + local[dim]) * stride;
      if (dim == along.dim)
        lineStride = stride;
      stride *= placement.cuts().localExtent(dim, position);
    }
    const char *data = source.locals[position].data + element * width;
    if (along.dim + 1 == numDims) {
      std::memcpy(cursor, data, count * width);
      cursor += count * width;
      continue;
    }
    for (int64_t i = 0; i < count; ++i, cursor += width, data += lineStride * width)
      std::memcpy(cursor, data, width);
  }
}

void fillSources(const LocalTensors &locals, const Values &values) {
  parallelFor(locals.sources().size(), numWorkers(), [&](int64_t i) {
    const LocalTensor &source = locals.sources()[i];
    if (source.data && !source.memory->isPlain())
      std::memset(source.data, kPoison, source.bytes);
  });
  std::vector<HeldTask> tasks = makeHeldTasks(locals.sources());
  parallelFor("filling", tasks.size(), [&](int64_t i) {
    const LocalTensor &source = *tasks[i].local;
    const Placement &placement = tasks[i].placed->placement;
    int64_t width = byteWidth(source.memory->dtype);
    int64_t contributor = placement.cuts().contributorOf(source.position);
    for (HeldLines lines(placement, source.position, tasks[i].begin, tasks[i].end); lines.next();)
      values.read(tasks[i].placed->tensor, lines.line(), contributor,
                  source.data + lines.local() * width);
  });
}

} // namespace xfer::run
