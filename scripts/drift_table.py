#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Delays and false alarms of every detector, as the table of docs/drift.md.

    python3 scripts/drift_table.py [--sim build/release/simulations/attune-sim] [--seeds 60] [--null 1000000] [--write]

Delay: median number of values from the change (at 3000 of 6000) to the first detection; "-" where more than half of the
streams were missed, a share missed in brackets. False alarms: per 10^5 values of streams without drift; the default
detectors also at 10^-3 and 10^6 times the scale. Rows river_* are River's detectors (scripts/river_parity.py shows
that the positions are the same). --write puts the table into docs/drift.md. Takes about four minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import statistics
import subprocess
import sys
from pathlib import Path

CHANGE, LENGTH = 3000, 6000


def bernoulli(before, after):
    return lambda rng, t: 1.0 if rng.random() < (before if t < CHANGE else after) else 0.0


def shift(size):
    return lambda rng, t: rng.gauss(0.0, 1.0) + (0.0 if t < CHANGE else size)


def student(rng, _t):
    return rng.gauss(0, 1) / math.sqrt(sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3)


COLUMNS = {
    "B .2>.3": bernoulli(0.2, 0.3),
    "B .2>.5": bernoulli(0.2, 0.5),
    "B .5>.2": bernoulli(0.5, 0.2),
    "B .01>.05": bernoulli(0.01, 0.05),
    "G .25": shift(0.25),
    "G .5": shift(0.5),
    "G 1": shift(1.0),
    "ramp": lambda rng, t: rng.gauss(0, 1) + (0.0 if t < CHANGE else min(1.0, (t - CHANGE) / 1000)),
}
NULLS = {
    "B.1": bernoulli(0.1, 0.1),
    "B.5": bernoulli(0.5, 0.5),
    "N": shift(0.0),
    "U": lambda rng, _t: rng.random(),
    "t3": student,
}
ROWS = ["adwin", "page_hinkley", "cusum", "ewma", "kswin", "bocpd", "river_adwin", "river_page_hinkley"]
BINARY = ["ddm", "eddm", "hddm_a", "hddm_w", "stepd"]
SCALED = ["adwin", "page_hinkley"]


def detect(sim, detector, text):
    done = subprocess.run(
        [sim, "detect", "--detector", detector, "--input", "-", "--json"], input=text, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["detections"]


def delays(sim, seeds, draw, name, detectors):
    found = {detector: [] for detector in detectors}
    for seed in range(seeds):
        rng = random.Random(f"{name} {seed}")
        text = "".join(f"{draw(rng, t)!r}\n" for t in range(LENGTH))
        for detector in detectors:
            later = [at - CHANGE for at in detect(sim, detector, text) if at >= CHANGE]
            found[detector].append(later[0] if later else math.inf)
    cells = {}
    for detector, list_ in found.items():
        missed = sum(math.isinf(d) for d in list_) / seeds
        middle = statistics.median(list_)
        share = f" ({missed:.0%} missed)" if missed else ""
        cells[detector] = "-" + share if math.isinf(middle) else f"{middle:.0f}{share}"
    return cells


def false_alarms(sim, length, draw, name, detectors):
    rng = random.Random(f"null {name}")
    numbers = [draw(rng, 0) for _ in range(length)]
    out = {}
    for scale in (1.0, 1e-3, 1e6):
        wanted = detectors if scale == 1.0 else [d for d in detectors if d in SCALED]
        text = "".join(f"{scale * number!r}\n" for number in numbers)
        for detector in wanted:
            alarms = len(detect(sim, detector, text)) * 1e5 / length
            out[detector] = max(out.get(detector, 0.0), alarms)
    return {d: f"{a:.0f}" if a >= 10 else f"{a:.1f}".replace("0.0", "0") for d, a in out.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", default="build/release/simulations/attune-sim")
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--null", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    everyone = ROWS[:6] + BINARY + ROWS[6:]
    table = {detector: [] for detector in everyone}
    for name, draw in COLUMNS.items():
        wanted = everyone if name.startswith("B") else ROWS
        cells = delays(arguments.sim, arguments.seeds, draw, name, wanted)
        for detector in everyone:
            table[detector].append(cells.get(detector, ""))
    rates = {detector: [] for detector in everyone}
    for name, draw in NULLS.items():
        wanted = everyone if name.startswith("B") else ROWS
        # A Kolmogorov-Smirnov test or 256 run lengths a value take their time.
        slow = [d for d in wanted if d in ("kswin", "bocpd")]
        cells = false_alarms(arguments.sim, arguments.null, draw, name, [d for d in wanted if d not in slow])
        cells |= false_alarms(arguments.sim, arguments.null // 10, draw, name, slow)
        for detector in everyone:
            rates[detector].append(cells.get(detector, ""))
    lines = [
        "| detector | " + " | ".join(COLUMNS) + " | false alarms: " + " / ".join(NULLS) + " |",
        "| --- |" + " --- |" * (len(COLUMNS) + 1),
    ]
    for detector in everyone:
        alarms = " / ".join(rate or "·" for rate in rates[detector])
        lines.append(f"| {detector} | " + " | ".join(table[detector]) + f" | {alarms} |")
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        page = Path("docs/drift.md")
        marked = re.compile(r"(<!-- drift_table -->\n).*?(<!-- /drift_table -->)", re.S)
        page.write_text(marked.sub(lambda m: m[1] + "\n" + text + "\n\n" + m[2], page.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
