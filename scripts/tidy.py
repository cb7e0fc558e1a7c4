#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over the library, the tools and the simulations, only where something changed.

    scripts/tidy.py [--build build/release] [--jobs N] [--tool clang-tidy-19] [FILE...]

A translation unit is clean for good under a key made of: its own text, the text of every header of this tree that it
includes (as the build recorded them: `ninja -t deps`), the .clang-tidy files, its compile command and the tool's
version. Clean keys are empty files in build/tidy-cache; a key that is there is not checked again. Prints progress, and
of the results only findings. Run it after a build.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("policies/", "rewards/", "safety/", "src/", "bindings/c/", "simulations/", "tools/")
# Flags that belong to the compiler of the build or to its precompiled headers, which clang cannot read.
DROPPED = {"-fpch-preprocess", "-Winvalid-pch", "-fno-pch-timestamp", "-Werror"}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class FileHashes:
    def __init__(self) -> None:
        self.known: dict[Path, str] = {}

    def __call__(self, path: Path) -> str:
        if path not in self.known:
            self.known[path] = digest(path.read_bytes()) if path.is_file() else "missing"
        return self.known[path]


def clean_arguments(command: str) -> list[str]:
    """The compile command without launcher, precompiled header and outputs, as clang-tidy should see it."""
    words = shlex.split(command)
    # `cmake -E env A=B ccache c++ ...`: the compiler is the last word before the first flag of the compilation.
    first_flag = next(i for i, word in enumerate(words) if word.startswith("-") and word != "-E")
    result = ["clang++", "-Wno-unknown-warning-option"]
    i = first_flag
    while i < len(words):
        word = words[i]
        if word == "-include" and "cmake_pch" in words[i + 1]:
            i += 2
            continue
        if word == "-Xclang" and words[i + 1] in ("-include-pch", "-include", "-fno-pch-timestamp"):
            # -Xclang -include-pch -Xclang FILE
            i += 2 if words[i + 1] == "-fno-pch-timestamp" else 4
            continue
        if word not in DROPPED:
            result.append(word)
        i += 1
    return result


def recorded_headers(build: Path) -> dict[str, set[str]]:
    """Object file -> files it was made from, as ninja recorded them."""
    output = subprocess.run(
        ["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True, check=True
    ).stdout
    result: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in output.splitlines():
        if line and not line[0].isspace():
            current = result.setdefault(line.split(": #deps", 1)[0], set())
        elif line.strip():
            current.add(line.strip())
    return result


def inside(path: Path) -> str | None:
    try:
        return path.relative_to(ROOT).as_posix()
    except ValueError:
        return None


def headers_of(unit: str, build: Path, recorded: dict[str, set[str]]) -> set[Path] | None:
    """Headers of this tree that `unit` includes; None if the build did not record any."""
    if unit not in recorded:
        return None
    found: set[Path] = set()
    todo, seen = [unit], set()
    while todo:
        output = todo.pop()
        if output in seen:
            continue
        seen.add(output)
        for name in recorded.get(output, set()):
            if name.endswith((".gch", ".pch")):  # what a precompiled header was made from counts too
                relative = os.path.relpath(os.path.join(build, name), build)
                todo.append(relative)
            else:
                path = Path(os.path.normpath(os.path.join(build, name)))
                relative_path = inside(path)
                if relative_path and not relative_path.startswith("build"):
                    found.add(path)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="a built tree with compile_commands.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--tool", default="clang-tidy-19")
    parser.add_argument("files", nargs="*", help="only these sources (default: all)")
    options = parser.parse_args()

    build = (ROOT / options.build).resolve()
    cache = build.parent / "tidy-cache"
    database = cache / "database"
    database.mkdir(parents=True, exist_ok=True)

    wanted = {os.path.relpath(Path(name).resolve(), ROOT) for name in options.files}
    units = []
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        name = inside(Path(entry["file"]))
        if name and name.startswith(ROOMS) and (not wanted or name in wanted):
            arguments = clean_arguments(entry["command"])
            output = arguments[arguments.index("-o") + 1]
            units.append((name, output, arguments, entry["directory"]))
    units.sort()
    if not units:
        print("tidy: no sources to check")
        return 1 if wanted else 0
    (database / "compile_commands.json").write_text(
        json.dumps(
            [
                {"file": str(ROOT / name), "directory": directory, "arguments": arguments}
                for name, _, arguments, directory in units
            ]
        ),
        encoding="utf-8",
    )

    hashes = FileHashes()
    version = subprocess.run([options.tool, "--version"], capture_output=True, text=True, check=True).stdout
    settings = sorted(path for path in ROOT.glob("**/.clang-tidy") if not str(inside(path)).startswith("build"))
    common = [version] + [f"{inside(path)}={hashes(path)}" for path in settings]
    recorded = recorded_headers(build)
    every_header = sorted(
        path
        for folder in ("include", *ROOMS)
        for path in (ROOT / folder).rglob("*.h*")
        if path.suffix in (".h", ".hpp")
    )

    todo: list[tuple[str, Path]] = []
    for name, output, arguments, _ in units:
        headers = headers_of(output, build, recorded)
        files = sorted({ROOT / name, *(every_header if headers is None else headers)})
        parts = common + [shlex.join(arguments)] + [f"{inside(path)}={hashes(path)}" for path in files]
        stamp = cache / digest("\n".join(parts).replace(str(ROOT), "").encode())
        if stamp.exists():
            os.utime(stamp)
        else:
            todo.append((name, stamp))
    print(f"tidy: {len(units)} sources, {len(units) - len(todo)} unchanged since they were clean", flush=True)

    # Large files first, so that the last one does not run alone.
    todo.sort(key=lambda item: -(ROOT / item[0]).stat().st_size)

    def check(name: str) -> tuple[int, str, float]:
        start = time.monotonic()
        done = subprocess.run(
            [options.tool, "-p", str(database), "--quiet", str(ROOT / name)],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        # The count of suppressed warnings on stderr is noise, unless the tool itself broke.
        text = done.stdout if done.stdout.strip() or done.returncode == 0 else done.stdout + done.stderr
        return done.returncode, text.replace(str(ROOT) + "/", ""), time.monotonic() - start

    failures = 0
    shown: set[str] = set()
    with ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(check, name): (name, stamp) for name, stamp in todo}
        for count, future in enumerate(as_completed(running), 1):
            name, stamp = running[future]
            status, text, seconds = future.result()
            print(f"[{count}/{len(todo)}] {name} {seconds:.1f} s{'' if status == 0 else '  FINDINGS'}", flush=True)
            if status == 0:
                stamp.touch()
                continue
            failures += 1
            # A finding in a header turns up in every source that includes it; once is enough.
            for finding in re.split(r"\n(?=\S+:\d+:\d+: (?:error|warning): )", text):
                if finding.strip() and finding not in shown:
                    shown.add(finding)
                    print(finding.rstrip(), flush=True)

    for old in cache.iterdir():  # keys of sources long changed
        if old.is_file() and time.time() - old.stat().st_mtime > 30 * 86400:
            old.unlink()
    print(f"tidy: {failures} of {len(units)} sources with findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
