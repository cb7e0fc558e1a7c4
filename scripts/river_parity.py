#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares attune's river modes with River itself, value for value.

    python3 -m venv build/venv-river && build/venv-river/bin/pip install river==0.26.1
    build/venv-river/bin/python scripts/river_parity.py check [--sim build/release/simulations/attune-sim] [--rounds 40]
    build/venv-river/bin/python scripts/river_parity.py golden > tests/safety/river_golden.inc

`check` draws streams (Bernoulli, normal, uniform, heavy-tailed, constant, huge, tiny, with NaN) and parameters, runs
both, and compares the lists of positions and, for adwin, the window's width, total and variance bit for bit.
`golden` writes River's answers for streams that tests/safety/river_golden_test.cpp makes again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from river import drift

MASK = (1 << 64) - 1
RIVER = {
    "adwin": drift.ADWIN,
    "page_hinkley": drift.PageHinkley,
    "ddm": drift.binary.DDM,
    "eddm": drift.binary.EDDM,
    "hddm_a": drift.binary.HDDMA,
    "hddm_w": drift.binary.HDDMW,
}


def river_run(name: str, params: dict, values: list[float]):
    """Positions at which River detects; None where it breaks down (it panics with one bucket a row)."""
    detector = RIVER[name](**params)
    found = []
    try:
        for index, value in enumerate(values):
            detector.update(int(value) if name in ("ddm", "eddm", "hddm_a", "hddm_w") else value)
            if detector.drift_detected:
                found.append(index)
    except BaseException as problem:  # a Rust panic is no Exception
        if isinstance(problem, KeyboardInterrupt):
            raise
        return None, detector
    return found, detector


def draw_stream(rng: np.random.Generator, binary: bool) -> np.ndarray:
    length = int(rng.integers(200, 6000))
    kind = 0 if binary else int(rng.integers(0, 7))
    parts = []
    for size in [len(p) for p in np.array_split(np.arange(length), int(rng.integers(1, 5)))]:
        level = rng.random()
        parts.append(
            {
                0: lambda: (rng.random(size) < level).astype(float),
                1: lambda: rng.normal(2 * level, 1, size),
                2: lambda: rng.uniform(0, 1 + level, size),
                3: lambda: rng.standard_t(3, size) + 2 * level,
                4: lambda: np.full(size, round(level, 1)),
                5: lambda: rng.normal(20 * level, 5, size),
                6: lambda: rng.standard_cauchy(size),
            }[kind]()
        )
    values = np.concatenate(parts)
    if not binary and rng.random() < 0.4:
        values = values * 10.0 ** int(rng.integers(-3, 7))
    if not binary and rng.random() < 0.08:
        values[int(rng.integers(0, length))] = rng.choice([1e300, -1e300, 1e155, np.nan, np.inf, -np.inf])
    return values


def draw_params(rng: np.random.Generator, name: str) -> dict:
    if rng.random() < 0.2:
        return {}
    pick = lambda *choices: choices[int(rng.integers(0, len(choices)))]  # noqa: E731
    return {
        "adwin": lambda: {
            "delta": pick(1e-10, 1e-5, 0.0001, 0.002, 0.05, 0.5, 1.0, 2.0),
            "clock": pick(1, 2, 7, 32, 100),
            "max_buckets": pick(2, 3, 5, 10, 20),
            "min_window_length": pick(1, 2, 5, 10, 30),
            "grace_period": pick(0, 1, 5, 10, 100, 500),
        },
        "page_hinkley": lambda: {
            "min_instances": pick(1, 5, 30, 100, 1000),
            "delta": pick(0.0, 0.005, 0.1, 1.0),
            "threshold": pick(0.5, 1.0, 5.0, 20.0, 50.0, 500.0),
            "alpha": pick(0.9, 0.99, 0.9999, 1.0),
            "mode": pick("up", "down", "both"),
        },
        "ddm": lambda: {
            "warm_start": pick(1, 10, 30, 200),
            "warning_threshold": pick(1.0, 2.0),
            "drift_threshold": pick(2.5, 3.0, 4.0),
        },
        "eddm": lambda: {"warm_start": pick(5, 30, 100), "alpha": pick(0.9, 0.95), "beta": pick(0.8, 0.9)},
        "hddm_a": lambda: {
            "drift_confidence": pick(0.0001, 0.001, 0.01),
            "warning_confidence": pick(0.005, 0.05),
            "two_sided_test": pick(True, False),
        },
        "hddm_w": lambda: {
            "drift_confidence": pick(0.0001, 0.001, 0.01),
            "warning_confidence": pick(0.005, 0.05),
            "lambda_val": pick(0.01, 0.05, 0.2),
            "two_sided_test": pick(True, False),
        },
    }[name]()


