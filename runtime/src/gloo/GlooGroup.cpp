//===- GlooGroup.cpp - Ranks of several processes -------------------------===//
#include "GlooGroup.h"
#include "GlooConnection.h"
#include <cstddef>
#include <cstring>

namespace xfer::runtime {

Status GlooGroup::create(const xfer_gloo_options_t &options, std::unique_ptr<GlooGroup> &group) {
  if (Status status = checkStore(options.store); !status.isOk())
    return status;
  std::unique_ptr<GlooGroup> made(
      new GlooGroup(*options.store, options.prefix ? options.prefix : "xfer"));
  if (Status status = makeDevice(options.host, options.network, made->device); !status.isOk())
    return status;
  group = std::move(made);
  return {};
}

Status GlooGroup::join(const Agreement &agreement, const Deadline &deadline,
                       std::unique_ptr<Connection> &connection) {
  std::lock_guard lock(mutex);
  std::unique_ptr<GlooConnection> made;
  if (std::string error = call([&] { made = std::make_unique<GlooConnection>(device, agreement); });
      !error.empty())
    return failure(XFER_OUT_OF_BUDGET, "cannot make connections: ", error);
  std::vector<Rendezvous::Bytes> addresses;
  uint64_t meeting = 0;
  if (Status status = rendezvous.meet(agreement, made->addresses(), deadline, addresses, meeting);
      !status.isOk())
    return status;
  if (Status status = made->connect(addresses, meeting, deadline); !status.isOk())
    return status;
  connection = std::move(made);
  return {};
}

} // namespace xfer::runtime

xfer_status_t xfer_group_create_gloo(const xfer_gloo_options_t *options, xfer_group_t **out_group) {
  using namespace xfer::runtime;
  if (!options || !out_group)
    return reportStatus(
        failure(XFER_INVALID_ARGUMENT, "'", options ? "out_group" : "options", "' is NULL"));
  if (options->size < sizeof(xfer_gloo_options_t))
    return reportStatus(failure(XFER_INVALID_ARGUMENT, "options have size ", options->size,
                                ", expected at least ", sizeof(xfer_gloo_options_t)));
  try {
    std::unique_ptr<GlooGroup> group;
    const Status status = GlooGroup::create(*options, group);
    if (status.isOk())
      *out_group = group.release();
    return reportStatus(status);
  } catch (const std::exception &error) {
    return reportStatus(failure(XFER_OUT_OF_BUDGET, "out of resources: ", error.what()));
  }
}
