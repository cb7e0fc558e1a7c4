#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""attune beside Vowpal Wabbit, MABWiser, contextualbandits and River: steps a CPU second, p50, memory, reward.

    python3 bench/peers/bandits.py speed                       [--seconds 0.3] [--json] [--write]
    python3 bench/peers/bandits.py reward --shuffles 3         [--sets NAME]   [--json] [--write]

Makes a virtual environment with the pinned peers from PyPI and runs all of them and attune (bench_peer_steps,
attune-serve) on the same rows. --write puts the table into docs/peers.md.

speed: a step is one choice and one update with its reward, one row at a time, in steady state; processor time of one
process, OPENBLAS_NUM_THREADS=1, best of 5 blocks. p50 is a choice alone by wall clock. Memory is what the process grows
by from before the policy exists until the end (Linux). "batch 256" learns rows 256 at a time, where a library takes them so.

reward: the labelled sets of scripts/classification_bandits.py as bandits, raw units, every policy untuned, one pass each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

PINNED = ["vowpalwabbit==9.11.9", "mabwiser==2.7.4", "river==0.26.1", "contextualbandits==0.3.30", "scikit-learn==1.9.1"]
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from pinned import with_packages  # noqa: E402
ROWS = 4096


# -------------------------------------------------------------------------------------------------- peers
#
# Each has choose(x) -> arm and learn(x, arm, reward); x is None without a context.


class Vw:
    def __init__(self, arms, features, seed, explore, **_):
        import numpy as np
        import vowpalwabbit

        interactions = "-q xa " if features else ""
        self.model = vowpalwabbit.Workspace(f"--cb_explore_adf {interactions}{explore} --quiet --random_seed {seed}")
        self.lines = [f"|a arm={arm}" for arm in range(arms)]
        self.random = np.random.RandomState(1000 + seed)
        self.chances = None

    def text(self, x, lines):
        shared = [] if x is None else ["shared |x " + " ".join(f"{i}:{v}" for i, v in enumerate(x.tolist()))]
        return "\n".join([*shared, *lines])

    def choose(self, x):
        chances = self.model.predict(self.text(x, self.lines))
        # Its chances add up to 1 in single precision only.
        draw, arm = self.random.uniform() * sum(chances), 0
        while arm + 1 < len(chances) and draw >= chances[arm]:
            draw -= chances[arm]
            arm += 1
        self.chances = chances
        return arm

    def learn(self, x, arm, reward):
        lines = list(self.lines)
        lines[arm] = f"0:{-reward}:{self.chances[arm]} " + lines[arm]
        self.model.learn(self.text(x, lines))


class MabWiser:
    def __init__(self, arms, features, seed, policy, context, **_):
        import numpy as np
        from mabwiser.mab import MAB, LearningPolicy

        kinds = {
            "ucb1": lambda: LearningPolicy.UCB1(alpha=1.0),
            "thompson": lambda: LearningPolicy.ThompsonSampling(),
            "linucb": lambda: LearningPolicy.LinUCB(alpha=1.0, l2_lambda=1.0),
            "lints": lambda: LearningPolicy.LinTS(alpha=0.5, l2_lambda=1.0),
            "lingreedy": lambda: LearningPolicy.LinGreedy(epsilon=0.05, l2_lambda=1.0),
        }
        self.model = MAB(list(range(arms)), kinds[policy](), seed=seed)
        # It refuses to choose before it has learned: each arm once, reward 0 (UCB1 needs every arm).
        first = np.zeros((arms, features)) if context else None
        self.model.fit(list(range(arms)), [0] * arms, first)
        self.context = context

    def rows(self, x):
        return None if not self.context else (x.reshape(1, -1) if x.ndim == 1 else x)

    def choose(self, x):
        return self.model.predict(self.rows(x)) if self.context else self.model.predict()

    def choose_rows(self, x):
        return self.model.predict(x)

    def learn(self, x, arm, reward):
        self.model.partial_fit([arm], [reward], self.rows(x))

    def learn_rows(self, x, arms, rewards):
        self.model.partial_fit(list(arms), list(rewards), x)


class ContextualBandits:
    def __init__(self, arms, features, seed, policy, **_):
        import numpy as np
        from contextualbandits import online

        kinds = {
            "linucb": lambda: online.LinUCB(nchoices=arms, alpha=1.0, fit_intercept=False, random_state=seed, njobs=1),
            "lints": lambda: online.LinTS(nchoices=arms, v_sq=0.25, fit_intercept=False, random_state=seed, njobs=1),
        }
        self.model = kinds[policy]()
        self.model.partial_fit(np.zeros((arms, features)), np.arange(arms), np.zeros(arms))
        self.numpy = np

    def choose(self, x):
        return int(self.model.predict(x.reshape(1, -1))[0])

    def choose_rows(self, x):
        return self.model.predict(x)

    def learn(self, x, arm, reward):
        np = self.numpy
        self.model.partial_fit(x.reshape(1, -1), np.array([arm]), np.array([float(reward)]))

    def learn_rows(self, x, arms, rewards):
        self.model.partial_fit(x, self.numpy.asarray(arms), self.numpy.asarray(rewards, float))


