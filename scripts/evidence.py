#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What attune's policies reach in worlds of every kind, as one page with plots: docs/evidence.md and docs/evidence/.

    python3 scripts/evidence.py [--sim build/release/simulations/attune-sim] [--seeds 20] [--only NAME]... [--dry-run]

Runs attune-sim on drifting worlds, on a recorded model update, on contextual worlds (linear and not), on recorded LLM
traffic and on labelled data sets that it exports from a pinned scikit-learn (a virtual environment under build/), and
writes the tables and the charts. Every policy has its defaults; exceptions are named in the tables. Some fifteen minutes
of two cores. The same seeds give the same figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

PINNED = ["scikit-learn==1.9.1"]
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from pinned import with_packages  # noqa: E402


def plain(*names):
    return [{"type": name} for name in names]


def named(name, policy, **more):
    return {"name": name, "policy": {"type": policy} if isinstance(policy, str) else policy} | more


RESETS = {"drift": [{"watch": "reward_per_arm", "actions": ["reset_arm"], "scope": "all"}]}
DRIFTING = [
    *plain("kl_moss", "thompson_beta", "thompson_discounted", "thompson_window", "ucb_discounted", "ucb_window", "exp3_s",
           "tsallis_inf", "glr_kl_ucb"),
    named("kl_moss + drift watch", "kl_moss", point=RESETS),
]
QUALITY = {"components": {"quality": {"weight": 1}, "cost": {"weight": 0, "required": False}}}
PER_TASK = {"per_category": True}
TASK = {"context": ["bias", "task"]}

WORLDS = [
    ("drift-jumps", "Drift: jumps", "The best of three arms becomes the worst, twice, without notice.", {
        "environment": {"type": "piecewise", "phases": [{"until": 3000, "means": [0.8, 0.5, 0.3]},
                                                        {"until": 6000, "means": [0.2, 0.5, 0.7]}, {"means": [0.6, 0.2, 0.4]}]},
        "policies": DRIFTING, "horizon": 9000}),
    ("drift-tides", "Drift: tides", "Four arms take turns in being best, slowly.", {
        "environment": {"type": "gradual", "means": [0.5] * 4, "amplitude": 0.3, "period": 8000},
        "policies": DRIFTING, "horizon": 16000}),
    ("model-update", "Drift: a recorded model update",
     "Answers of hosted models before and after the update of June 2023 (llmdrift), which comes at step 3,000; reward = quality. "
     "A policy without context has a decision point for each task.", {
         "environment": {"type": "llm_drift", "switch_at": 3000, "length": 6000},
         "reward": {"components": {"quality": {"weight": 1}, "cost": {"weight": 0, "required": False},
                                   "latency": {"weight": 0, "required": False}}},
         "policies": [
             *[named(name, name, **PER_TASK) for name in ("kl_moss", "thompson_beta", "thompson_discounted", "ucb_discounted")],
             named("kl_moss + drift watch", "kl_moss", point=RESETS, **PER_TASK),
             named("lin_ts", "lin_ts", **TASK),
             named("lin_ts + residual watch", "lin_ts", point={"drift": [{"watch": "residual", "actions": ["reset_policy"]}]}, **TASK),
             named("auto", "auto", **TASK),
             named("auto + residual watch", "auto", point={"drift": [{"watch": "residual", "actions": ["reset_policy"]}]}, **TASK)],
         "phases": [3000], "regret_against": "oracle"}),
    ("linear", "Contexts: a linear world", "Eight arms, ten numbers known before; expected rewards are linear in them.", {
        "environment": {"type": "linear", "arms": 8, "features": 10, "deviation": 0.1},
        "policies": plain("kl_moss", "lin_ucb", "lin_ts", "auto", "squarecb", "fastcb", "regcb", "bagging", "cover"), "horizon": 5000}),
    ("not-linear", "Contexts: a world that is not linear",
     "Which of two arms pays depends on the sign of the product of two numbers, of six that are known; one comes in units a "
     "hundred times larger.", {
         "environment": {"type": "supervised", "file": "xor.csv", "label": "label", "features": {"embedding": ["x*"]}},
         "policies": plain("epsilon_greedy", "lin_ucb", "lin_ts", "auto", "squarecb", "bagging")}),
    ("router", "Recorded LLM traffic", "Which of nine open models should answer? Real scores on 5,008 queries (llmrouter-uiuc), "
     "reward = quality. Baselines know in hindsight what no policy can. `lin_ucb_hybrid` has the options of "
     "[main-job.md](main-job.md), picked on this log; the others have their defaults.", {
         "environment": {"type": "full_log", "preset": "llmrouter-uiuc"}, "reward": QUALITY,
         "policies": [
             *plain("kl_moss"), named("kl_moss per task", "kl_moss", **PER_TASK), named("lin_ucb, task", "lin_ucb", **TASK),
             named("lin_ts, task", "lin_ts", **TASK), named("auto, task", "auto", context=["task"]), named("squarecb, task", "squarecb", **TASK),
             named("lin_ucb_hybrid, task", {"type": "lin_ucb_hybrid", "alpha": 0.6, "ridge": 2}, arm_features="constant", **TASK)]}),
]
SUPERVISED = ["auto", "lin_ucb", "lin_ts", "squarecb", "regcb", "bagging"]


