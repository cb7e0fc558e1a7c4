#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads every #include in the tree and fails on one that the layout does not allow.

    layers.py [ROOT]

An arrow means "may include". Whoever may include a room may include what lies below it.

                     core
         ^      ^      ^      ^      ^
     policies rewards safety predict store        these five do not know one another
         ^      ^      ^      ^      ^
                     engine                        the only place that combines them
                ^      ^        ^
          bindings/c  simulations  tools

Public headers (include/) are for everyone above them. A header elsewhere is private to its room; those of src/core
are shared by the library's rooms. Tests and benchmarks may include everything; nothing includes them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath

FIVE = {"policies", "rewards", "safety", "predict", "store"}
LIBRARY = {"core", "engine", "umbrella"} | FIVE

# room -> rooms whose public headers it may include (itself always)
MAY_SEE: dict[str, set[str]] = {
    "core": set(),
    **{room: {"core"} for room in FIVE},
    "engine": {"core"} | FIVE,
    "umbrella": {"core", "engine"} | FIVE,
    "c_interface": set(),
    "bindings/c": LIBRARY | {"c_interface"},
    "bindings/python": LIBRARY,
    "bindings/rust": {"c_interface"},
    "simulations": LIBRARY,
    "tools": LIBRARY,
    "examples": LIBRARY | {"c_interface"},
}
EVERYTHING = {"tests", "bench"}

# First match wins; longest folders first.
ROOM_OF_FOLDER: list[tuple[str, str]] = [
    ("include/attune/core/", "core"),
    ("include/attune/policies/", "policies"),
    ("include/attune/rewards/", "rewards"),
    ("include/attune/safety/", "safety"),
    ("include/attune/predict/", "predict"),
    ("include/attune/store/", "store"),
    ("include/attune/engine/", "engine"),
    ("include/attune/", "umbrella"),
    ("include/", "c_interface"),
    ("policies/", "policies"),
    ("rewards/", "rewards"),
    ("safety/", "safety"),
    ("src/core/", "core"),
    ("src/predict/", "predict"),
    ("src/store/", "store"),
    ("src/engine/", "engine"),
    ("bindings/c/", "bindings/c"),
    ("bindings/rust/", "bindings/rust"),
    ("bindings/python/", "bindings/python"),
    ("simulations/", "simulations"),
    ("tools/", "tools"),
    ("examples/", "examples"),
    ("tests/", "tests"),
    ("bench/", "bench"),
]
NOT_OURS = ("build", "build-", ".git", ".cache", "out", "cmake")

