#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares attune's HalfSpaceTrees with River's by the area under the ROC curve.

    python3 -m venv build/venv-river && build/venv-river/bin/pip install river==0.26.1
    build/venv-river/bin/python scripts/half_space_auc.py [--program build/release/examples/example_score_vectors] [--seeds 5]

Their trees are drawn by different generators, so that scores differ value by value; how well they tell anomalies from the
rest can be compared. Both have 25 trees of height 8 and a window of 250; rows lie in [0, 1], which River assumes. Each
stream has 4,000 rows, 2 % of them anomalies; the first 500 are not counted. Prints means over the seeds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from river import anomaly

ROWS, SKIP, SHARE = 4000, 500, 0.02


def clusters(rng, dimension):
    """Three clusters; anomalies are uniform."""
    centers = rng.uniform(0.2, 0.8, (3, dimension))
    usual = centers[rng.integers(0, 3, ROWS)] + 0.04 * rng.standard_normal((ROWS, dimension))
    return usual, rng.random((ROWS, dimension))


def correlated(rng, dimension):
    """A band along the diagonal; anomalies leave it but stay within each feature's range."""
    level = rng.random((ROWS, 1))
    usual = 0.1 + 0.8 * level + 0.03 * rng.standard_normal((ROWS, dimension))
    return usual, rng.uniform(0.1, 0.9, (ROWS, dimension))


def shifted(rng, dimension):
    """Normal rows; of anomalies every feature is off by two deviations."""
    usual = 0.5 + 0.08 * rng.standard_normal((ROWS, dimension))
    signs = rng.choice([-1.0, 1.0], (ROWS, dimension))
    return usual, 0.5 + 0.08 * (rng.standard_normal((ROWS, dimension)) + 2.0 * signs)


STREAMS = {
    "three clusters, 3": (clusters, 3),
    "three clusters, 10": (clusters, 10),
    "diagonal, 3": (correlated, 3),
    "shifted, 5": (shifted, 5),
}


def draw(make, dimension, seed):
    rng = np.random.default_rng(seed)
    usual, odd = make(rng, dimension)
    marked = rng.random(ROWS) < SHARE
    return np.clip(np.where(marked[:, None], odd, usual), 0.0, 1.0), marked


def auc(scores, marked):
    """The chance that an anomaly scores above another row; ties count half."""
    order = np.argsort(scores, kind="stable")
    ordered = np.asarray(scores)[order]
    ranks = np.empty(len(scores))
    start = 0
    for end in range(1, len(scores) + 1):
        if end == len(scores) or ordered[end] != ordered[start]:
            ranks[order[start:end]] = 0.5 * (start + end - 1)
            start = end
    hits = int(marked.sum())
    return (ranks[marked].sum() - hits * (hits - 1) / 2) / (hits * (len(scores) - hits))


def of_river(rows, seed):
    model = anomaly.HalfSpaceTrees(n_trees=25, height=8, window_size=250, seed=seed)
    scores = []
    for row in rows:
        x = dict(enumerate(row.tolist()))
        scores.append(model.score_one(x))
        model.learn_one(x)
    return scores


def of_attune(program, name, rows, seed):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.txt"
        file.write_text("\n".join(" ".join(repr(x) for x in row.tolist()) for row in rows) + "\n")
        run = subprocess.run([program, name, str(file), str(seed)], capture_output=True, text=True, check=True)
    return [float(line) for line in run.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/examples/example_score_vectors")
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    print("| stream, numbers | HalfSpaceTrees | River's | Mahalanobis |")
    print("| --- | --- | --- | --- |")
    for title, (make, dimension) in STREAMS.items():
        found = {"trees": [], "river": [], "mahalanobis": []}
        for seed in range(asked.seeds):
            rows, marked = draw(make, dimension, seed)
            scores = {
                "trees": of_attune(asked.program, "half_space_trees", rows, seed + 1),
                "river": of_river(rows, seed + 1),
                "mahalanobis": of_attune(asked.program, "mahalanobis", rows, seed + 1),
            }
            for name, values in scores.items():
                found[name].append(auc(values[SKIP:], marked[SKIP:]))
        cells = [f"{statistics.mean(found[name]):.3f}" for name in found]
        print(f"| {title} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
