//===- GlooGroup.h - Ranks of several processes -----------------*- C++ -*-===//
//
// One rank's way to the others: a store to meet in and a TCP device, whose
// thread serves all sessions of the group.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_GLOO_GLOOGROUP_H
#define XFER_RUNTIME_GLOO_GLOOGROUP_H

#include "../Rendezvous.h"
#include "GlooTransport.h"

namespace xfer::runtime {

class GlooGroup final : public xfer_group {
public:
  static Status create(const xfer_gloo_options_t &options, std::unique_ptr<GlooGroup> &group);
  bool needsBuffers() const override { return true; }
  Status join(const Agreement &agreement, const Deadline &deadline,
              std::unique_ptr<Connection> &connection) override;

private:
  GlooGroup(const xfer_store_t &store, std::string prefix) : rendezvous(store, std::move(prefix)) {}

  std::mutex mutex; ///< one rank joins once at a time
  Rendezvous rendezvous;
  std::shared_ptr<GlooDevice> device;
};

} // namespace xfer::runtime

#endif
