#!/usr/bin/env bash
# Builds with coverage in build-coverage/, runs every test and reports the lines of the compiler and the
# runtime that no test ran: a table for each file with its missing lines, then the totals.
# Needs gcovr, which `apt-get install gcovr` gives.
set -euo pipefail
# shellcheck source=tools/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
build=$root/build-coverage
if ! command -v gcovr >/dev/null; then
  echo "error: gcovr is not installed (apt-get install gcovr)" >&2
  exit 1
fi
"$root/tools/install-deps.sh"
cd "$root"
mkdir -p "$build"
quietly cmake --preset coverage
quietly cmake --build --preset coverage
find "$build" -name '*.gcda' -delete # of an earlier run
quietly ctest --preset coverage -j "$(nproc)"
gcovr --root "$root" --filter include/ --filter lib/ --filter runtime/ --exclude '.*generated.*' \
  --exclude-unreachable-branches --gcov-ignore-parse-errors "$build"