class River:
    def __init__(self, arms, features, seed, policy, context, **_):
        from river import bandit, proba

        kinds = {
            "ucb": lambda: bandit.UCB(delta=1.0, seed=seed),
            "thompson": lambda: bandit.ThompsonSampling(reward_obj=proba.Beta(), seed=seed),
            "linucb": lambda: bandit.LinUCBDisjoint(alpha=1.0, seed=seed),
        }
        self.model = kinds[policy]()
        self.arms = list(range(arms))
        self.context = context

    def words(self, x):
        return {"context": dict(enumerate(x.tolist()))} if self.context else {}

    def choose(self, x):
        return self.model.pull(self.arms, **self.words(x))

    def learn(self, x, arm, reward):
        if self.context:
            self.model.update(arm, self.words(x)["context"], reward)
        else:
            self.model.update(arm, reward)


def peers(context):
    """Name -> a function of (arms, features, seed) that makes it, and whether it takes batches."""
    def kind(maker, batches=False, **options):
        return (lambda arms, features, seed: maker(arms, features, seed, context=context, **options)), batches

    epsilon = {"VW epsilon-greedy 0.05": kind(Vw, explore="--epsilon 0.05"), "VW SquareCB": kind(Vw, explore="--squarecb")}
    if not context:
        return epsilon | {
            "MABWiser UCB1": kind(MabWiser, policy="ucb1"),
            "MABWiser Thompson": kind(MabWiser, policy="thompson"),
            "River UCB": kind(River, policy="ucb"),
            "River Thompson": kind(River, policy="thompson"),
        }
    return epsilon | {
        "MABWiser LinUCB": kind(MabWiser, True, policy="linucb"),
        "MABWiser LinTS": kind(MabWiser, True, policy="lints"),
        "MABWiser LinGreedy": kind(MabWiser, True, policy="lingreedy"),
        "contextualbandits LinUCB": kind(ContextualBandits, True, policy="linucb"),
        "contextualbandits LinTS": kind(ContextualBandits, True, policy="lints"),
        "River LinUCBDisjoint": kind(River, policy="linucb"),
    }


# -------------------------------------------------------------------------------------------------- speed

CASES = {"10 arms": (10, 0), "20 features x 10 arms": (10, 20), "100 features x 100 arms": (100, 100)}
GRADIENT = {"oracle": "gradient"}
ATTUNE = {False: {"ucb1": {}, "thompson_beta": {}, "kl_moss": {}},
          True: {"lin_ucb": {}, "lin_ts": {}, "squarecb": {}, "squarecb, gradient": GRADIENT, "auto": {}}}


def world(arms, features):
    """Contexts of length about 1, and 0/1 rewards of every arm, by a logistic model of each arm."""
    import numpy as np

    random = np.random.RandomState(7)
    contexts = random.normal(size=(ROWS, features)) / max(1, features) ** 0.5
    scores = contexts @ random.normal(size=(features, arms)) * 2 if features else random.normal(size=arms) * np.ones((ROWS, 1))
    rewards = (random.uniform(size=(ROWS, arms)) < 1 / (1 + np.exp(-scores))).astype(float)
    return contexts, rewards


def resident_kib():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


