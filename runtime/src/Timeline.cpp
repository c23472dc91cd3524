//===- Timeline.cpp - Where the time of replays went ----------------------===//
#include "Timeline.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace xfer::runtime {

void Timeline::begin() {
  begun = now();
  std::fill(windows.begin(), windows.end(), Window());
}

void Timeline::end(bool succeeded) {
  ended = now();
  if (!succeeded)
    return;
  count(1, ended - begun);
  for (const Window &window : windows) {
    sums.pack_ns += window.pack.nanoseconds;
    sums.wait_ns += window.wait.nanoseconds;
    sums.unpack_ns += window.unpack.nanoseconds;
  }
}

void Timeline::count(int64_t numReplays, int64_t nanoseconds) {
  const xfer_program_info_t &info = program.info;
  sums.replays += numReplays;
  sums.sent_bytes += numReplays * info.sent_bytes;
  sums.received_bytes += numReplays * info.received_bytes;
  sums.local_bytes += numReplays * info.local_bytes;
  sums.sent_messages += numReplays * (info.p2p_messages + info.broadcasts);
  sums.received_messages += numReplays * info.received_messages;
  sums.replay_ns += nanoseconds;
}

/// One complete event. Chrome counts in microseconds; a process is a rank, a thread is a stage.
static void writeEvent(std::FILE *file, const char *name, int stage, int64_t rank, int64_t window,
                       Moment begin, Moment end) {
  if (begin == 0 || end < begin) // the replay failed before
    return;
  std::fprintf(file,
               ",\n{\"ph\": \"X\", \"name\": \"%s %lld\", \"pid\": %lld, \"tid\": %d, "
               "\"ts\": %.3f, \"dur\": %.3f}",
               name, static_cast<long long>(window), static_cast<long long>(rank), stage,
               static_cast<double>(begin) / 1e3, static_cast<double>(end - begin) / 1e3);
}

Status Timeline::write(const char *path) const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE *)> owner(std::fopen(path, "w"), std::fclose);
  std::FILE *file = owner.get();
  if (!file)
    return failure(XFER_INVALID_ARGUMENT, "cannot write '", path, "': ", std::strerror(errno));
  const auto rank = static_cast<long long>(program.rank);
  std::fprintf(file,
               "[\n{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": %lld, "
               "\"args\": {\"name\": \"rank %lld\"}}",
               rank, rank);
  constexpr const char *kStages[] = {"replay", "pack", "wire", "unpack"};
  for (int stage = 0; stage < 4; ++stage)
    std::fprintf(file,
                 ",\n{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": %lld, \"tid\": %d, "
                 "\"args\": {\"name\": \"%s\"}}",
                 rank, stage, kStages[stage]);
  writeEvent(file, "replay", 0, rank, sums.replays, begun, ended);
  for (size_t i = 0; i < windows.size(); ++i) {
    const Window &window = windows[i];
    const int64_t index = program.windows[i].index;
    writeEvent(file, "pack", 1, rank, index, window.pack.begin, window.pack.end);
    writeEvent(file, "wire", 2, rank, index, window.opened, window.closed);
    writeEvent(file, "unpack", 3, rank, index, window.unpack.begin, window.unpack.end);
  }
  std::fprintf(file, "\n]\n");
  if (std::fflush(file) != 0 || std::ferror(file))
    return failure(XFER_INVALID_ARGUMENT, "cannot write '", path, "': ", std::strerror(errno));
  return {};
}

} // namespace xfer::runtime
