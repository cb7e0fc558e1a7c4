#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/build.sh PRESET [arguments of cmake --build]: configures if needed, then builds into build/PRESET.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:?usage: scripts/build.sh PRESET [arguments of cmake --build]}
shift
# Ninja configures again by itself when a CMake file changes; doing it here each time would only cost seconds.
if [ ! -f "build/$preset/build.ninja" ]; then
  cmake --preset "$preset" >&2
fi
cmake --build --preset "$preset" "$@" >&2
