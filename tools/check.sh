#!/usr/bin/env bash
# Builds everything and runs every test. The last line is `N passed, N failed`; the exit code is 0
# only if tests ran and none failed.
set -uo pipefail
# shellcheck source=tools/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

echo "building in $build"
if ! build_targets all; then
  echo "0 passed, 1 failed"
  exit 1
fi

results=$build/test-results
rm -rf "$results"
mkdir -p "$results"
cd "$build" || exit 1
echo "running lit and Python tests"
lit_status=0
LIT_OPTS="--xunit-xml-output=$results/lit.xml --no-progress-bar" \
  timeout 1800 ctest -R '^lit$' --verbose >"$results/lit.log" 2>&1 || lit_status=$?
echo "running GoogleTest cases"
gtest_status=0
timeout 1800 ctest -E '^lit$' --no-tests=error --output-on-failure -j "$(nproc)" \
  --output-junit "$results/gtest.xml" >"$results/gtest.log" 2>&1 || gtest_status=$?
exec python3 "$root/tools/count-tests.py" "$results" "lit=$lit_status" "gtest=$gtest_status"
