# report.py - the rows of figures, the checks of targets, and their tables.
# SPDX-License-Identifier: MIT
import collections
import contextlib
import sys
import traceback

from .process import Failure

Row = collections.namedtuple("Row", "name target figures")
Check = collections.namedtuple("Check", "name figure limit")
Failed = collections.namedtuple("Failed", "name why")

lines = []   # of the table: Row or Failed
checks = []


def progress(text):
    print(f"   {text}", file=sys.stderr, flush=True)


def row(name, target, figures):
    """figures: by column; what is missing or None prints as "-"."""
    lines.append(Row(name, target, figures))


def check(name, figure, limit):
    """A figure must not be above its limit. None: it was not measured."""
    checks.append(Check(name, figure, limit))


@contextlib.contextmanager
def attempt(what):
    """Goes on after a failure, which gets a line of the table."""
    try:
        yield
    except Exception as why:
        if not isinstance(why, (Failure, OSError)):
            traceback.print_exc()  # a mistake in these scripts
            why = repr(why)
        progress(f"{what}: failed: {why}")
        lines.append(Failed(what, why))


def failures():
    """How many."""
    return sum(isinstance(line, Failed) for line in lines)


def number(n):
    if n is None:
        return "-"
    if 0 < n < 0.1:
        return f"{n:.4f}"
    if 0 < n < 3:
        return f"{n:.3f}"
    return f"{n:.1f}" if n < 100 else f"{n:.0f}"


def show_table(columns):
    def show(name, target, cells):
        print(f"{name:32}{target:9}" + "".join(f"{c:>10}" for c in cells))

    print()
    show("figure", "target", columns)
    for line in lines:
        if isinstance(line, Failed):
            print(f"{line.name:31} failed: {line.why}")
        else:
            cells = [number(line.figures.get(name)) for name in columns]
            show(line.name, line.target, cells)


def is_met(check):
    if check.figure is None or check.limit is None:
        return False
    return check.figure <= check.limit


def show_checks():
    """Returns the number of targets that were missed."""
    print()
    for check in checks:
        met = "met" if is_met(check) else "MISSED"
        figure = number(check.figure)
        if check.figure is None:
            figure = "not measured"
        print(f"{met:7} {check.name:46} {figure:>9}, "
              f"target {number(check.limit)}")
    missed = sum(not is_met(check) for check in checks)
    failed = f", {failures()} measurements failed" if failures() else ""
    print(f"\n{len(checks) - missed} of {len(checks)} targets met{failed}")
    return missed
