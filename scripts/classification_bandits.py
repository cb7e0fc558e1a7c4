#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classification data sets as bandits, through attune-serve: an arm a label, reward 1 for the right one.

    python3 -m venv venv && venv/bin/pip install scikit-learn      (vowpalwabbit too, for --vw)
    venv/bin/python scripts/classification_bandits.py --serve build/release/tools/attune-serve

One pass over each set in random order, features as they are (raw units), every policy with its defaults. Prints a
Markdown table of the mean reward over --shuffles shuffles. "linucb 1" is disjoint LinUCB with alpha 1, ridge 1 and no
constant feature, as its paper has it; "standardised" is the same over features brought to mean 0 and deviation 1
over the whole file, which no policy of a running service could know; "itself" is with the option `standardise`. Sets marked * were looked at while the defaults
of `auto` were chosen; the others were not.
"""
import argparse
import json
import subprocess

import numpy as np
from sklearn import datasets

POLICIES = {
    "auto": {"type": "auto"},
    "linucb 1": {"type": "lin_ucb", "alpha": 1.0},
    "linucb 1, standardised": {"type": "lin_ucb", "alpha": 1.0},
    "lin_ts": {"type": "lin_ts"},
    "lin_ucb, intercept": {"type": "lin_ucb", "intercept": True},
    "lin_ucb itself": {"type": "lin_ucb", "standardise": True},
    "lin_ts itself": {"type": "lin_ts", "standardise": True},
    "epsilon_greedy": {"type": "epsilon_greedy"},
    "squarecb": {"type": "squarecb"},
    "squarecb, gradient": {"type": "squarecb", "oracle": "gradient"},
    "fastcb": {"type": "fastcb"},
    "lin_epsilon_greedy": {"type": "lin_epsilon_greedy"},
    "regcb": {"type": "regcb"},
    "regcb, gradient": {"type": "regcb", "oracle": "gradient"},
    "bagging": {"type": "bagging"},
    "cover": {"type": "cover"},
    "logistic_ucb": {"type": "logistic_ucb"},
    "logistic_ts": {"type": "logistic_ts"},
    "squarecb, random_features": {"type": "squarecb", "oracle": "random_features"},
    "squarecb, tree": {"type": "squarecb", "oracle": "tree"},
    "squarecb, neural_linear": {"type": "squarecb", "oracle": "neural_linear"},
    "neural_linear_ts": {"type": "neural_linear_ts"},
}


def xor(rows, columns, seed, scales):
    x = np.random.RandomState(seed).uniform(-1, 1, (rows, columns)) * scales
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def tree_like(seed):
    """Terrain-like numbers, bits, and labels by a small decision tree."""
    r = np.random.RandomState(seed)
    x = np.c_[r.normal(2900, 300, 3000), r.uniform(0, 360, 3000), r.exponential(15, 3000),
              r.exponential(250, 3000), r.randint(0, 4, 3000), r.randint(0, 2, (3000, 6))]
    y = (x[:, 0] > 3100) + ((x[:, 0] < 2700) & (x[:, 3] < 200)) * 2 + ((x[:, 4] == 2) & (x[:, 2] > 10)) * 3
    return x, np.minimum(y, 4)


def data_sets():
    digits_x, digits_y = datasets.load_digits(return_X_y=True)
    yield "iris *", *datasets.load_iris(return_X_y=True)
    yield "breast cancer *", *datasets.load_breast_cancer(return_X_y=True)
    yield "digits, even rows *", digits_x[::2], digits_y[::2]
    yield "5 classes *", *datasets.make_classification(2000, 20, n_informative=10, n_classes=5, random_state=1)
    yield "moons *", *datasets.make_moons(1000, noise=0.25, random_state=2)
    yield "xor of 2 *", *xor(2000, 2, 9, 1)
    yield "wine", *datasets.load_wine(return_X_y=True)
    yield "digits, odd rows", digits_x[1::2], digits_y[1::2]
    x, y = datasets.make_classification(1500, 10, n_informative=5, n_classes=3, flip_y=0.1, random_state=7)
    yield "3 classes, odd units", x * 10 ** np.random.RandomState(3).uniform(-2, 2, 10), y
    yield "2 classes of 30", *datasets.make_classification(1000, 30, n_informative=4, flip_y=0.05, random_state=8)
    yield "circles", *datasets.make_circles(1000, noise=0.15, factor=0.5, random_state=3)
    yield "gaussian quantiles", *datasets.make_gaussian_quantiles(
        n_samples=1500, n_features=6, n_classes=4, random_state=4)
    yield "blobs", *datasets.make_blobs(1000, n_features=5, centers=6, cluster_std=4, random_state=5)
    x, y = datasets.make_hastie_10_2(2000, random_state=6)
    yield "hastie 10.2", x, (y > 0).astype(int)
    yield "xor of 2 in 6, odd units", *xor(2000, 6, 10, [1, 100, 1, 1, 1, 1])
    bits = np.random.RandomState(11).randint(0, 2, (2000, 2))
    yield "xor of bits", bits.astype(float), bits[:, 0] ^ bits[:, 1]
    x = np.random.RandomState(12).uniform(0, 1, (2000, 2))
    yield "checkerboard 3 x 3", x, (np.floor(3 * x).sum(1) % 2).astype(int)
    x, y = datasets.load_diabetes(return_X_y=True)
    yield "diabetes, 3 thirds", x, np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
    yield "terrain tree", *tree_like(13)


def run(serve, policy, x, y, seed):
    """Mean reward of one pass in the order of `seed`."""
    labels = [str(label) for label in range(int(y.max()) + 1)]
    point = {"policy": policy, "arms": labels, "context": {"dimension": x.shape[1]}}
    config = {"seed": seed, "points": {"label": point}}
    with subprocess.Popen([serve, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        def ask(request):
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            if "error" in answer:
                raise RuntimeError(answer["error"]["message"])
            return answer

        ask({"op": "init", "config": config})
        total = 0
        for row in np.random.RandomState(seed).permutation(len(y)):
            decision = ask({"op": "decide", "point": "label", "context": x[row].tolist()})
            reward = int(decision["arm"] == labels[y[row]])
            total += reward
            ask({"op": "outcome", "id": decision["id"], "reward": reward})
        process.stdin.close()
    return total / len(y)


def run_vw(kind, x, y, seed):
    """Vowpal Wabbit with its defaults and an epsilon of 0.05, or SquareCB; costs -1 and 0, as its makers advise."""
    import vowpalwabbit

    count = int(y.max()) + 1
    explore = "--epsilon 0.05" if kind == "vw epsilon" else "--squarecb"
    model = vowpalwabbit.Workspace(f"--cb_explore_adf -q xa {explore} --quiet --random_seed {seed}")
    rng = np.random.RandomState(1000 + seed)
    total = 0
    for row in np.random.RandomState(seed).permutation(len(y)):
        shared = "shared |x " + " ".join(f"{i}:{v}" for i, v in enumerate(x[row]))
        arms = [f"|a arm={arm}" for arm in range(count)]
        chances = np.asarray(model.predict("\n".join([shared, *arms])))
        arm = rng.choice(count, p=chances / chances.sum())
        reward = int(arm == y[row])
        total += reward
        arms[arm] = f"0:{-reward}:{chances[arm]} " + arms[arm]
        model.learn("\n".join([shared, *arms]))
    model.finish()
    return total / len(y)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", default="build/release/tools/attune-serve")
    parser.add_argument("--shuffles", type=int, default=10)
    parser.add_argument("--sets", default="", help="only sets whose name contains this")
    parser.add_argument("--policies", default="", help="separated by semicolons, NAME or NAME={JSON}; without it all")
    parser.add_argument("--vw", action="store_true", help="Vowpal Wabbit too, when it is installed")
    arguments = parser.parse_args()
    names = [name.strip() for name in arguments.policies.split(";") if name.strip()] or list(POLICIES)
    for place, name in enumerate(names):
        if "={" in name:
            names[place], options = name.split("=", 1)
            POLICIES[names[place]] = json.loads(options)
    names += ["vw epsilon", "vw squarecb"] if arguments.vw else []
    print("| set | rows x features, labels | " + " | ".join(names) + " |")
    print("|" + " --- |" * (len(names) + 2), flush=True)
    sums = np.zeros(len(names))
    count = 0
    for title, x, y in data_sets():
        if arguments.sets not in title:
            continue
        x = np.asarray(x, float)
        scaled = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
        means = []
        for name in names:
            seen = scaled if "standardised" in name else x
            rewards = [run_vw(name, x, y, seed) if name.startswith("vw")
                       else run(arguments.serve, POLICIES[name], seen, y, seed)
                       for seed in range(1, arguments.shuffles + 1)]
            means.append(np.mean(rewards))
        sums += means
        count += 1
        cells = " | ".join(f"**{mean:.3f}**" if mean == max(means) else f"{mean:.3f}" for mean in means)
        print(f"| {title} | {x.shape[0]} x {x.shape[1]}, {int(y.max()) + 1} | {cells} |", flush=True)
    print("| mean | | " + " | ".join(f"{value:.3f}" for value in sums / max(1, count)) + " |")


if __name__ == "__main__":
    main()
