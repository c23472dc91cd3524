//===- BindingLoad.cpp - Reads and checks what a program binds ------------===//
//===----------------------------------------------------------------------===//
#include "PlanReader.h"
#include <algorithm>

namespace xfer::runtime {

Status PlanReader::readBindings(const flatbuffers::Vector<flatbuffers::Offset<fb::Binding>> *from,
                                xfer_side_t side, Program &program) {
  const char *sideName = side == XFER_SOURCE ? "source " : "target ";
  if (!vectors.mayRead(from))
    return invalidPlan(sideName, "bindings are misaligned or shared");
  std::vector<const std::string *> names;
  for (size_t i = 0; i < sizeOf(from); ++i) {
    const fb::Binding *binding = from->Get(static_cast<flatbuffers::uoffset_t>(i));
    const BindingSpec *&spec = known[side][binding];
    if (!spec) {
      BindingSpec read;
      read.side = side;
      if (Status status = readName(binding->name(), read.name); !status.isOk())
        return invalidPlan(sideName, i, " ", status.text());
      if (Status status = readBinding(*binding, read); !status.isOk())
        return invalidPlan(sideName, "'", *read.name, "' ", status.text());
      spec = &plan.bindings.emplace_back(std::move(read));
    }
    program.bindings.push_back(spec);
    names.push_back(spec->name);
  }
  std::sort(names.begin(), names.end()); // equal names have one address
  if (auto twin = std::adjacent_find(names.begin(), names.end()); twin != names.end())
    return invalidPlan("two ", sideName, "bindings are named '", **twin, "'");
  return {};
}

Status PlanReader::readName(const flatbuffers::String *from, const std::string *&name) {
  const std::string *&known = knownTexts[from];
  if (!known) {
    if (!vectors.mayRead<char>(from))
      return invalidPlan("has a name that overlaps others");
    const std::string_view text = from->string_view();
    if (text.empty() || text.find('\0') != std::string_view::npos)
      return invalidPlan("has an empty name or a NUL in it");
    const auto place = knownNames.find(text);
    known = place != knownNames.end() ? place->second : &plan.bindingNames.emplace_back(text);
    knownNames.emplace(*known, known);
  }
  name = known;
  return {};
}

/// Verifies:
/// - the stored type is known;
/// - only a source is reduced, by an operation its type has;
/// - sizes are not negative, and bytes fit in 63 bits.
Status PlanReader::readBinding(const fb::Binding &from, BindingSpec &spec) {
  if (static_cast<int>(from.dtype()) >= kNumDTypes)
    return invalidPlan("has unknown element type ", static_cast<int>(from.dtype()));
  spec.dtype = static_cast<xfer_dtype_t>(from.dtype());
  spec.reduce = static_cast<ReduceOp>(from.reduce());
  const bool isSource = spec.side == XFER_SOURCE;
  if (spec.reduce != ReduceOp::None && (!isSource || !canReduce(spec.reduce, spec.dtype)))
    return invalidPlan("cannot be reduced by operation ", static_cast<int>(spec.reduce));
  if (!vectors.mayRead(from.shape()))
    return invalidPlan("has a shape that is misaligned or shared");
  if (from.shape())
    spec.shape.assign(from.shape()->begin(), from.shape()->end());
  spec.numElements = 1;
  bool isEmpty = false, fits = true;
  for (int64_t size : spec.shape) {
    if (size < 0)
      return invalidPlan("has size ", size);
    isEmpty |= size == 0;
    fits = fits && (size == 0 || multiplyChecked(spec.numElements, size, spec.numElements));
  }
  if (isEmpty)
    spec.numElements = 0;
  if (!fits || !multiplyChecked(spec.numElements, byteWidth(spec.dtype), spec.numBytes))
    return invalidPlan("has more than 2^63 bytes");
  return {};
}

} // namespace xfer::runtime
