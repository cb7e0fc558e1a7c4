#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/sanitizers.sh [-R REGEX] [PRESET...]: builds and tests the presets asan and tsan (or those named).
# Slow tests are left out: instrumented they take ten times as long, and show nothing that the quick ones do not.
set -euo pipefail
cd "$(dirname "$0")/.."
presets=() regex=''
while [ $# -gt 0 ]; do
  case "$1" in
    -R) regex=${2:?-R needs a regular expression}; shift ;;
    asan | tsan | debug) presets+=("$1") ;;
    *) echo "usage: scripts/sanitizers.sh [-R REGEX] [asan|tsan|debug]..." >&2; exit 2 ;;
  esac
  shift
done
[ "${#presets[@]}" -gt 0 ] || presets=(asan tsan)
scripts/setup.sh
status=0
for preset in "${presets[@]}"; do
  echo "== $preset"
  scripts/build.sh "$preset"
  ctest --preset "$preset" --label-exclude '^(slow|compile_fail|layers)$' ${regex:+--tests-regex "$regex"} \
    --no-label-summary --parallel "$(nproc)" || status=1
done
exit "$status"
