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
runners=("lit=$lit_status" "gtest=$gtest_status")
if ! said=$("$root/tools/install-deps.sh" fuzz 2>&1); then
  echo "skipped: every fuzzer: clang 19 is not here and cannot be installed: ${said##*$'\n'}"
else
  echo "building fuzzers in $build_fuzz"
  fuzz_status=0
  if build_fuzzers >"$results/fuzz.log" 2>&1; then
    echo "running fuzzers"
    timeout 1800 ctest --test-dir "$build_fuzz" -L '^fuzz$' --no-tests=error --output-on-failure \
      -j "$(nproc)" --output-junit "$results/fuzz.xml" >"$results/fuzz.log" 2>&1 || fuzz_status=$?
  else
    fuzz_status=1
  fi
  runners+=("fuzz=$fuzz_status")
fi
exec python3 "$root/tools/count-tests.py" "$results" "${runners[@]}"