CXX_HEADERS = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes
    climits clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg
    cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution expected filesystem
    format forward_list fstream functional future initializer_list iomanip ios iosfwd iostream istream iterator
    latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream queue random
    ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept
    stop_token streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo
    unordered_map unordered_set utility valarray variant vector version cxxabi.h""".split()
)
C_HEADERS = set(
    """assert.h ctype.h errno.h fenv.h float.h inttypes.h limits.h locale.h math.h setjmp.h signal.h stdalign.h
    stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h time.h uchar.h wchar.h""".split()
)
# The operating system's; a policy or a public header that needs one is in the wrong place.
SYSTEM_HEADER = re.compile(
    r"^((sys|linux|netinet|arpa)/.*\.h|(unistd|fcntl|poll|dirent|pthread|sched|signal|termios|spawn|dlfcn|netdb|"
    r"pwd|malloc|execinfo|getopt)\.h)$"
)

TOP = {"simulations", "tools"}


class Library:
    """A third-party library: which headers are its own, and where they may be included."""

    def __init__(self, name: str, headers: str, rooms: set[str], *, only_cpp: bool = False, public: bool = False):
        self.name = name
        self.headers = re.compile(headers)
        self.rooms = rooms
        self.only_cpp = only_cpp
        self.public = public  # also in include/

    def verdict(self, room: str, path: str) -> str | None:
        """None if `path` may include it, else the reason why not."""
        if room in EVERYTHING:
            return None
        if path.startswith("include/") and not self.public:
            return f"{self.name} does not appear in a public header"
        if room not in self.rooms:
            return f"{self.name} belongs in {', '.join(sorted(self.rooms)) or 'tests and bench'} only"
        if self.only_cpp and not path.endswith(".cpp") and not path.startswith("src/"):
            return f"{self.name} belongs in .cpp files (or private headers under src/) only"
        return None


ROOMS = set(MAY_SEE)
NUMERIC = {"core"} | FIVE | {"engine"} | TOP | {"bindings/c", "bindings/python"}
LIBRARIES = [
    Library("tl::expected", r"^tl/expected\.hpp$", ROOMS - {"c_interface"}, public=True),
    Library("nlohmann/json_fwd.hpp", r"^nlohmann/json_fwd\.hpp$", ROOMS - {"c_interface"}, public=True),
    Library("nlohmann/json.hpp", r"^nlohmann/", ROOMS - {"c_interface"}, only_cpp=True),
    Library("Eigen", r"^(unsupported/)?Eigen/", NUMERIC),
    Library("Boost", r"^boost/", NUMERIC),
    Library("SQLite", r"^sqlite3(ext)?\.h$", {"store"}),
    Library("OpenSSL", r"^openssl/", {"store"}),
    Library("zstd", r"^z(std|dict|std_errors)\.h$", {"store"}),
    Library("xxHash", r"^xxh(ash|3)\.h$", {"core", "store", "engine"}),
    Library("spdlog and fmt", r"^(spdlog|fmt)/", {"engine"} | TOP, only_cpp=True),
    Library("CPU intrinsics", r"^(\w*mmintrin|immintrin|x86intrin|cpuid|arm_\w+)\.h$", NUMERIC - TOP),
    Library("ONNX Runtime and OpenCL", r"^(onnxruntime|CL/|clblast)", {"predict"}),
    Library("CLI11", r"^CLI/", TOP),
    Library("libcsv", r"^csv\.h$", TOP),
    Library("zlib", r"^zlib\.h$", TOP),
    Library("GNU GSL (GPL)", r"^gsl/", set()),
    Library("NLopt", r"^nlopt", set()),
    Library("test and benchmark libraries", r"^(gtest|gmock|rapidcheck|benchmark)(/|\.h$)", set()),
    Library("cpp-httplib", r"^httplib\.h$", {"tools", "examples"}),
    Library("nanobind, Python", r"^(nanobind/|Python\.h$)", {"bindings/python"}),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include(?:_next)?[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def room_of(path: str) -> str | None:
    for folder, room in ROOM_OF_FOLDER:
        if path.startswith(folder):
            return room
    return None


def normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def sources(root: Path) -> list[str]:
    found = []
    for suffix in ("*.cpp", "*.hpp", "*.h", "*.c", "*.inc"):
        for file in root.rglob(suffix):
            path = file.relative_to(root).as_posix()
            top = path.split("/", 1)[0]
            if top not in NOT_OURS and not top.startswith("build-") and room_of(path):
                found.append(path)
    return sorted(set(found))


def resolve(root: Path, path: str, quote: str, name: str, known: set[str]) -> str | None:
    """The file of this tree that the include means, or None."""
    candidates = [f"include/{name}", f"src/{name}", name]
    if quote == '"':
        candidates.insert(0, normal(PurePosixPath(path).parent / name))
    for candidate in candidates:
        if candidate in known:
            return candidate
    return None


def own_verdict(path: str, target: str) -> str | None:
    here, there = room_of(path), room_of(target)
    assert here and there
    if here in EVERYTHING:
        return None
    if there in EVERYTHING:
        return f"nothing includes {there}"
    is_public = target.startswith("include/")
    if path.startswith("include/") and not is_public:
        return "a public header includes public headers only: this one would not be installed"
    if here == there:
        return None
    if there not in MAY_SEE[here]:
        return f"{here} may not include {there}"
    if not is_public and not (there == "core" and here in LIBRARY):
        return f"{target} is private to {there}"
    return None


def foreign_verdict(path: str, name: str) -> str | None:
    room = room_of(path)
    assert room
    if name in CXX_HEADERS:
        return None if room != "c_interface" else "the C interface includes C headers only"
    if name in C_HEADERS:
        return None
    for library in LIBRARIES:
        if library.headers.search(name):
            return library.verdict(room, path)
    if SYSTEM_HEADER.match(name):
        if room in EVERYTHING | {"store", "engine", "predict", "examples", "bindings/c"} | TOP:
            return None if not path.startswith("include/") else "no operating system header in a public header"
        return f"{room} does not talk to the operating system"
    if room in EVERYTHING:
        return None
    if name.startswith("attune/") or name == "attune.h":
        return "there is no such header"
    return "a library unknown to tests/layers/layers.py; see docs/dependencies.md before adding one"


def violations(root: Path) -> list[str]:
    found = sources(root)
    known = set(found)
    result = []
    for path in found:
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        text = BLOCK_COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)
        for match in INCLUDE.finditer(text):
            quote, name = match.groups()
            target = resolve(root, path, quote, name, known)
            reason = own_verdict(path, target) if target else foreign_verdict(path, name)
            if reason:
                line = text.count("\n", 0, match.start()) + 1
                result.append(f"{path}:{line}: includes {name}: {reason}")
    return result


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    found = violations(root)
    for line in found:
        print(line)
    count = len(sources(root))
    print(f"layers: {count} files, {len(found)} forbidden includes")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