def known_policies(sim):
    listed = json.loads(subprocess.run([sim, "list", "--json"], check=True, capture_output=True, text=True).stdout)
    text = json.dumps(listed)
    return lambda name: f'"{name}"' in text


def policy_type(entry):
    return entry.get("policy", entry)["type"]


def write_csv(path, x, y):
    with open(path, "w", encoding="ascii") as file:
        file.write(",".join(f"x{i}" for i in range(x.shape[1])) + ",label\n")
        for row, label in zip(x, y):
            file.write(",".join(f"{value:.9g}" for value in row) + f",c{int(label)}\n")


def run(sim, folder, name, scenario, seeds, plot=None):
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"name": name, "about": name, "seeds": seeds} | scenario), encoding="utf-8")
    command = [sim, "run", str(path), "--json"] + (["--plot", str(plot)] if plot else [])
    out = subprocess.run(command, capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{name}: {out.stderr}")
    return json.loads(out.stdout)


def table(result):
    recorded = result["regret_on"] != "expected"
    against = result["regret_against"].replace("_", " ")
    lines = [f"| | reward a step | regret against {against} |", "| --- | --- | --- |"]
    policies = [row for row in result["results"] if row["kind"] == "policy"]
    best = max(row["reward_per_step"]["mean"] for row in policies)
    for row in result["results"]:
        reward, regret = row["reward_per_step"], row["regret"]
        if row["kind"] != "policy":
            lines.append(f"| *{row['name'].replace('_', ' ')}* | {reward['mean']:.4f} | {regret['mean']:.0f} |")
            continue
        mean = f"{reward['mean']:.4f}"
        mean = f"**{mean}**" if reward["mean"] == best else mean
        lines.append(f"| {row['name']} | {mean} ± {reward['standard_error']:.4f} | {regret['mean']:.0f} ± {regret['standard_error']:.0f} |")
    return "\n".join(lines) + ("\n\nRegret is of what really came back." if recorded else "") + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", default=str(ROOT / "build/release/simulations/attune-sim"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", action="append", default=[], help="parts: " + ", ".join([w[0] for w in WORLDS] + ["supervised"]))
    parser.add_argument("--folder", default=str(ROOT / "build/evidence"))
    parser.add_argument("--dry-run", action="store_true", help="print the page, write nothing but the folder")
    arguments = parser.parse_args()
    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with_packages(folder / "venv", PINNED)
    import classification_bandits as sets
    import numpy as np

    known = known_policies(arguments.sim)
    page = ROOT / "docs/evidence.md"
    plots = folder if arguments.dry_run else ROOT / "docs/evidence"
    plots.mkdir(exist_ok=True)
    write_csv(folder / "xor.csv", *sets.xor(4000, 6, 10, [1, 100, 1, 1, 1, 1]))
    parts = [f"""# Evidence: worlds of every kind

Written by `scripts/evidence.py`, which runs `attune-sim` on each world. Every policy has its defaults and learns from nothing but
its own choices, through the real engine; mean and standard error over {arguments.seeds} seeds, on recorded data over as many orders.
Regret on the standard coins has [a page of its own](regret.md), other libraries on the same data [too](peers.md).
"""]
    for name, title, about, scenario in WORLDS:
        if arguments.only and name not in arguments.only:
            continue
        scenario = scenario | {"policies": [entry for entry in scenario["policies"] if known(policy_type(entry))]}
        result = run(arguments.sim, folder, name, scenario, arguments.seeds, plots / f"{name}.svg")
        print(f"{name}: {len(result['results'])} rows", file=sys.stderr, flush=True)
        parts.append(f"## {title}\n\n{about}\n\n{table(result)}\n![{title}](evidence/{name}.svg)\n")
    if not arguments.only or "supervised" in arguments.only:
        names = [name for name in SUPERVISED if known(name)]
        lines = ["| set | rows x features, labels | " + " | ".join(names) + " |", "|" + " --- |" * (len(names) + 2)]
        sums, count = np.zeros(len(names)), 0
        for title, x, y in sets.data_sets():
            x, y = np.asarray(x, float), np.asarray(y)
            title = title.strip(" *")
            file = "".join(c if c.isalnum() else "-" for c in title)
            write_csv(folder / f"{file}.csv", x, y)
            result = run(arguments.sim, folder, file, {
                "environment": {"type": "supervised", "file": f"{file}.csv", "label": "label",
                                "features": {"embedding": ["x*"], "bias": False}},
                "policies": plain(*names)}, 10)
            means = [row["reward_per_step"]["mean"] for row in result["results"] if row["kind"] == "policy"]
            sums, count = sums + means, count + 1
            cells = " | ".join(f"**{mean:.3f}**" if mean == max(means) else f"{mean:.3f}" for mean in means)
            lines.append(f"| {title} | {x.shape[0]} x {x.shape[1]}, {int(y.max()) + 1} | {cells} |")
            print(lines[-1], file=sys.stderr, flush=True)
        lines.append("| mean | | " + " | ".join(f"{mean:.3f}" for mean in sums / count) + " |")
        parts.append("## Labelled data sets\n\nData sets of scikit-learn and made ones as bandits: an arm a label, reward 1 for the right "
                     "one, features in raw units, one pass, ten shuffles, one configuration for all.\n\n" + "\n".join(lines) + "\n")
    text = "\n".join(parts)
    if arguments.dry_run or arguments.only:
        print(text)
    else:
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
