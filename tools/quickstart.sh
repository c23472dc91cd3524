#!/usr/bin/env bash
# From a fresh clone to a verified transfer: installs what is missing, builds, and moves the
# parameters of a small model from a four-rank trainer to a four-rank server.
set -euo pipefail
# shellcheck source=tools/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

echo "building in $build"
build_targets xfer-opt xfer-run
echo "moving Qwen3-0.6B, FSDP over 4 ranks to TP2 x DP2"
exec "$build/bin/xfer-run" "$root"/docs/examples/qwen3-0.6b/*.xfer --verify
