//===- Pass.h - The unit of lowering ----------------------------*- C++ -*-===//
//
// A pass rewrites a module. Options and statistics are members that register
// themselves, so that the command line, `--help`, the printed pipeline and
// `--statistics` all read one description.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xfer {

class Pass;

/// What a run did: only Changed triggers verification and dumps.
enum class PassResult { Failed, Unchanged, Changed };

/// What passes may ask about the compilation around them.
struct PassContext {
  Diagnostics &diagnostics;
  /// Compile this rank's program alone (`--rank`): passes may drop what does not concern it, but
  /// must do with the rest exactly what a whole-job compilation does.
  std::optional<int64_t> rank;
};

class OptionBase;

/// A named set of options: a pass, or whatever else takes `name=value` words.
class OptionSet {
public:
  OptionSet() = default;
  OptionSet(const OptionSet &) = delete;
  /// The flag without dashes; of a pass, set by the registry.
  llvm::StringRef name() const { return setName; }
  llvm::ArrayRef<OptionBase *> options() const { return optionList; }
  /// `name` or `name{option=value other=value}`, options that are not at their default only.
  std::string print() const;
  /// Sets an option from code. Returns false if there is no such option or it refuses the value.
  bool set(llvm::StringRef option, int64_t value);

protected:
  explicit OptionSet(llvm::StringRef name) : setName(name) {}
  ~OptionSet() = default;

private:
  friend class OptionBase;
  friend class PassRegistry;
  llvm::StringRef setName;
  std::vector<OptionBase *> optionList;
};

/// One option: `name=value`.
class OptionBase {
public:
  OptionBase(OptionSet &owner, llvm::StringRef name, llvm::StringRef description);
  virtual ~OptionBase() = default;
  OptionBase(const OptionBase &) = delete;
  /// Returns an explanation of what was expected if `text` is no value, else "".
  virtual std::string parse(llvm::StringRef text) = 0;
  virtual std::string print() const = 0; ///< the value, as parse takes it
  virtual bool isDefault() const = 0;
  const llvm::StringRef name, description;
};

/// T is int64_t (non-negative), bool or std::string.
template <typename T> class Option final : public OptionBase {
public:
  /// `minimum` bounds integers only.
  Option(OptionSet &owner, llvm::StringRef name, llvm::StringRef description, T defaultValue,
         T minimum = T())
      : OptionBase(owner, name, description), value(defaultValue), defaultValue(defaultValue),
        minimum(minimum) {}
  std::string parse(llvm::StringRef text) override;
  std::string print() const override;
  bool isDefault() const override { return value == defaultValue; }
  operator const T &() const { return value; }
  const T &get() const { return value; }

private:
  T value, defaultValue, minimum;
};

template <> std::string Option<int64_t>::parse(llvm::StringRef text);
template <> std::string Option<int64_t>::print() const;
template <> std::string Option<bool>::parse(llvm::StringRef text);
template <> std::string Option<bool>::print() const;
template <> std::string Option<std::string>::parse(llvm::StringRef text);
template <> std::string Option<std::string>::print() const;

/// A counter that a pass adds to while it runs.
class Statistic {
public:
  Statistic(Pass &owner, llvm::StringRef name, llvm::StringRef description);
  Statistic(const Statistic &) = delete;
  Statistic &operator++() { return *this += 1; }
  Statistic &operator+=(int64_t amount) {
    value += amount;
    return *this;
  }
  const llvm::StringRef name, description;
  int64_t value = 0;
};

class Pass : public OptionSet {
public:
  using OptionSet::OptionSet;
  virtual ~Pass() = default;
  virtual PassResult run(Module &module, PassContext &context) = 0;

  llvm::ArrayRef<Statistic *> statistics() const { return statisticList; }
  /// A pass that never changes the module; its name says so.
  bool isCheck() const { return name().starts_with("verify-"); }

private:
  friend class Statistic;
  std::vector<Statistic *> statisticList;
};

} // namespace xfer
