#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Progressive log loss of attune's auto_linear and of River's logistic regressions, on the same files.

    python3 bench/peers/learners.py [--sim build/release/simulations/attune-sim] [--rows 10000] [--group report]
                                    [--folder build/peers] [--jobs 2] [--write]

Makes a virtual environment with pinned River and scikit-learn from PyPI, writes streams in LIBSVM's format, runs every
configuration of River's grid (SGD, AdaGrad, FTRL, Adam; with and without StandardScaler where features are dense) and one
untuned attune-sim learn on each, and prints a table. River's column is the best of its grid, chosen in hindsight for each
stream. --group choose has the streams on which auto_linear's priors were chosen, report others that were looked at once.
Files and River's results are kept in the folder: a second run takes seconds. --write puts the table of the group into
docs/algorithms/auto_linear.md. About ten minutes a group; results do not depend on the machine, microseconds do.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

PINNED = ["river==0.26.1", "scikit-learn==1.9.1"]
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from pinned import with_packages  # noqa: E402


# ------------------------------------------------------------------------------------------------ streams


def sigmoid(score):
    return 1.0 / (1.0 + math.exp(-max(-500.0, min(500.0, float(score)))))


def fields(rng, rows, count, values, zipf, base, strength, change=None):
    """One value of each of `count` categorical fields, one-hot: clicks."""
    import numpy as np

    weights = rng.normal(size=count * values)
    other = weights.copy()
    if change == "flip":
        other = -weights
    elif change == "half":
        flipped = rng.random(count * values) < 0.5
        other[flipped] *= -1.0
    chances = 1.0 / np.arange(1, values + 1) ** zipf
    ids = np.stack([rng.choice(values, size=rows, p=chances / chances.sum()) + i * values for i in range(count)], axis=1)
    for t in range(rows):
        if change == "walk":
            weights = weights * 0.9999 + rng.normal(size=weights.size) * 0.014 if t % 10 == 0 else weights
            now = weights
        else:
            now = weights if t < rows // 2 else other
        score = base + strength * now[ids[t]].sum() / math.sqrt(count)
        yield rng.random() < sigmoid(score), ids[t], np.ones(count)