def attune_run(sim: str, name: str, params: dict, values) -> dict:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{float(v)!r}\n" for v in values))
        file.flush()
        command = [sim, "detect", "--detector", name, "--input", file.name, "--json", "--statistics"]
        for key, value in {"compat": "river", **params}.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            command += ["--param", f"{key}={text}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        return json.loads(done.stdout)


def check(sim: str, rounds: int, seed: int, names: list[str]) -> int:
    wrong = 0
    for name in names:
        same = broken = detections = 0
        rng = np.random.default_rng([seed, list(RIVER).index(name)])
        for _ in range(rounds):
            values = draw_stream(rng, name not in ("adwin", "page_hinkley"))
            params = draw_params(rng, name)
            river, detector = river_run(name, params, values.tolist())
            if river is None:
                broken += 1
                continue
            ours = attune_run(sim, name, params, values)
            equal = river == ours["detections"]
            if name == "adwin" and np.all(np.isfinite(values)) and np.isfinite(detector.variance):
                seen = ours["statistics"]
                for key in ("width", "total", "variance"):
                    theirs = float(getattr(detector, key))
                    equal &= seen[key] == theirs
            detections += len(river)
            same += equal
            if not equal:
                print(f"{name} {params} n={len(values)}: River {river[:8]}, attune {ours['detections'][:8]}")
        wrong += rounds - broken - same
        print(f"{name}: {same} of {rounds - broken} equal, {detections} detections; River broke down in {broken}")
    return 1 if wrong else 0


# ---------------------------------------------------------------------------------------------------------- golden


def golden_stream(kind: int, seed: int, length: int) -> list[float]:
    """As golden_stream in river_golden_test.cpp: SplitMix64 and exact operations only."""
    state, values = seed, []

    def uniform() -> float:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

    for index in range(length):
        phase = index * 4 // length
        level = 0.125 + 0.25 * phase if phase != 3 else 0.25
        if kind == 0:
            values.append(1.0 if uniform() < level else 0.0)
        elif kind == 1:
            values.append(uniform() + level)
        else:
            total = 0.0
            for _ in range(12):
                total += uniform()
            values.append((total - 6.0 + 2.0 * level) * (1000.0 if kind == 3 else 1.0))
    return values


def golden() -> None:
    rng = np.random.default_rng(20260)
    print("// SPDX-License-Identifier: Apache-2.0")
    print("// River's answers, written by scripts/river_parity.py golden (River 0.26.1). Do not edit.")
    print("// name, options, kind of stream, seed, length, positions of drift")
    for name in RIVER:
        for case in range(12 if name in ("adwin", "page_hinkley") else 5):
            params = {} if case < 2 else draw_params(rng, name)
            kind = case % 4 if name in ("adwin", "page_hinkley") else 0
            length = 2000 + 250 * case
            found, _ = river_run(name, params, golden_stream(kind, case + 1, length))
            found = found[:30]  # with a rate of its own beyond that
            options = json.dumps({"type": name, "compat": "river", **params})
            print(f'{{R"({options})", {kind}, {case + 1}, {length},\n {{{", ".join(map(str, found))}}}}},')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["check", "golden"])
    parser.add_argument("--sim", default=str(Path("build/release/simulations/attune-sim")))
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--detector", action="append", choices=list(RIVER))
    arguments = parser.parse_args()
    if arguments.what == "golden":
        golden()
        return 0
    return check(arguments.sim, arguments.rounds, arguments.seed, arguments.detector or list(RIVER))


if __name__ == "__main__":
    sys.exit(main())
