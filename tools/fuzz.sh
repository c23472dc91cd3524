#!/usr/bin/env bash
# tools/fuzz.sh [SECONDS] [NAME...]: runs each fuzzer (or those named) for SECONDS, 60 unless said.
# tools/fuzz.sh --runs COUNT NAME: runs that many inputs, the same every time; builds nothing.
#
# Prints one line for each fuzzer; exits with 1 if any found something. What it finds lies in
# build/fuzz/fuzz/findings, with a line that repeats it; what it learned is kept for the next time
# in build/fuzz/fuzz/corpus.
set -uo pipefail
# shellcheck source=tools/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
work=$build_fuzz/fuzz

# run_fuzzer NAME ARGUMENT...: one fuzzer; its last words if it found something.
run_fuzzer() {
  local name=$1 log=$work/$1.log
  shift
  mkdir -p "$work/findings" "$work/scratch" && cd "$work/scratch" || return 1
  # Far more than an input of 8 KiB should take, sanitizers included.
  if "$build_fuzz/bin/fuzz-$name" -timeout=60 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
    -dict="$work/seeds/$name.dict" -artifact_prefix="$work/findings/$name-" "$@" >"$log" 2>&1; then
    local runs coverage
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(grep -ao 'cov: [0-9]*' "$log" | tail -n 1)
    printf '%-12s %9s executions  %s  nothing found\n' "$name" "$runs" "${coverage:-cov: 0}"
    return 0
  fi
  grep -av '^#[0-9]\|NEW_FUNC\|^stat::' "$log" | tail -n 60
  printf '%-12s FOUND something; repeat it with\n  %s %s\n' "$name" "$build_fuzz/bin/fuzz-$name" \
    "$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
  return 1
}

if [ "${1:-}" = --runs ]; then
  seeds=$(find "$work/seeds/$3" -type f | sort | paste -sd,)
  run_fuzzer "$3" -seed=1 -runs="$2" -seed_inputs="$seeds"
  exit
fi

seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
build_fuzzers || exit 1
names=("$@")
if [ $# -eq 0 ]; then
  for program in "$build_fuzz"/bin/fuzz-*; do
    names+=("${program##*/fuzz-}")
  done
fi
found=0
for name in "${names[@]}"; do
  mkdir -p "$work/corpus/$name"
  run_fuzzer "$name" -max_total_time="$seconds" "$work/corpus/$name" "$work/seeds/$name" || found=1
done
exit $found
