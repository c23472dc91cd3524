#!/usr/bin/env bash
# run.sh BUILD FOLDER: two trainers and two servers on this machine, meeting in FOLDER, which must
# not hold an earlier run's files. Fails if any of them does.
set -euo pipefail
build=$1 folder=$2
pids=()
for rank in 0 1 2 3; do
  program=trainer
  [ "$rank" -lt 2 ] || program=server
  "$build/$program" "$folder" "$rank" &
  pids+=($!)
done
status=0
for pid in "${pids[@]}"; do
  wait "$pid" || status=1
done
exit "$status"
