# c_files.py - which C files the checks of tools/ read.
# SPDX-License-Identifier: MIT
import os
import pathlib

FOLDERS = ["include", "src", "test", "bench", "examples", "contrib", "tools",
           "cmake"]


def enter_root():
    """Makes the project's folder the working directory."""
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)


def c_files(*endings):
    """The files below FOLDERS with one of these endings, for example ".c"."""
    found = []
    for folder in FOLDERS:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix in endings:
                found.append(path.as_posix())
    if not found:
        raise SystemExit("there are no C files")
    return found
