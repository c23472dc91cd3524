//===- ThreadsConnection.cpp - Messages between threads -------------------===//
//
// Locking: an inbox is guarded by its port's mutex. A message's state is atomic
// and the thread that changes it wakes the port whose worker may wait for that
// change, holding that port's mutex, so that no wake-up is lost. Two mutexes
// are never held at once.
//===----------------------------------------------------------------------===//
#include "ThreadsConnection.h"
#include <algorithm>

namespace xfer::runtime {

void Port::push(Message &message) {
  message.next = nullptr;
  (inbox ? inboxTail->next : inbox) = &message;
  inboxTail = &message;
}

Message *Port::popFrom(int64_t rank, MessageKind kind) {
  for (Message *message = inbox; message; message = message->next)
    if (message->envelope.from == rank && message->envelope.kind == kind) {
      remove(*message);
      return message;
    }
  return nullptr;
}

bool Port::remove(Message &message) {
  Message *previous = nullptr;
  for (Message *current = inbox; current; previous = current, current = current->next)
    if (current == &message) {
      (previous ? previous->next : inbox) = message.next;
      if (inboxTail == &message)
        inboxTail = previous;
      return true;
    }
  return false;
}

void Port::wake() {
  std::lock_guard lock(mutex);
  changed.notify_all();
}

Fabric::Fabric(std::span<const int64_t> ranks)
    : ranks(ranks.begin(), ranks.end()), ports(ranks.size()) {}

Port &Fabric::portOf(int64_t rank) {
  return ports[static_cast<size_t>(std::lower_bound(ranks.begin(), ranks.end(), rank) -
                                   ranks.begin())];
}

void Fabric::wakeAll() {
  for (Port &port : ports)
    port.wake();
}

void Fabric::fail(int64_t rank, const Status &newCause) {
  {
    std::lock_guard lock(mutex);
    if (hasFailed())
      return;
    failedRank = rank;
    cause = newCause;
    failed.store(true, std::memory_order_release);
  }
  wakeAll();
}

Status Fabric::failureFor(int64_t rank) const {
  if (!hasFailed())
    return {};
  std::lock_guard lock(mutex);
  if (rank == failedRank)
    return cause;
  return failure(XFER_PEER_FAILED, "rank ", failedRank, " failed: ", cause.text());
}

ThreadsConnection::ThreadsConnection(std::shared_ptr<Fabric> sharedFabric,
                                     const Agreement &agreement)
    : fabric(std::move(sharedFabric)), rank(agreement.rank), port(fabric->portOf(rank)),
      messages(agreement.sends.size()), receives(agreement.receives) {
  for (size_t slot = 0; slot < messages.size(); ++slot) {
    messages[slot].envelope = agreement.sends[slot];
    messages[slot].sender = &port;
    messages[slot].receiver = &fabric->portOf(agreement.sends[slot].to);
  }
}

ThreadsConnection::~ThreadsConnection() {
  port.hasLeft.store(true);
  fabric->wakeAll();
}

Status ThreadsConnection::send(size_t slot, const std::byte *data, uint64_t checksum) {
  Message &message = messages[slot];
  message.data = data;
  message.checksum = checksum;
  message.state.store(Message::State::Queued);
  std::lock_guard lock(message.receiver->mutex);
  message.receiver->push(message);
  message.receiver->changed.notify_all();
  return {};
}

Status ThreadsConnection::settle(size_t first, size_t count, const Deadline &deadline) {
  std::unique_lock lock(port.mutex);
  for (size_t slot = first; slot < first + count; ++slot) {
    const Message &message = messages[slot];
    bool isLate = false;
    while (message.state.load() != Message::State::Settled) {
      if (fabric->hasFailed())
        return fabric->failureFor(rank);
      if (message.receiver->hasLeft.load())
        return runtime::failure(XFER_PEER_FAILED, "rank ", message.envelope.to,
                                " left without taking the ", describe(message.envelope));
      if (isLate)
        return runtime::failure(XFER_TIMEOUT, "rank ", message.envelope.to, " did not take the ",
                                describe(message.envelope), " within ", deadline.milliseconds,
                                " ms");
      isLate = port.changed.wait_until(lock, deadline.time) == std::cv_status::timeout;
    }
  }
  return {};
}

Status ThreadsConnection::receive(size_t slot, const Deadline &deadline, Received &received) {
  const Envelope &expected = receives[slot];
  const Port &peer = fabric->portOf(expected.from);
  std::unique_lock lock(port.mutex);
  for (bool isLate = false;;) {
    if (fabric->hasFailed())
      return fabric->failureFor(rank);
    const bool peerHasLeft = peer.hasLeft.load(); // before looking: what it sent came earlier
    if (Message *message = port.popFrom(expected.from, expected.kind)) {
      message->state.store(Message::State::Taken);
      received = {message->data, message->checksum, message};
      if (message->envelope == expected)
        return {};
      const Status status =
          runtime::failure(XFER_MISMATCH, "rank ", expected.from, " sent the ",
                           describe(message->envelope), ", expected the ", describe(expected));
      lock.unlock();
      release(received);
      return status;
    }
    if (peerHasLeft)
      return runtime::failure(XFER_PEER_FAILED, "rank ", expected.from, " left before the ",
                              describe(expected));
    if (isLate)
      return runtime::failure(XFER_TIMEOUT, "rank ", expected.from, " did not send the ",
                              describe(expected), " within ", deadline.milliseconds, " ms");
    isLate = port.changed.wait_until(lock, deadline.time) == std::cv_status::timeout;
  }
}

void ThreadsConnection::release(const Received &received) {
  auto *message = static_cast<Message *>(received.handle);
  Port &sender = *message->sender;
  std::lock_guard lock(sender.mutex); // the sender may reuse the message once it sees it settled
  message->state.store(Message::State::Settled);
  sender.changed.notify_all();
}

void ThreadsConnection::fail(const Status &cause) { fabric->fail(rank, cause); }

Status ThreadsConnection::failure() const { return fabric->failureFor(rank); }

void ThreadsConnection::withdraw() {
  for (Message &message : messages) {
    if (message.state.load() == Message::State::Settled)
      continue;
    {
      std::lock_guard lock(message.receiver->mutex);
      if (message.receiver->remove(message))
        message.state.store(Message::State::Settled);
    }
    // Taken: its receiver is copying and releases it soon, or sees the failure and releases it.
    std::unique_lock lock(port.mutex);
    port.changed.wait(lock, [&] { return message.state.load() == Message::State::Settled; });
  }
}

} // namespace xfer::runtime
