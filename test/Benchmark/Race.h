//===- Race.h - Times of things done in turn --------------------*- C++ -*-===//
//
// Contestants run one after the other, round after round, so that other load on
// the machine hits all alike. Times are medians over the rounds, ratios medians of
// the rounds' ratios.
//===----------------------------------------------------------------------===//
#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <sys/resource.h>
#include <vector>

namespace xfer::test {

class Race {
public:
  using Contestants = std::vector<std::function<void()>>;

  Race(int rounds, const Contestants &contestants) {
    for (int round = 0; round < rounds; ++round) {
      std::vector<Times> &times = results.emplace_back();
      for (const auto &contestant : contestants) {
        const auto begin = std::chrono::steady_clock::now();
        const double processor = processorSeconds();
        contestant();
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
        times.push_back({wall.count(), processorSeconds() - processor});
      }
    }
  }

  /// Seconds that a contestant took.
  double wall(size_t contestant) const {
    return median([&](const auto &times) { return times[contestant].wall; });
  }
  /// How many times as long the first took as the others together.
  double ratio(size_t first, const std::vector<size_t> &others) const {
    return ratioOf(&Times::wall, first, others);
  }
  /// The same of the processor time of the whole process.
  double processorRatio(size_t first, const std::vector<size_t> &others) const {
    return ratioOf(&Times::processor, first, others);
  }

private:
  struct Times {
    double wall, processor;
  };
  static double processorSeconds() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const timeval &user = usage.ru_utime, &system = usage.ru_stime;
    return static_cast<double>(user.tv_sec + system.tv_sec) +
           1e-6 * static_cast<double>(user.tv_usec + system.tv_usec);
  }
  template <typename VALUE> double median(VALUE valueOf) const {
    std::vector<double> values;
    for (const std::vector<Times> &times : results)
      values.push_back(valueOf(times));
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }
  double ratioOf(double Times::*time, size_t first, const std::vector<size_t> &others) const {
    return median([&](const auto &times) {
      double sum = 0;
      for (size_t other : others)
        sum += times[other].*time;
      return times[first].*time / sum;
    });
  }

  std::vector<std::vector<Times>> results; ///< by round, by contestant
};

} // namespace xfer::test
