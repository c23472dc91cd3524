//===- Backends.cpp - What the conformance suite runs on ------------------===//
#include "Backends.h"
#include <filesystem>
#include <map>
#include <mutex>
#include <unistd.h>

namespace xfer::test {
namespace {

class ThreadsPlace final : public Place {
public:
  ThreadsPlace() { EXPECT_EQ(xfer_group_create_threads(&only), XFER_OK); }
  ~ThreadsPlace() override { xfer_group_destroy(only); }
  xfer_group_t *group(int64_t) override { return only; }

private:
  xfer_group_t *only = nullptr;
};

/// A group for each rank, as in processes of their own; they meet in a directory.
class GlooPlace final : public Place {
public:
  GlooPlace() {
    std::string pattern = testing::TempDir() + "xfer-store-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    EXPECT_EQ(xfer_store_create_directory(directory.c_str(), &store), XFER_OK) << xfer_last_error();
  }
  ~GlooPlace() override {
    for (const auto &[rank, group] : groups)
      xfer_group_destroy(group);
    xfer_store_destroy(store);
    std::filesystem::remove_all(directory);
  }
  xfer_group_t *group(int64_t rank) override {
    std::lock_guard lock(mutex);
    xfer_group_t *&group = groups[rank];
    xfer_gloo_options_t options = {};
    options.size = sizeof(options);
    options.store = store;
    options.host = "127.0.0.1";
    if (!group) {
      EXPECT_EQ(xfer_group_create_gloo(&options, &group), XFER_OK) << xfer_last_error();
    }
    return group;
  }

private:
  std::string directory;
  xfer_store_t *store = nullptr;
  std::mutex mutex;
  std::map<int64_t, xfer_group_t *> groups;
};

class ThreadsBackend final : public Backend {
public:
  const char *name() const override { return "threads"; }
  std::shared_ptr<Place> makePlace() const override { return std::make_shared<ThreadsPlace>(); }
};

class GlooBackend final : public Backend {
public:
  const char *name() const override { return "gloo"; }
  std::string reasonToSkip() const override {
    xfer_group_t *group = nullptr;
    xfer_gloo_options_t options = {};
    options.size = sizeof(options); // without a store: an error, but which one
    return xfer_group_create_gloo(&options, &group) == XFER_UNSUPPORTED ? xfer_last_error() : "";
  }
  std::shared_ptr<Place> makePlace() const override { return std::make_shared<GlooPlace>(); }
};

} // namespace

const std::vector<const Backend *> &backends() {
  static const ThreadsBackend threads;
  static const GlooBackend gloo;
  static const std::vector<const Backend *> all = {&threads, &gloo, &ncclBackend()};
  return all;
}

std::shared_ptr<Place> makeThreadsPlace() { return std::make_shared<ThreadsPlace>(); }

} // namespace xfer::test
