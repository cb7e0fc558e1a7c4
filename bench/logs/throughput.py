#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast attune-sim goes through recorded logs, reading included: rows a CPU second of the whole command.

Writes logs of its own to a temporary folder (seeded), runs each command some times and prints the best as
Markdown. Needs nothing but Python.
"""

import argparse
import json
import os
import random
import subprocess
import tempfile

FEATURES = 20
ARMS = 10
ENTRIES = 16
WIDE = 60_000


def write_log(path, rows, rng):
    """Choices drawn uniformly, a reward that depends on the context."""
    names = ",".join(f"x{i}" for i in range(FEATURES))
    weights = [[rng.gauss(0.0, 0.3) for _ in range(FEATURES)] for _ in range(ARMS)]
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"arm,reward,propensity,{names}\n")
        for _ in range(rows):
            x = [rng.uniform(-2.0, 2.0) for _ in range(FEATURES)]
            arm = rng.randrange(ARMS)
            reward = sum(a * b for a, b in zip(weights[arm], x)) + rng.uniform(-1.0, 1.0)
            cells = ",".join(f"{value:.4f}" for value in x)
            out.write(f"a{arm},{reward:.4f},0.1,{cells}\n")


def write_svm(path, rows, features, rng):
    """Rows of 16 entries; all features, or few of many."""
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(rows):
            index = sorted(rng.sample(range(1, features + 1), ENTRIES))
            x = [rng.uniform(-2.0, 2.0) for _ in index]
            score = sum(value if i % 2 else -value for i, value in zip(index, x))
            label = 1 if rng.uniform(-3.0, 3.0) < score else -1
            out.write(f"{label} " + " ".join(f"{i}:{value:.3f}" for i, value in zip(index, x)) + "\n")


def run(command):
    """CPU seconds of a command, and what it printed as JSON."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise SystemExit(f"{command[0]} ended with {child.returncode}")
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, json.load(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build/release/simulations/attune-sim")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    rng = random.Random(1)
    rows = arguments.rows
    with tempfile.TemporaryDirectory() as folder:
        log, wide, dense = (os.path.join(folder, name) for name in ("log.csv", "wide.svm", "dense.svm"))
        write_log(log, rows, rng)
        write_svm(wide, rows, WIDE, rng)
        write_svm(dense, rows, ENTRIES, rng)
        replay = [arguments.program, "replay", log, "--arm", "arm", "--reward", "reward", "--propensity",
                  "propensity", "--embedding", "x*", "--seeds", "1", "--json", "--quiet"]
        learn = [arguments.program, "learn", "--learner", "auto_linear", "--json", "--quiet", "--input"]
        cases = [(f"replay, {kind}, {ARMS} arms x {FEATURES} features, CSV",
                  [*replay, "--policy", json.dumps({"type": kind})]) for kind in ("lin_ucb", "epsilon_greedy")]
        cases.append((f"learn, auto_linear, {ENTRIES} of {WIDE} features, LIBSVM", [*learn, wide]))
        cases.append((f"learn, auto_linear, {ENTRIES} features, LIBSVM", [*learn, dense]))
        print("| attune-sim | rows a CPU second, reading included | us a row, predict and learn alone |")
        print("| --- | --- | --- |")
        for name, command in cases:
            results = [run(command) for _ in range(arguments.repeat)]
            rate = rows / min(cpu for cpu, _ in results)
            alone = [found["cpu_us_per_row"] for _, found in results if "cpu_us_per_row" in found]
            print(f"| {name} | {rate:,.0f} | {f'{min(alone):.3f}' if alone else ''} |", flush=True)


if __name__ == "__main__":
    main()
