//===- NcclBackend.cpp - The suite on devices -----------------------------===//
//
// Each rank has the device of its position, a group and a stream of its own. The
// devices are the stand-in's if it is linked, else real ones.
//===----------------------------------------------------------------------===//
#include "Backends.h"
#include "nccl/NcclApi.h"
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace standin {
// There if the stand-in is linked.
std::vector<std::string> takeViolations() __attribute__((weak));
} // namespace standin

namespace xfer::test {
namespace {

using runtime::CudaApi;

class NcclPlace final : public Place {
public:
  NcclPlace() {
    EXPECT_TRUE(CudaApi::get(cuda).isOk());
    std::string pattern = testing::TempDir() + "xfer-store-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    EXPECT_EQ(xfer_store_create_directory(directory.c_str(), &store), XFER_OK) << xfer_last_error();
  }
  ~NcclPlace() override {
    for (const auto &[rank, group] : groups)
      xfer_group_destroy(group);
    xfer_store_destroy(store);
    std::filesystem::remove_all(directory);
    for (const auto &[rank, each] : streams)
      onDevice(positionOf(rank), [&, stream = each] {
        EXPECT_EQ(cuda->StreamDestroy(static_cast<runtime::CudaStream>(stream)), 0);
      });
    if (!standin::takeViolations)
      return;
    // A rank that leaves without taking part, as some do here, leaves messages of others behind.
    for (const std::string &violation : standin::takeViolations())
      EXPECT_NE(violation.find("unmatched"), std::string::npos) << violation;
  }

  void addRanks(const std::vector<int64_t> &more) override {
    ranks.insert(more.begin(), more.end());
  }

  xfer_group_t *group(int64_t rank) override {
    std::lock_guard lock(mutex);
    xfer_group_t *&group = groups[rank];
    xfer_nccl_options_t options = {};
    options.size = sizeof(options);
    options.store = store;
    options.device = positionOf(rank);
    if (!group) {
      EXPECT_EQ(xfer_group_create_nccl(&options, &group), XFER_OK) << xfer_last_error();
    }
    return group;
  }

  void *allocate(int64_t rank, size_t bytes) override {
    void *memory = nullptr;
    onDevice(positionOf(rank), [&] { EXPECT_EQ(cuda->Malloc(&memory, bytes), 0); });
    return memory;
  }
  void release(void *memory) override {
    onDevice(deviceOf(memory), [&] { EXPECT_EQ(cuda->Free(memory), 0); });
  }
  void write(void *to, const void *from, size_t bytes) override {
    copy(to, from, bytes, to, runtime::kCudaMemcpyHostToDevice);
  }
  void read(void *to, const void *from, size_t bytes) override {
    copy(to, from, bytes, from, runtime::kCudaMemcpyDeviceToHost);
  }
  void *stream(int64_t rank) override {
    std::lock_guard lock(mutex);
    void *&made = streams[rank];
    if (!made)
      onDevice(positionOf(rank), [&] {
        EXPECT_EQ(cuda->StreamCreateWithFlags(reinterpret_cast<runtime::CudaStream *>(&made),
                                              runtime::kCudaStreamNonBlocking),
                  0);
      });
    return made;
  }

private:
  int positionOf(int64_t rank) const {
    return static_cast<int>(std::distance(ranks.begin(), ranks.find(rank)));
  }

  template <typename WORK> void onDevice(int device, WORK work) {
    const runtime::CurrentDevice current(*cuda, device);
    EXPECT_TRUE(current.status().isOk()) << current.status().text();
    work();
  }

  int deviceOf(const void *memory) const {
    runtime::CudaPointerAttributes attributes = {};
    EXPECT_EQ(cuda->PointerGetAttributes(&attributes, memory), 0);
    return attributes.device;
  }

  /// Copies and waits, as cudaMemcpy does.
  void copy(void *to, const void *from, size_t bytes, const void *deviceSide, int kind) {
    if (bytes == 0)
      return;
    onDevice(deviceOf(deviceSide), [&] {
      runtime::CudaStream stream = nullptr;
      runtime::CudaEvent event = nullptr;
      EXPECT_EQ(cuda->StreamCreateWithFlags(&stream, runtime::kCudaStreamNonBlocking), 0);
      EXPECT_EQ(cuda->EventCreateWithFlags(&event, runtime::kCudaEventDisableTiming), 0);
      EXPECT_EQ(cuda->MemcpyAsync(to, from, bytes, kind, stream), 0);
      EXPECT_EQ(cuda->EventRecord(event, stream), 0);
      while (cuda->EventQuery(event) == runtime::kCudaErrorNotReady)
        std::this_thread::yield();
      EXPECT_EQ(cuda->EventDestroy(event), 0);
      EXPECT_EQ(cuda->StreamDestroy(stream), 0);
    });
  }

  const CudaApi *cuda = nullptr;
  std::string directory;
  xfer_store_t *store = nullptr;
  std::set<int64_t> ranks; // positions are devices
  std::mutex mutex;
  std::map<int64_t, xfer_group_t *> groups;
  std::map<int64_t, void *> streams;
};

class NcclBackend final : public Backend {
public:
  const char *name() const override { return "nccl"; }
  std::string reasonToSkip() const override {
    constexpr int kMaxRanks = 8; // of a test of the suite
    const CudaApi *cuda = nullptr;
    const runtime::NcclApi *nccl = nullptr;
    if (runtime::Status status = CudaApi::get(cuda); !status.isOk())
      return status.text();
    if (runtime::Status status = runtime::NcclApi::get(nccl); !status.isOk())
      return status.text();
    return cuda->numDevices >= kMaxRanks
               ? ""
               : runtime::concat("needs ", kMaxRanks, " devices, but there are ", cuda->numDevices);
  }
  std::shared_ptr<Place> makePlace() const override { return std::make_shared<NcclPlace>(); }
};

} // namespace

const Backend &ncclBackend() {
  static const NcclBackend backend;
  return backend;
}

} // namespace xfer::test
