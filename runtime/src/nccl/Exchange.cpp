//===- Exchange.cpp - Ranks tell each other what they have ----------------===//
#include "Exchange.h"
#include "Poll.h"
#include <cstring>

namespace xfer::runtime {

Status Exchange::gatherBytes(std::span<const std::byte> mine, std::span<std::byte> all,
                             const Deadline &deadline) {
  PinnedMemory host;
  DeviceMemory device;
  OwnedStream stream;
  OwnedEvent done;
  const size_t numBytes = mine.size() + all.size();
  if (Status status = PinnedMemory::make(cuda, numBytes, host); !status.isOk())
    return status;
  if (Status status = DeviceMemory::make(cuda, numBytes, device); !status.isOk())
    return status;
  if (Status status = stream.make(cuda); !status.isOk())
    return status;
  if (Status status = done.make(cuda, false); !status.isOk())
    return status;

  std::memcpy(host.data(), mine.data(), mine.size());
  std::byte *gathered = device.data() + mine.size();
  Status status = cuda.check(
      cuda.MemcpyAsync(device.data(), host.data(), mine.size(), kCudaMemcpyHostToDevice, stream),
      "copy to the device");
  if (status.isOk())
    status = comms.finish(
        nccl.AllGather(device.data(), gathered, mine.size(), kNcclUint8, comms[0], stream),
        comms[0], "agree with the other ranks", deadline);
  if (status.isOk())
    status = cuda.check(cuda.MemcpyAsync(host.data() + mine.size(), gathered, all.size(),
                                         kCudaMemcpyDeviceToHost, stream),
                        "copy from the device");
  if (status.isOk())
    status = cuda.check(cuda.EventRecord(done, stream), "record an event");
  for (Poll poll; status.isOk(); poll.pause()) {
    const CudaError error = cuda.EventQuery(done);
    if (error == kCudaSuccess)
      break;
    if (error != kCudaErrorNotReady)
      status = cuda.check(error, "agree with the other ranks");
    else if (Status failed = comms.asynchronousError(); !failed.isOk())
      status = failed;
    else if (isPast(deadline))
      status = failure(XFER_TIMEOUT, "not all of ", numRanks, " ranks joined within ",
                       deadline.milliseconds, " ms");
  }
  if (!status.isOk()) { // nothing may use the memory any more
    comms.abort();
    const Deadline drained = Deadline::in(kDrainMilliseconds);
    if (cuda.EventRecord(done, stream) == kCudaSuccess)
      for (Poll poll; cuda.EventQuery(done) == kCudaErrorNotReady && !isPast(drained);)
        poll.pause();
    return status;
  }
  std::memcpy(all.data(), host.data() + mine.size(), all.size());
  return {};
}

} // namespace xfer::runtime
