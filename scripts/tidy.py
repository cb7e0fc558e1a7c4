#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over the library, the tools and the simulations, only where something changed.

    scripts/tidy.py [--build build/release] [--jobs N] [--tool clang-tidy-19] [--minutes M] [FILE...]

A source is clean for good under a key made of: its own text, the text of every header of this tree that it includes,
the .clang-tidy files, its compile command and the tool's version. Each source is checked by itself, also where the build
compiles several at a time. Clean keys are empty files in build/tidy-cache; a key that is there is not checked again.
Prints progress, and of the results only findings. Needs a configured tree, not a built one. With --minutes nothing new
is begun after so long, the sources that were committed last come first, and what is left is counted.
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


def inside(path: Path) -> str | None:
    try:
        return path.relative_to(ROOT).as_posix()
    except ValueError:
        return None


INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
INCLUDE_ROOTS = (ROOT / "include", ROOT / "src", ROOT)


class Headers:
    """The headers of this tree that a file includes, directly or through others."""

    def __init__(self) -> None:
        self.direct: dict[Path, set[Path]] = {}

    def included_by(self, path: Path) -> set[Path]:
        if path not in self.direct:
            text = path.read_text(encoding="utf-8", errors="replace")
            candidates = (root / name for name in INCLUDE.findall(text) for root in INCLUDE_ROOTS)
            self.direct[path] = {candidate for candidate in candidates if candidate.is_file()}
        return self.direct[path]

    def of(self, source: Path) -> set[Path]:
        found: set[Path] = set()
        todo = [source]
        while todo:
            for header in self.included_by(todo.pop()) - found:
                found.add(header)
                todo.append(header)
        return found


def sources_of(entry: dict[str, str]) -> list[Path]:
    """What a compile command compiles: one source, or those that a unity file lists."""
    path = Path(entry["file"])
    if path.parent.name != "Unity":
        return [path]
    return [Path(name) for name in INCLUDE.findall(path.read_text(encoding="utf-8"))]


def arguments_for(command: str, source: Path) -> list[str]:
    """The flags of a compile command, for one source and without an output."""
    words = clean_arguments(command)
    output = words.index("-o")
    del words[output : output + 2]
    words[words.index("-c") + 1] = str(source)
    return words


def recently_committed() -> dict[str, int]:
    """Source -> its place in the list of what was committed last; empty without a repository."""
    log = subprocess.run(
        ["git", "log", "--format=", "--name-only", "-n", "200"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    places: dict[str, int] = {}
    for name in log.stdout.splitlines():
        places.setdefault(name, len(places))
    return places


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="a configured tree with compile_commands.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--tool", default="clang-tidy-19")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin nothing new after so long (0: no limit)")
    parser.add_argument("files", nargs="*", help="only these sources (default: all)")
    options = parser.parse_args()

    build = (ROOT / options.build).resolve()
    cache = build.parent / "tidy-cache"
    database = cache / "database"
    database.mkdir(parents=True, exist_ok=True)

    wanted = {os.path.relpath(Path(name).resolve(), ROOT) for name in options.files}
    found: dict[str, list[tuple[list[str], str]]] = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        for source in sources_of(entry):
            name = inside(source)
            if name and name.startswith(ROOMS) and (not wanted or name in wanted):
                found.setdefault(name, []).append((arguments_for(entry["command"], source), entry["directory"]))
    # A source that a test compiles once more, with flags of its own, is read as it ships.
    units = [(name, *min(ways, key=lambda way: len(way[0]))) for name, ways in sorted(found.items())]
    if not units:
        print("tidy: no sources to check")
        return 1 if wanted else 0
    (database / "compile_commands.json").write_text(
        json.dumps(
            [
                {"file": str(ROOT / name), "directory": directory, "arguments": arguments}
                for name, arguments, directory in units
            ]
        ),
        encoding="utf-8",
    )

    hashes = FileHashes()
    version = subprocess.run([options.tool, "--version"], capture_output=True, text=True, check=True).stdout
    settings = sorted(path for path in ROOT.glob("**/.clang-tidy") if not str(inside(path)).startswith("build"))
    common = [version] + [f"{inside(path)}={hashes(path)}" for path in settings]
    headers = Headers()

    todo: list[tuple[str, Path]] = []
    for name, arguments, _ in units:
        files = sorted({ROOT / name, *headers.of(ROOT / name)})
        parts = common + [shlex.join(arguments)] + [f"{inside(path)}={hashes(path)}" for path in files]
        stamp = cache / digest("\n".join(parts).replace(str(ROOT), "").encode())
        if stamp.exists():
            os.utime(stamp)
        else:
            todo.append((name, stamp))
    print(f"tidy: {len(units)} sources, {len(units) - len(todo)} unchanged since they were clean", flush=True)

    # Large files first, so that the last one does not run alone.
    todo.sort(key=lambda item: -(ROOT / item[0]).stat().st_size)
    if options.minutes > 0:
        newest = recently_committed()
        todo.sort(key=lambda item: newest.get(item[0], len(newest)))
    end = time.monotonic() + options.minutes * 60 if options.minutes > 0 else float("inf")

    def check(name: str) -> tuple[int, str, float] | None:
        start = time.monotonic()
        if start >= end:
            return None
        done = subprocess.run(
            [options.tool, "-p", str(database), "--quiet", str(ROOT / name)],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        # The count of suppressed warnings on stderr is noise, unless the tool itself broke.
        text = done.stdout if done.stdout.strip() or done.returncode == 0 else done.stdout + done.stderr
        return done.returncode, text.replace(str(ROOT) + "/", ""), time.monotonic() - start

    failures = 0
    left = 0
    shown: set[str] = set()
    with ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(check, name): (name, stamp) for name, stamp in todo}
        for count, future in enumerate(as_completed(running), 1):
            name, stamp = running[future]
            result = future.result()
            if result is None:
                left += 1
                continue
            status, text, seconds = result
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
    print(f"tidy: {failures} of {len(units)} sources with findings" + (f", {left} not checked" if left else ""))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
