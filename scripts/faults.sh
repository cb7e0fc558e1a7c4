#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/faults.sh [--full] [FILTER]: runs every fault test and prints a table, `Fnn: N passed, N failed` by fault.
#   --full   ten times the share of continuous integration (or ATTUNE_FAULT_SCALE times), and no steps left out
#   FILTER   a --gtest_filter, e.g. '*Kill*'
# What each fault is, what must hold, and how to run one seed again: docs/reliability.md.
set -euo pipefail
cd "$(dirname "$0")/.."
filter='*'
for argument in "$@"; do
  case "$argument" in
    --full) export ATTUNE_FAULT_SCALE=${ATTUNE_FAULT_SCALE:-10} ;;
    -h | --help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "faults: unknown argument '$argument'; see scripts/faults.sh --help" >&2; exit 2 ;;
    *) filter=$argument ;;
  esac
done
scripts/setup.sh
scripts/build.sh release --target test_faults test_faults_slow test_fuzz test_store test_store_slow test_rewards \
  test_schedules_slow
logs=build/release/fault-logs
rm -rf "$logs"
mkdir -p "$logs"
export RC_PARAMS=${RC_PARAMS:-seed=20261121}

# names PROGRAM FILTER: the tests of a program, one a line.
names() {
  "$1" --gtest_list_tests --gtest_filter="$2" | awk '/^[^ ]/ { suite = $1 } /^  / { print suite $1 }'
}
# Tests of other rooms that are cases of a fault: id, program, filter, what.
elsewhere() {
  cat <<'TABLE'
F14-F16|test_rewards|CollectorModel.*:CollectorReplay.*|properties of reward joining against the model
F08|test_store|StoreDamage.ALogThatLost*:StoreDamage.AJournalThatLost*|lost logs and tails
F09|test_store|StoreDamage.AFlipped*:StoreDamage.EveryFlipped*:StoreDamage.ARow*:StoreDamage.Records*|bits and rows, named by position
F25|test_store|StoreRefuses.*:StoreAccepts.*|foreign files, altered schemas, triggers
F32|test_store|StoreRefuses.AStoreOfANewerVersion|a newer store is refused
TABLE
}

for program in test_faults/faults test_faults_slow/faults test_fuzz/fuzz test_schedules_slow/schedules; do
  path=build/release/tests/${program#*/}/${program%/*}
  names "$path" "$filter" | sed "s|^|$path |"
done > "$logs/list"
status=0
# shellcheck disable=SC2016
xargs -P "$(nproc)" -L 1 bash -c '"$0" --gtest_filter="$1" > "'"$logs"'/$(basename "$0").${1//\//-}.log" 2>&1' \
  < "$logs/list" || status=1
if [ "$filter" = '*' ]; then
  elsewhere | while IFS='|' read -r id program tests what; do
    log=$logs/$program.$id.log
    build/release/tests/"$program" --gtest_filter="$tests" > "$log" 2>&1 || true
    passed=$(grep -c '^\[       OK' "$log" || true)
    failed=$(grep -c '^\[  FAILED  \].*ms)' "$log" || true)
    echo "$id: $passed passed, $failed failed ($what)" >> "$log"
  done
fi
# A program that crashed printed no count: it is named, and is a failure.
for log in "$logs"/*.log; do
  grep -q '^\[  PASSED\|^\[  FAILED\|^\[  SKIPPED' "$log" || { echo "crashed: $log"; status=1; }
done
grep -h '^F[0-9-]*F*[0-9]*: [0-9]* passed' "$logs"/*.log | sort | awk -F': | passed, | failed \\(' '
  { what = $4; sub(/\)$/, "", what); key = $1 "|" what
    if (!(key in passed)) order[++n] = key
    passed[key] += $2; failed[key] += $3; all += $2; bad += $3 }
  END { for (i = 1; i <= n; ++i) { split(order[i], part, "|")
          printf "%-8s %10d passed, %d failed  %s\n", part[1] ":", passed[order[i]], failed[order[i]], part[2] }
        printf "%-8s %10d passed, %d failed\n", "all:", all, bad
        exit bad > 0 }' || status=1
grep -h '^seeds ' "$logs"/*.log || true
[ "$status" = 0 ] || { echo "faults: something failed; the logs are in $logs" >&2; grep -h 'replay:' "$logs"/*.log >&2 || true; }
exit "$status"