def dense(rng, rows, count, strength=2.0, base=0.0, noise=0.0, scales=3.0, offset=3.0, mix=False, tails=None, change=None):
    """Numbers of very different size and offset."""
    import numpy as np

    size = 10.0 ** rng.uniform(-scales, scales, count)
    shift = size * rng.normal(size=count) * offset
    x = rng.normal(size=(rows, count))
    if mix:
        x = x @ rng.normal(size=(count, count)) / math.sqrt(count)
    if tails == "exp":
        x = np.sign(x) * np.expm1(np.abs(x))
    elif tails == "lognormal":
        x = np.exp(x)
    elif tails == "t":
        x = rng.standard_t(3, size=(rows, count))
    one, two = (w * strength / np.linalg.norm(w) for w in rng.normal(size=(2, count)))
    for t in range(rows):
        weights = one
        if change == "flip" and t >= rows // 2:
            weights = -one
        elif change == "turn":
            angle = 2.0 * math.pi * t / rows
            weights = math.cos(angle) * one + math.sin(angle) * two
        elif change == "blocks" and (t * 5 // rows) % 2:
            weights = two
        elif change == "new" and t >= rows // 3:
            weights = two
        label = rng.random() < sigmoid(base + (x[t] - (1.6 if tails == "lognormal" else 0.0)) @ weights)
        yield label != (rng.random() < noise), np.arange(count), x[t] * size + shift


def bag(rng, rows, words, length, base=0.0, noise=0.0, counts=False, spread=0.7, vary=False):
    """Some of many features, present or counted."""
    import numpy as np

    weights = rng.normal(size=words) * spread
    for _ in range(rows):
        k = max(1, int(rng.lognormal(math.log(length), 0.6))) if vary else length
        ids = np.sort(rng.choice(words, min(k, words), replace=False))
        values = 1.0 + rng.poisson(1.0, ids.size) if counts else np.ones(ids.size)
        label = rng.random() < sigmoid(base + weights[ids] @ np.log1p(values) / (math.sqrt(k / length) if vary else 1.0))
        yield label != (rng.random() < noise), ids, values


def mixed(rng, rows, base, numbers, categories):
    """Numbers of different size beside one-hot fields."""
    import numpy as np

    weights, effects = rng.normal(size=numbers), rng.normal(size=categories * 200) * 0.7
    size = 10.0 ** rng.uniform(-2, 3, numbers)
    for _ in range(rows):
        x = rng.normal(size=numbers)
        ids = (rng.zipf(1.3, size=categories) - 1) % 200 + np.arange(categories) * 200
        score = base + 0.6 * (x @ weights + effects[ids].sum())
        yield rng.random() < sigmoid(score), np.r_[np.arange(numbers), numbers + ids], np.r_[x * size, np.ones(categories)]


def scikit(name, positive):
    import numpy as np
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    x, y = data.data, positive(data.target)
    for i in np.random.default_rng(0).permutation(len(y)):
        present = np.flatnonzero(x[i])
        yield y[i], present, x[i][present]


def made(rows):
    import numpy as np
    from sklearn.datasets import make_classification

    x, y = make_classification(rows, 25, n_informative=8, n_redundant=6, flip_y=0.05, class_sep=0.8, random_state=1)
    for row, label in zip(x, y):
        yield label, np.arange(25), row


def streams(group, rows):
    import numpy as np

    rng = lambda seed: np.random.default_rng(seed)  # noqa: E731
    if group == "choose":
        return {
            "clicks": fields(rng(1), 4 * rows, 16, 4000, 1.2, -1.5, 1.2),
            "clicks, all weights flip": fields(rng(2), 4 * rows, 16, 4000, 1.2, -0.5, 1.2, "flip"),
            "rare clicks": fields(rng(27), 4 * rows, 16, 500, 1.2, -5.0, 1.2),
            "badly scaled": dense(rng(3), rows, 10),
            "plain numbers": dense(rng(4), rows, 16, strength=3.0, scales=0.0, offset=0.0),
            "weights turn": dense(rng(5), 2 * rows, 16, scales=0.0, offset=0.0, change="turn"),
            "weights flip": dense(rng(6), 2 * rows, 16, change="flip"),
            "two worlds in turn": dense(rng(29), 2 * rows, 16, change="blocks"),
            "20 % wrong labels": dense(rng(7), rows, 16, strength=4.0, scales=0.0, offset=0.0, noise=0.2),
            "20 % wrong labels, sparse": bag(rng(8), 2 * rows, 100, 16, noise=0.2),
            "rare, mixed": mixed(rng(9), 3 * rows, -6.5, 6, 10),
            "correlated": dense(rng(28), rows, 20, strength=3.0, mix=True),
            "breast cancer": scikit("breast_cancer", lambda y: y),
            "digits above 4": scikit("digits", lambda y: y >= 5),
        }
    return {
        "clicks, 3 % positive": fields(rng(101), 4 * rows, 12, 2000, 1.05, -4.2, 1.3),
        "16 of 60,000, half of the weights flip": fields(rng(102), 4 * rows, 16, 3750, 1.0, -0.3, 1.5, "half"),
        "clicks, weights walk": fields(rng(103), 2 * rows, 10, 300, 1.1, -1.0, 1.2, "walk"),
        "words, counted": bag(rng(104), 2 * rows, 8000, 25, base=-1.0, counts=True, vary=True, spread=0.5),
        "30 % wrong labels, sparse": bag(rng(105), 2 * rows, 400, 12, noise=0.3, spread=1.0),
        "lognormal, offsets": dense(rng(106), rows, 20, strength=1.5, tails="lognormal", offset=50.0),
        "heavy tails": dense(rng(107), rows, 12, strength=1.5, tails="t"),
        "correlated, 40 numbers": dense(rng(108), rows, 40, strength=4.0, mix=True),
        "0.5 % positive, mixed": mixed(rng(109), 3 * rows, -7.5, 8, 6),
        "numbers and categories": mixed(rng(110), 2 * rows, -0.5, 5, 12),
        "new weights after a third": dense(rng(111), rows, 12, change="new"),
        "150 numbers, offsets": dense(rng(112), rows, 150, strength=4.0, offset=10.0),
        "make_classification": made(rows),
        "wine, first": scikit("wine", lambda y: y == 0),
        "digits, even": scikit("digits", lambda y: y % 2 == 0),
        "diabetes above median": scikit("diabetes", lambda y: y > 140.5),
    }


def write(path, rows):
    with open(path, "w", encoding="ascii") as file:
        for label, ids, values in rows:
            file.write(f"{int(label)} " + " ".join(f"{int(i) + 1}:{v:.7g}" for i, v in sorted(zip(ids, values))) + "\n")


def read(path):
    rows = []
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            pairs = (word.split(":") for word in words[1:])
            rows.append((words[0] == "1", {int(i): float(v) for i, v in pairs}))
    return rows


# -------------------------------------------------------------------------------------------------- River


def grid(wide):
    from river import linear_model, optim, preprocessing

    logistic = linear_model.LogisticRegression
    plain = {f"SGD {r}": lambda r=r: logistic(optim.SGD(r)) for r in (0.003, 0.01, 0.03, 0.1, 0.3)}
    plain |= {f"AdaGrad {r}": lambda r=r: logistic(optim.AdaGrad(r)) for r in (0.03, 0.1, 0.3, 1.0)}
    plain |= {
        f"FTRL {a}, l2 {l}": lambda a=a, l=l: logistic(optim.FTRLProximal(alpha=a, beta=1.0, l1=0.0, l2=l))
        for a, l in ((0.05, 0), (0.1, 0), (0.1, 1), (0.3, 0), (1.0, 0))
    }
    if wide:  # Adam touches every weight, and centring makes sparse rows dense
        return plain
    plain |= {f"Adam {r}": lambda r=r: logistic(optim.Adam(r)) for r in (0.003, 0.01, 0.03, 0.1)}
    scaled = {f"scaled {name}": lambda make=make: preprocessing.StandardScaler() | make() for name, make in plain.items()}
    return plain | scaled


def river_losses(path):
    """Log loss and microseconds a row of every configuration on one file; kept beside the file."""
    import time

    kept = path.with_suffix(".river.json")
    if kept.exists() and kept.stat().st_mtime > path.stat().st_mtime:
        return json.loads(kept.read_text())
    rows = read(path)
    wide = len({i for _, x in rows for i in x}) > 500
    losses = {}
    for name, make in grid(wide).items():
        model, loss, start = make(), 0.0, time.process_time()
        try:
            for label, x in rows:
                p = model.predict_proba_one(x).get(True, 0.5)
                loss -= math.log(max(1e-15, p if label else 1.0 - p))
                model.learn_one(x, label)
        except (OverflowError, ValueError, ZeroDivisionError):
            loss = math.inf
        if math.isnan(loss):
            loss = math.inf
        losses[name] = (loss / len(rows), 1e6 * (time.process_time() - start) / len(rows))
    kept.write_text(json.dumps(losses))
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", default=str(ROOT / "build/release/simulations/attune-sim"))
    parser.add_argument("--rows", type=int, default=10000)
    parser.add_argument("--group", choices=["choose", "report"], default="report")
    parser.add_argument("--folder", default=str(ROOT / "build/peers"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with_packages(folder / "venv", PINNED)
    from multiprocessing import Pool

    files = {}
    for number, (name, rows) in enumerate(streams(arguments.group, arguments.rows).items()):
        files[name] = folder / f"{arguments.group}_{arguments.rows}_{number}.svm"
        if not files[name].exists():
            write(files[name], rows)
    table = ["| stream | rows | auto_linear | River's best | which | us a row, attune | River |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    better = 0
    with Pool(arguments.jobs) as pool:
        for (name, path), losses in zip(files.items(), pool.imap(river_losses, files.values())):
            out = subprocess.run([arguments.sim, "learn", "--input", path, "--json"], check=True, capture_output=True, text=True)
            mine = json.loads(out.stdout)
            best = min(losses, key=lambda key: losses[key][0])
            better += mine["log_loss"] <= losses[best][0]
            table.append(f"| {name} | {mine['rows']} | {mine['log_loss']:.4f} | {losses[best][0]:.4f} | {best} | "
                         f"{mine['cpu_us_per_row']:.2f} | {losses[best][1]:.0f} |")
            print(table[-1], file=sys.stderr, flush=True)
    text = "\n".join(table) + "\n"
    print(text + f"\nauto_linear is no worse on {better} of {len(files)}")
    if arguments.write:
        page = ROOT / "docs/algorithms/auto_linear.md"
        begin, end = f"<!-- {arguments.group} -->\n", f"<!-- end {arguments.group} -->"
        old = page.read_text(encoding="utf-8")
        new = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + text + end, old, flags=re.S)
        page.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
