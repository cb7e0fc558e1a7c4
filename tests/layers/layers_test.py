#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants violations, one at a time, in a small correct tree; layers.py must name each and nothing else."""

import tempfile
import unittest
from pathlib import Path

import layers

CORRECT = {
    "include/attune/core/error.hpp": "#include <string>\n#include <tl/expected.hpp>\n",
    "include/attune/policies/ucb1.hpp": "#include <vector>\n\n#include <attune/core/error.hpp>\n",
    "include/attune/store/store.hpp": "#include <attune/core/error.hpp>\n",
    "include/attune/engine/engine.hpp": "#include <attune/policies/ucb1.hpp>\n#include <nlohmann/json_fwd.hpp>\n",
    "include/attune/attune.hpp": "#include <attune/engine/engine.hpp>\n",
    "include/attune.h": "#include <stdint.h>\n",
    "src/core/welford.hpp": "#include <Eigen/Dense>\n",
    "src/core/error.cpp": '#include <attune/core/error.hpp>\n#include "core/welford.hpp"\n#include <xxhash.h>\n',
    "policies/bandit/ucb1.cpp": '#include <attune/policies/ucb1.hpp>\n#include "../../src/core/welford.hpp"\n',
    "policies/bayes/kernel.hpp": "#include <boost/math/special_functions/gamma.hpp>\n",
    "policies/bayes/gp.cpp": '#include "kernel.hpp"\n#include <Eigen/Core>\n',
    "src/store/sqlite.cpp": "#include <attune/store/store.hpp>\n#include <sqlite3.h>\n#include <unistd.h>\n",
    "src/engine/engine.cpp": "#include <attune/engine/engine.hpp>\n#include <spdlog/spdlog.h>\n"
    "#include <nlohmann/json.hpp>\n#include <attune/store/store.hpp>\n",
    "tools/inspect_main.cpp": "#include <CLI/CLI.hpp>\n#include <attune/engine/engine.hpp>\n"
    "#include <attune/store/store.hpp>\n",
    "tests/policies/ucb1_test.cpp": '#include <gtest/gtest.h>\n#include "policies/bayes/kernel.hpp"\n#include <sqlite3.h>\n',
    "tests/support/fake_clock.hpp": "#include <attune/core/error.hpp>\n",
}

# file, line planted into it, words expected in the message
PLANTED = [
    ("include/attune/core/error.hpp", "#include <attune/policies/ucb1.hpp>", "core may not include policies"),
    ("include/attune/core/error.hpp", "#include <Eigen/Dense>", "public header"),
    ("include/attune/core/error.hpp", '#include "src/core/welford.hpp"', "would not be installed"),
    ("include/attune/core/error.hpp", "#include <unistd.h>", "operating system"),
    ("include/attune/policies/ucb1.hpp", "#include <attune/store/store.hpp>", "policies may not include store"),
    ("include/attune/policies/ucb1.hpp", "#  include  <nlohmann/json.hpp>", "public header"),
    ("include/attune/policies/ucb1.hpp", "#include <attune/attune.hpp>", "policies may not include umbrella"),
    ("include/attune.h", "#include <string>", "C headers only"),
    ("policies/bandit/ucb1.cpp", "#include <sqlite3.h>", "SQLite belongs in store only"),
    ("policies/bandit/ucb1.cpp", "#include <spdlog/spdlog.h>", "spdlog"),
    ("policies/bandit/ucb1.cpp", "#include <gsl/gsl_cdf.h>", "GSL"),
    ("policies/bandit/ucb1.cpp", "#include <attune/engine/engine.hpp>", "policies may not include engine"),
    ("policies/bandit/ucb1.cpp", '#include "tests/support/fake_clock.hpp"', "nothing includes tests"),
    ("policies/bayes/kernel.hpp", "#include <nlohmann/json.hpp>", ".cpp files"),
    ("src/store/sqlite.cpp", "#include <spdlog/spdlog.h>", "spdlog"),
    ("src/store/sqlite.cpp", "#include <attune/policies/ucb1.hpp>", "store may not include policies"),
    ("src/engine/engine.cpp", "#include <sqlite3.h>", "SQLite belongs in store only"),
    ("src/engine/engine.cpp", '#include "policies/bayes/kernel.hpp"', "is private to policies"),
    ("src/engine/engine.cpp", "#include <gtest/gtest.h>", "tests and bench only"),
    ("tools/inspect_main.cpp", "#include <sqlite3.h>", "SQLite belongs in store only"),
    ("tools/inspect_main.cpp", '#include "src/core/welford.hpp"', "is private to core"),
    ("tools/inspect_main.cpp", "#include <left_pad.h>", "unknown to"),
    ("tools/inspect_main.cpp", "#include <attune/core/missing.hpp>", "no such header"),
]


class Layers(unittest.TestCase):
    def tree(self, folder: str, planted: tuple[str, str] | None = None) -> Path:
        root = Path(folder)
        for name, text in CORRECT.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if planted and planted[0] == name:
                text += planted[1] + "\n"
            file.write_text(text, encoding="utf-8")
        return root

    def test_accepts_a_correct_tree(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(layers.violations(self.tree(folder)), [])

    def test_names_each_planted_violation(self) -> None:
        for name, line, words in PLANTED:
            with self.subTest(file=name, line=line), tempfile.TemporaryDirectory() as folder:
                found = layers.violations(self.tree(folder, (name, line)))
                self.assertEqual(len(found), 1, found)
                self.assertIn(words, found[0])
                self.assertTrue(found[0].startswith(f"{name}:{CORRECT[name].count(chr(10)) + 1}:"), found[0])

    def test_ignores_comments(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = self.tree(folder, ("src/engine/engine.cpp", "// #include <sqlite3.h>\n/*\n#include <sqlite3.h>\n*/"))
            self.assertEqual(layers.violations(root), [])


if __name__ == "__main__":
    unittest.main()
