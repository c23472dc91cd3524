//===- GlooAbsent.cpp - A runtime built without Gloo ----------------------===//
#include "../Status.h"

xfer_status_t xfer_group_create_gloo(const xfer_gloo_options_t *, xfer_group_t **) {
  using namespace xfer::runtime;
  return reportStatus(failure(XFER_UNSUPPORTED, "this runtime was built without the gloo backend"));
}