def measure(case, name, batch, seconds):
    """One peer on one case; runs in a process of its own."""
    arms, features = CASES[case]
    contexts, rewards = world(arms, features)
    make, _ = peers(features > 0)[name]
    before = resident_kib()
    model = make(arms, features, 1)
    row = 0

    def step():
        nonlocal row
        row = (row + 1) % ROWS
        x = contexts[row] if features else None
        arm = model.choose(x)
        model.learn(x, arm, rewards[row, arm])

    def step_batch():
        nonlocal row
        row = (row + batch) % ROWS
        x = contexts[row:row + batch]
        chosen = model.choose_rows(x)
        model.learn_rows(x, chosen, rewards[row:row + batch][range(batch), chosen])

    one = step if batch == 1 else step_batch
    begun, warm = time.process_time(), 0
    while warm < max(200, 20 * arms) and time.process_time() - begun < 10 * seconds:
        one()
        warm += batch
    best = 0.0
    for _ in range(5):
        start, count = time.process_time(), 0
        while time.process_time() - start < seconds:
            one()
            count += batch
        best = max(best, count / (time.process_time() - start))
    took = []
    if batch == 1:
        until = time.perf_counter() + seconds
        while len(took) < 20 or (time.perf_counter() < until and len(took) < 20000):
            row = (row + 1) % ROWS
            start = time.perf_counter()
            model.choose(contexts[row] if features else None)
            took.append(time.perf_counter() - start)
    p50 = sorted(took)[len(took) // 2] * 1e6 if took else None
    return {"steps_per_second": best, "decide_p50_us": p50, "memory_kib": resident_kib() - before}


def si(value):
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def speed(arguments):
    folder = Path(arguments.folder)
    results = []
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    for case, (arms, features) in CASES.items():
        contexts, rewards = world(arms, features)
        files = [folder / f"contexts-{arms}x{features}.f64", folder / f"rewards-{arms}x{features}.f64"]
        contexts.tofile(files[0])
        rewards.tofile(files[1])
        runs = [(f"attune {name}", 1, [arguments.steps, json.dumps({"type": name.split(",")[0]} | options), str(arms),
                                       str(features), str(ROWS), *map(str, files), str(arguments.seconds)])
                for name, options in ATTUNE[features > 0].items()]
        for name, (_, batches) in peers(features > 0).items():
            for batch in (1, 256) if batches else (1,):
                runs.append((name + (f", batch {batch}" if batch > 1 else ""), batch,
                             [sys.executable, __file__, "one", case, name, str(batch), "--seconds", str(arguments.seconds)]))
        for title, batch, command in runs:
            out = subprocess.run(command, capture_output=True, text=True, env=environment)
            if out.returncode:
                sys.exit(f"{title}: {out.stderr[-2000:]}")
            results.append({"case": case, "who": title} | json.loads(out.stdout.splitlines()[-1]))
            print(results[-1], file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps(results, indent=1))
    lines = []
    for case in CASES:
        lines += [f"| {case} | steps/s | choice p50 us | memory KiB |", "| --- | --- | --- | --- |"]
        for found in results:
            if found["case"] == case:
                p50 = "" if found["decide_p50_us"] is None else f"{found['decide_p50_us']:.3g}"
                lines.append(f"| {found['who']} | {si(found['steps_per_second'])} | {p50} | {found['memory_kib']:.0f} |")
        lines.append("")
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------- reward


def reward(arguments):
    import numpy as np

    import classification_bandits as sets

    mine = {f"attune {name}": {"type": name} for name in ("auto", "squarecb", "lin_ucb")}
    others = {name: make for name, (make, _) in peers(True).items()}
    names = [*mine, *others]
    rows, lines = [], ["| set | " + " | ".join(names) + " |", "|" + " --- |" * (len(names) + 1)]
    for title, x, y in sets.data_sets():
        if arguments.sets not in title:
            continue
        x = np.asarray(x, float)
        means = []
        for name in names:
            got = []
            for seed in range(1, arguments.shuffles + 1):
                if name in mine:
                    got.append(sets.run(arguments.serve, mine[name], x, y, seed))
                    continue
                model, total = others[name](int(y.max()) + 1, x.shape[1], seed), 0
                for row in np.random.RandomState(seed).permutation(len(y)):
                    arm = model.choose(x[row])
                    total += int(arm == y[row])
                    model.learn(x[row], arm, int(arm == y[row]))
                got.append(total / len(y))
            means.append(float(np.mean(got)))
        rows.append({"set": title.strip(" *")} | dict(zip(names, means)))
        cells = " | ".join(f"**{mean:.3f}**" if mean == max(means) else f"{mean:.3f}" for mean in means)
        lines.append(f"| {title.strip(' *')} | {cells} |")
        print(lines[-1], file=sys.stderr, flush=True)
    if rows:
        means = [np.mean([row[name] for row in rows]) for name in names]
        lines.append("| mean | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
        wins = [sum(row["attune auto"] > row[name] for row in rows) for name in names]
        lines.append("| sets on which auto is ahead | " + " | ".join(
            "" if name == "attune auto" else f"{won} of {len(rows)}" for name, won in zip(names, wins)) + " |")
    if arguments.json:
        print(json.dumps(rows, indent=1))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["speed", "reward", "one"])
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=0.3, help="processor time of one block")
    parser.add_argument("--shuffles", type=int, default=3)
    parser.add_argument("--sets", default="", help="only sets whose name contains this")
    parser.add_argument("--steps", default=str(ROOT / "build/release/bench/bench_peer_steps"))
    parser.add_argument("--serve", default=str(ROOT / "build/release/tools/attune-serve"))
    parser.add_argument("--folder", default=str(ROOT / "build/peers"))
    parser.add_argument("--json", action="store_true", help="results on stdout as JSON, the table not")
    parser.add_argument("--write", action="store_true", help="the table goes into docs/peers.md")
    arguments = parser.parse_args()
    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with_packages(folder / "bandits-venv", PINNED)
    if arguments.part == "one":
        case, name, batch = arguments.words
        print(json.dumps(measure(case, name, int(batch), arguments.seconds)))
        return
    table = speed(arguments) if arguments.part == "speed" else reward(arguments)
    if not arguments.json:
        print(table)
    if arguments.write:
        page = ROOT / "docs/peers.md"
        begin, end = f"<!-- peers {arguments.part} -->\n", f"<!-- end peers {arguments.part} -->"
        old = page.read_text(encoding="utf-8")
        if begin not in old:
            sys.exit(f"{page} has no place for the table: {begin.strip()}")
        page.write_text(re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + table + end, old, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
