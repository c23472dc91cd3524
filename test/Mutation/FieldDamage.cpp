//===- FieldDamage.cpp - Every field and every list of a plan -------------===//
//
// Walks the tables of plan.fbs once. Where a field, element or list lies is said
// by a function from a plan to it, so that the same place is found in a copy.
//===----------------------------------------------------------------------===//
#include "Fields.h"
#include "Mutant.h"
#include <limits>
#include <set>

namespace xfer::mutation {
namespace {

using fb::PlanT;

/// What a number of so many bytes is changed to: its neighbours, nothing, and the largest.
std::set<int64_t> valuesFor(int64_t value, int bytes) {
  const int64_t largest = bytes == 8   ? std::numeric_limits<int64_t>::max()
                          : bytes == 4 ? std::numeric_limits<uint32_t>::max()
                                       : std::numeric_limits<uint8_t>::max();
  std::set<int64_t> values = {0, largest};
  if (value < largest)
    values.insert(value + 1);
  if (value > 0 || bytes == 8)
    values.insert(value > std::numeric_limits<int64_t>::min() ? value - 1 : 0);
  if (bytes == 1) // an enumeration: all of it
    for (int64_t other = 0; other < 14; ++other)
      values.insert(other);
  values.erase(value);
  return values;
}

template <typename T> T copyOf(const T &value) { return value; }
template <typename T> std::unique_ptr<T> copyOf(const std::unique_ptr<T> &table) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(T::TableType::Pack(builder, table.get()));
  return std::unique_ptr<T>(
      flatbuffers::GetRoot<typename T::TableType>(builder.GetBufferPointer())->UnPack());
}

class FieldDamage {
public:
  explicit FieldDamage(Mutants &mutants) : mutants(mutants), plan(mutants.plan) {}
  void addAll();

private:
  template <typename Get>
  void addNumber(const std::string &name, const std::string &place, Get get);
  template <typename Get> void addName(const std::string &name, const std::string &place, Get get);
  template <typename Get> void addList(const std::string &name, const std::string &place, Get get);
  template <typename Get>
  void addNumbers(const std::string &name, const std::string &place, Get get);
  template <typename Get> void addStructs(const std::string &place, Get get);
  void addBindings(size_t program, bool isSource);
  void addProgram(size_t number);

