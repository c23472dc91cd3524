# Sourced by quickstart.sh and check.sh: the one way they install, configure and build.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build

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
