//===- Bind.cpp - Checks the tensors that a caller binds ------------------===//
//
// Every binding of the program exactly once, with its element type and shape,
// dense, aligned, and targets apart from everything else.
//===----------------------------------------------------------------------===//
#include "Bind.h"
#include <cstring>
#include <map>
#include <type_traits>

namespace xfer::runtime {
namespace {

std::string joinSizes(const int64_t *sizes, size_t count) {
  std::string text = "[";
  for (size_t i = 0; i < count; ++i)
    text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

std::string nameOf(const char *name, xfer_side_t side) {
  return concat(side == XFER_SOURCE ? "source '" : "target '", name, "'");
}

/// An enumerator as the caller stored it, who need not have stored one of ours.
template <typename ENUM> int64_t rawValue(const ENUM &stored) {
  std::underlying_type_t<ENUM> value;
  std::memcpy(&value, &stored, sizeof(value));
  return static_cast<int64_t>(value);
}

/// Verifies:
/// - element type and shape are the program's;
/// - strides, if given, are those of a dense row-major tensor;
/// - the data is there and aligned to its element.
Status checkTensor(const BindingSpec &spec, const xfer_binding_t &binding) {
  const std::string name = nameOf(binding.name, binding.side);
  if (const int64_t dtype = rawValue(binding.dtype); dtype != spec.dtype)
    return failure(XFER_INVALID_BINDING, name, " is of ",
                   dtype >= 0 && dtype < kNumDTypes ? spelling(static_cast<xfer_dtype_t>(dtype))
                                                    : "an unknown type",
                   ", expected ", spelling(spec.dtype));
  if (binding.ndim > 0 && !binding.shape)
    return failure(XFER_INVALID_BINDING, name, " has ", binding.ndim, " dimensions but no shape");
  if (!std::ranges::equal(std::span(binding.shape, binding.ndim), spec.shape))
    return failure(XFER_INVALID_BINDING, name, " has shape ",
                   joinSizes(binding.shape, binding.ndim), ", expected ",
                   joinSizes(spec.shape.data(), spec.shape.size()));
  if (spec.numElements == 0)
    return {};
  int64_t dense = 1;
  for (size_t i = spec.shape.size(); binding.strides && i-- > 0; dense *= spec.shape[i])
    if (spec.shape[i] > 1 && binding.strides[i] != dense)
      return failure(XFER_INVALID_BINDING, name, " has stride ", binding.strides[i],
                     " in dimension ", i, ", expected ", dense);
  if (!binding.data)
    return failure(XFER_INVALID_BINDING, name, " has no data");
  if (reinterpret_cast<uintptr_t>(binding.data) % static_cast<size_t>(byteWidth(spec.dtype)) != 0)
    return failure(XFER_INVALID_BINDING, name, " is not aligned to ", byteWidth(spec.dtype),
                   " bytes");
  return {};
}

struct Extent {
  uintptr_t begin, end;
  const xfer_binding_t *binding;
};

/// Verifies that no target overlaps another tensor: replaying reads and writes in no fixed order.
Status checkOverlap(std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent &a, const Extent &b) { return a.begin < b.begin; });
  // The furthest-reaching tensor seen so far, and the furthest-reaching target.
  const Extent *any = nullptr, *target = nullptr;
  for (const Extent &extent : extents) {
    const bool isTarget = extent.binding->side == XFER_TARGET;
    const Extent *other = isTarget ? any : target;
    if (other && other->end > extent.begin)
      return failure(XFER_INVALID_BINDING, nameOf(extent.binding->name, extent.binding->side),
                     " overlaps ", nameOf(other->binding->name, other->binding->side));
    if (!any || extent.end > any->end)
      any = &extent;
    if (isTarget && (!target || extent.end > target->end))
      target = &extent;
  }
  return {};
}

} // namespace

Status bindTensors(const Program &program, std::span<const xfer_binding_t> bindings,
                   std::vector<std::byte *> &data) {
  using Key = std::pair<xfer_side_t, std::string_view>;
  std::map<Key, size_t> wanted;
  for (size_t i = 0; i < program.bindings.size(); ++i)
    wanted.emplace(Key(program.bindings[i]->side, *program.bindings[i]->name), i);

  std::vector<std::byte *> found(program.bindings.size());
  std::vector<Extent> extents;
  for (const xfer_binding_t &binding : bindings) {
    if (const int64_t side = rawValue(binding.side);
        !binding.name || (side != XFER_SOURCE && side != XFER_TARGET))
      return failure(XFER_INVALID_BINDING, "a binding has no name or no side");
    const auto place = wanted.find(Key(binding.side, binding.name));
    if (place == wanted.end())
      return failure(XFER_INVALID_BINDING, "rank ", program.rank, " has no ",
                     nameOf(binding.name, binding.side), ", or it is bound twice");
    const size_t index = place->second;
    const BindingSpec &spec = *program.bindings[index];
    if (Status status = checkTensor(spec, binding); !status.isOk())
      return status;
    if (spec.numBytes > 0) {
      const auto begin = reinterpret_cast<uintptr_t>(binding.data);
      extents.push_back({begin, begin + static_cast<uintptr_t>(spec.numBytes), &binding});
    }
    found[index] = static_cast<std::byte *>(binding.data);
    wanted.erase(place);
  }
  if (!wanted.empty())
    return failure(
        XFER_INVALID_BINDING, "rank ", program.rank, " must bind ",
        nameOf(std::string(wanted.begin()->first.second).c_str(), wanted.begin()->first.first));
  if (Status status = checkOverlap(std::move(extents)); !status.isOk())
    return status;
  data.swap(found);
  return {};
}

} // namespace xfer::runtime