  Mutants &mutants;
  const PlanT &plan;
};

template <typename Get>
void FieldDamage::addNumber(const std::string &name, const std::string &place, Get get) {
  using T = std::remove_cvref_t<decltype(get(plan))>;
  const auto value = static_cast<int64_t>(get(plan));
  for (int64_t changed : valuesFor(value, sizeof(T)))
    mutants.add(name + ": change",
                place + ", " + std::to_string(value) + " to " + std::to_string(changed),
                [=](PlanT &to) { get(to) = static_cast<T>(changed); });
}

template <typename Get>
void FieldDamage::addName(const std::string &name, const std::string &place, Get get) {
  mutants.add(name + ": change", place + ", longer", [=](PlanT &to) { get(to) += "x"; });
  mutants.add(name + ": change", place + ", empty", [=](PlanT &to) { get(to).clear(); });
  if (get(plan).size() > 1)
    mutants.add(name + ": change", place + ", cut", [=](PlanT &to) { get(to).pop_back(); });
}

template <typename Get>
void FieldDamage::addList(const std::string &name, const std::string &place, Get get) {
  const size_t size = get(plan).size();
  for (size_t i = 0; i < size; ++i) {
    const std::string at = place + ", element " + std::to_string(i);
    mutants.add(name + ": drop", at,
                [=](PlanT &to) { get(to).erase(get(to).begin() + static_cast<ptrdiff_t>(i)); });
    mutants.add(name + ": duplicate", at, [=](PlanT &to) {
      auto &list = get(to);
      list.insert(list.begin() + static_cast<ptrdiff_t>(i), copyOf(list[i]));
    });
    if (i + 1 < size)
      mutants.add(name + ": swap", at, [=](PlanT &to) { std::swap(get(to)[i], get(to)[i + 1]); });
  }
}

/// A list of plain numbers.
template <typename Get>
void FieldDamage::addNumbers(const std::string &name, const std::string &place, Get get) {
  addList(name, place, get);
  for (size_t i = 0; i < get(plan).size(); ++i)
    addNumber(
        name,
        place + ", element " + std::to_string(i), [=](auto &to) -> auto & { return get(to)[i]; });
}

/// A list of structs, and each of their fields.
template <typename Get> void FieldDamage::addStructs(const std::string &place, Get get) {
  using T = typename std::remove_cvref_t<decltype(get(plan))>::value_type;
  using Info = Fields<T>;
  const std::string name = Info::kName;
  addList(name, place, get);
  for (size_t i = 0; i < get(plan).size(); ++i) {
    const Numbers numbers = Info::get(get(plan)[i]);
    for (size_t f = 0; f < numbers.size(); ++f)
      for (int64_t changed : valuesFor(numbers[f], Info::kFields[f].bytes))
        mutants.add(name + "." + Info::kFields[f].name + ": change",
                    place + ", element " + std::to_string(i) + ", " + std::to_string(numbers[f]) +
                        " to " + std::to_string(changed),
                    [=](PlanT &to) {
                      Numbers copy = Info::get(get(to)[i]);
                      copy[f] = changed;
                      get(to)[i] = Info::make(copy);
                    });
  }
}

void FieldDamage::addBindings(size_t program, bool isSource) {
  auto list = [=](auto &to) -> auto & {
    return isSource ? to.programs[program]->sources : to.programs[program]->targets;
  };
  const std::string place = "rank " + std::to_string(plan.programs[program]->rank) +
                            (isSource ? ", sources" : ", targets");
  addList("Binding", place, list);
  for (size_t i = 0; i < list(plan).size(); ++i) {
    const std::string at = place + ", element " + std::to_string(i);
    addName(
        "Binding.name", at, [=](auto &to) -> auto & { return list(to)[i]->name; });
    addNumber(
        "Binding.dtype", at, [=](auto &to) -> auto & { return list(to)[i]->dtype; });
    addNumber(
        "Binding.reduce", at, [=](auto &to) -> auto & { return list(to)[i]->reduce; });
    addNumbers(
        "Binding.shape", at, [=](auto &to) -> auto & { return list(to)[i]->shape; });
  }
}

void FieldDamage::addProgram(size_t number) {
  auto program = [=](auto &to) -> auto & { return *to.programs[number]; };
  const std::string place = "rank " + std::to_string(plan.programs[number]->rank);
  addNumber(
      "Program.rank", place, [=](auto &to) -> auto & { return program(to).rank; });
  addNumber(
      "Program.staging_bytes",
      place, [=](auto &to) -> auto & { return program(to).staging_bytes; });
  addBindings(number, /*isSource=*/true);
  addBindings(number, /*isSource=*/false);
  addStructs(
      place + ", chunks", [=](auto &to) -> auto & { return program(to).chunks; });
  addStructs(
      place + ", buckets", [=](auto &to) -> auto & { return program(to).buckets; });
  addStructs(
      place + ", windows", [=](auto &to) -> auto & { return program(to).windows; });
  addStructs(
      place + ", zeros", [=](auto &to) -> auto & { return program(to).zeros; });
  addStructs(
      place + ", logical", [=](auto &to) -> auto & { return program(to).logical; });
}

void FieldDamage::addAll() {
  addNumber(
      "Plan.version", "plan", [](auto &to) -> auto & { return to.version; });
  addNumber(
      "Plan.digest", "plan", [](auto &to) -> auto & { return to.digest; });
  addName(
      "Plan.compiler", "plan", [](auto &to) -> auto & { return to.compiler; });
  addName(
      "Plan.pipeline", "plan", [](auto &to) -> auto & { return to.pipeline; });
  addName(
      "Plan.declarations", "plan", [](auto &to) -> auto & { return to.declarations; });
  addNumbers(
      "Plan.ranks", "plan", [](auto &to) -> auto & { return to.ranks; });
  addList(
      "Tensor", "plan", [](auto &to) -> auto & { return to.tensors; });
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    const std::string at = "tensor " + std::to_string(i);
    addName(
        "Tensor.name", at, [=](auto &to) -> auto & { return to.tensors[i]->name; });
    addNumber(
        "Tensor.dtype", at, [=](auto &to) -> auto & { return to.tensors[i]->dtype; });
  }
  addList(
      "Region", "plan", [](auto &to) -> auto & { return to.regions; });
  for (size_t i = 0; i < plan.regions.size(); ++i) {
    const std::string at = "region " + std::to_string(i);
    addNumber(
        "Region.offset", at, [=](auto &to) -> auto & { return to.regions[i]->offset; });
    addStructs(
        at, [=](auto &to) -> auto & { return to.regions[i]->loops; });
  }
  addList(
      "RankList", "plan", [](auto &to) -> auto & { return to.rank_lists; });
  for (size_t i = 0; i < plan.rank_lists.size(); ++i)
    addNumbers(
        "RankList.ranks",
        "list " + std::to_string(i), [=](auto &to) -> auto & { return to.rank_lists[i]->ranks; });
  addList(
      "LogicalRegion", "plan", [](auto &to) -> auto & { return to.logical_regions; });
  for (size_t i = 0; i < plan.logical_regions.size(); ++i)
    addStructs(
        "logical region " + std::to_string(i), [=](auto &to) -> auto & {
          return to.logical_regions[i]->segments;
        });
  addList(
      "Program", "plan", [](auto &to) -> auto & { return to.programs; });
  for (size_t i = 0; i < plan.programs.size(); ++i)
    addProgram(i);
}

} // namespace

void addFieldDamage(Mutants &mutants) { FieldDamage(mutants).addAll(); }

} // namespace xfer::mutation
