#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/benchmarks.sh [--full]: builds, measures on this machine, and writes docs/benchmarks.md.
# Four minutes; leave the machine idle meanwhile.
# --full adds the Google Benchmark tables of every policy over arms x features (some minutes).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release --target bench_ratio bench_policies bench_engine bench_durable bench_store bench_safety attune-sim
out=docs/benchmarks.md
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
{
  echo '# Benchmarks'
  echo
  echo "Written by \`scripts/benchmarks.sh\` on $(nproc) cores of ${cpu:-an unknown processor} ($(g++ --version | head -n 1), -O2, the library -O3, load"
  echo "$(cut -d' ' -f1 /proc/loadavg) at the start). Rates are calls a CPU second, best of interleaved rounds, so that a busy machine"
  echo 'does not count; latencies are single calls by wall clock, the cost of the clock included and shown.'
  echo
  echo '## Policies beside plain loops'
  echo
  echo 'The floor is a plain single-precision loop in the same run (bench/ratio/floor.cpp), compiled with `-O3 -march=native`'
  echo 'with and without `-ffast-math`, the faster of the two. attune is as it ships: double precision, no fused'
  echo 'multiply-add, arms that may come and go, exact propensities, a counter-based generator per decision.'
  echo '`steps` = select + update.'
  echo
  build/release/bench/bench_ratio
  echo
  echo '## Recorded logs'
  echo
  echo 'attune-sim over generated files (bench/logs/throughput.py): the whole command, best of five, one thread.'
  echo
  python3 bench/logs/throughput.py
  echo
  echo '## The durable engine beside a bare SQLite loop'
  echo
  echo 'The loop (bench/durable/bare_loop.cpp) has a mutex, a queue and one thread that inserts rows of the same columns and'
  echo 'sizes, a transaction for what is queued. Rounds in turns, wall clock: other load on the machine counts here.'
  echo
  build/release/bench/bench_durable --async-seconds 60
  if [ "${1:-}" = --full ]; then
    for room in policies engine store safety; do
      echo
      echo "## bench_$room"
      echo
      echo '```'
      "build/release/bench/bench_$room" --benchmark_min_time=0.1 2>/dev/null
      echo '```'
    done
  fi
} > "$out.new"
mv "$out.new" "$out"
echo "wrote $out" >&2
