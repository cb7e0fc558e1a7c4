#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/fuzz.sh [SECONDS] [TARGET...]: builds the libFuzzer programs (preset fuzz: clang-19, address and undefined behaviour
# sanitizers) and runs each target for so many seconds (default 60), from its seeds in tests/fuzz/corpus. What they
# learn is kept in build/fuzz/corpus; an input that breaks something is left in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(config state record protocol store)
command -v clang++-19 >/dev/null || { echo "fuzz: clang++-19 is needed (packages clang-19, libclang-rt-19-dev)" >&2; exit 2; }
scripts/setup.sh
scripts/build.sh fuzz
mkdir -p build/fuzz/findings
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
status=0
for target in "${targets[@]}"; do
  mkdir -p "build/fuzz/corpus/$target"
  options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
    -artifact_prefix="build/fuzz/findings/$target-")
  case "$target" in
    config | protocol) options+=(-dict=tests/fuzz/json.dict -max_len=16384) ;;
    store) options+=(-max_len=131072) ;;
    *) options+=(-max_len=65536) ;;
  esac
  log=build/fuzz/$target.log
  if "build/fuzz/tests/fuzz/fuzz_$target" "${options[@]}" "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" > "$log" 2>&1; then
    echo "fuzz $target: $(sed -n 's/^stat::number_of_executed_units: //p' "$log") executions, nothing found"
  else
    echo "fuzz $target: FOUND SOMETHING, see $log"
    status=1
  fi
done
exit "$status"
