#!/usr/bin/env bash
# Installs what building and testing xfer needs and this machine lacks, on Debian 12 and
# Ubuntu 24.04 (packages by apt-get, as root or with sudo). Does nothing if nothing is missing.
# With the argument `fuzz` also what the fuzzers need: clang, and clang-tidy for what they are built of.
set -euo pipefail

packages=(
  cmake ninja-build g++ python3
  llvm-19-dev llvm-19-tools libzstd-dev zlib1g-dev  # LLVM's support library, lit and FileCheck
  libfmt-dev libflatbuffers-dev flatbuffers-compiler libxxhash-dev
  libgtest-dev libbenchmark-dev
  pkgconf  # a test uses what is installed through it
  libgloo-dev  # the gloo backend; without it the runtime builds without one
)
if [ "${1:-}" = fuzz ]; then
  packages+=(clang-19 clang-tidy-19 libclang-rt-19-dev)
fi

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
  echo "error: this script installs Debian packages; elsewhere install the equivalents of:" \
    "${packages[*]}" >&2
  exit 1
fi
missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "error: cannot install without root or sudo: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo "${as_root[@]}")
fi
echo "installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${as_root[@]}" apt-get update -qq >"$log" 2>&1 ||
  ! "${as_root[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "error: apt-get could not install ${missing[*]}" >&2
  exit 1
fi
