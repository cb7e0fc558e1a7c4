# SPDX-License-Identifier: Apache-2.0
"""Starts a script again in a virtual environment with pinned packages, which is made the first time."""

import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path


def with_packages(folder: Path, pinned: list[str]) -> None:
    """Returns when the modules of `pinned` (name==version, PyPI) can be imported; else goes on in `folder`.

    An environment of the caller's own that has them, whatever their versions, is taken as it is.
    """
    modules = {"scikit-learn": "sklearn"}
    names = (package.split("==")[0] for package in pinned)
    if all(importlib.util.find_spec(modules.get(name, name)) for name in names):
        return
    python = folder / "bin" / "python"
    if Path(sys.prefix) == folder.resolve():
        sys.exit(f"{folder} lacks some of: {' '.join(pinned)}; remove it and start again")
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *pinned], check=True)
    os.execv(python, [str(python), *sys.argv])
