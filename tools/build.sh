# Sourced by quickstart.sh, check.sh and fuzz.sh: the one way they install, configure and build.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
# shellcheck disable=SC2034  # used by what sources this
build_fuzz=$build/fuzz

# Runs a command whose output matters only if it fails.
quietly() {
  local log=$build/last-command.log
  "$@" >"$log" 2>&1 && return
  tail -n 100 "$log" >&2
  echo "error: '$*' failed" >&2
  return 1
}

# build_targets TARGET...: an optimised build in build/.
build_targets() {
  "$root/tools/install-deps.sh" || return 1
  mkdir -p "$build"
  quietly cmake -G Ninja -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release || return 1
  quietly cmake --build "$build" --target "$@"
}

# build_fuzzers: with clang and sanitizers, in build/fuzz/.
build_fuzzers() {
  "$root/tools/install-deps.sh" fuzz || return 1
  mkdir -p "$build"
  cd "$root" || return 1
  quietly cmake --preset fuzz || return 1
  quietly cmake --build --preset fuzz
}
