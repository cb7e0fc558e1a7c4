#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what a build of attune needs on Debian 12 and does not find; with --check also what ./test needs.
# Asks dpkg first: when nothing is missing it takes a moment, needs no network and no rights.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config
  libexpected-dev libeigen3-dev libboost-dev nlohmann-json3-dev libxxhash-dev
  libspdlog-dev libfmt-dev libsqlite3-dev libssl-dev libzstd-dev
  libcli11-dev libcsv-dev zlib1g-dev libgsl-dev
  libgtest-dev librapidcheck-dev libbenchmark-dev
  ccache mold
)
check_packages=(clang-format-19 clang-tidy-19 git python3)

for argument in "$@"; do
  case "$argument" in
    --check) packages+=("${check_packages[@]}") ;;
    *) echo "usage: scripts/setup.sh [--check]" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "setup: not a Debian system; install the packages of docs/dependencies.md yourself" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup: missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 update >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y \
  --no-install-recommends "${missing[@]}" >&2
