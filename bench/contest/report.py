# report.py - the rows of figures, the checks of targets, and their tables.
# SPDX-License-Identifier: MIT
#
# A figure is a number, a Spread, or None, which is "-": not measured. EXACT
# rows count something: instructions, calls, bytes, allocations. They are the
# same on a machine that is busy, and --check judges them alone. TIMES rows are
# measured with a clock.
import collections
import contextlib
import statistics
import sys
import traceback

from .process import Failure

EXACT, TIMES = "exact", "times"

# part, kind: where the row belongs. figures: by column. more: the larger the
# better.
Row = collections.namedtuple("Row", "part kind name target figures failed more")
Check = collections.namedtuple("Check", "kind name figure limit")
Failed = collections.namedtuple("Failed", "part kind name why")
Spread = collections.namedtuple("Spread", "median low high")

lines = []   # of the tables: Row or Failed
checks = []
metas = {}   # by kind: the machine, and what others did on it
libraries = set()  # that took part, with their versions
_now = ["", EXACT]  # the part and the kind that are measured


class Figures(dict):
    """Figures by column; `failed` has the columns that could not be measured
    for a failure."""

    def __init__(self, *args):
        super().__init__(*args)
        self.failed = set()


def begin(part, kind):
    _now[:] = part, kind


def progress(text):
    print(f"   {text}", file=sys.stderr, flush=True)


def row(name, target, figures, more=False):
    """What is missing in figures or None prints as "-"."""
    failed = sorted(getattr(figures, "failed", ()))
    lines.append(Row(*_now, name, target, dict(figures), failed, more))


def check(name, figure, limit):
    """A figure must not be above its limit. None: it was not measured. Of a
    Spread the median counts."""
    checks.append(Check(_now[1], name, middle(figure), limit))


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
        lines.append(Failed(*_now, what, str(why)))


def failures():
    """How many."""
    return sum(isinstance(line, Failed) for line in lines)


# ---- figures ----

def spread(values):
    return Spread(statistics.median(values), min(values), max(values))


def middle(figure):
    return figure.median if isinstance(figure, Spread) else figure


def scaled(figures, factor):
    """The same figures in another unit."""
    result = Figures()
    result.failed = set(getattr(figures, "failed", ()))
    for name, figure in figures.items():
        if isinstance(figure, Spread):
            result[name] = Spread(*(part * factor for part in figure))
        else:
            result[name] = figure * factor
    return result


def number(n):
    if n is None:
        return "-"
    if 0 < abs(n) < 0.1:
        return f"{n:.4f}"
    if 0 < abs(n) < 3:
        return f"{n:.3f}"
    return f"{n:.1f}" if abs(n) < 100 else f"{n:,.0f}"


def percent(figure):
    """Half of the distance from the least to the most, of the median."""
    if not isinstance(figure, Spread) or not figure.median:
        return ""
    share = (figure.high - figure.low) / 2 / figure.median * 100
    return f"±{share:.0f}%"


def cell(line, column):
    if column in line.failed:
        return "failed"
    figure = line.figures.get(column)
    return number(middle(figure)) + percent(figure)


# ---- tables ----

ORDER = ["rondo", "raw", "ring", "libev", "libuv", "uv_write", "libevent",
         "asio", "uvloop"]
LABELS = {"raw": "by hand", "ring": "ring by hand"}


def columns_of(rows):
    """Those that a row has something in."""
    there = {name for line in rows for name in [*line.figures, *line.failed]}
    known = [name for name in ORDER if name in there]
    found = list(dict.fromkeys(name for line in rows for name in line.figures))
    return known + [name for name in found if name not in known]


def parts_of(kind):
    """The parts that have lines of this kind, in the order of their lines."""
    return list(dict.fromkeys(line.part for line in lines if line.kind == kind))


def lines_of(part, kind):
    return [line for line in lines if (line.part, line.kind) == (part, kind)]


def show_part(part, kind):
    mine = lines_of(part, kind)
    rows = [line for line in mine if isinstance(line, Row)]
    columns = columns_of(rows)
    width = max([10, *(len(LABELS.get(name, name)) for name in columns)])

    def show(name, target, cells):
        print(f"{name:40} {target:8}" +
              "".join(f" {text:>{width}}" for text in cells))

    print(f"\n{part} ({kind})")
    show("", "target", [LABELS.get(name, name) for name in columns])
    for line in mine:
        if isinstance(line, Failed):
            print(f"{line.name:40} failed: {line.why}")
        else:
            show(line.name, line.target, [cell(line, c) for c in columns])


def show_tables():
    for kind in EXACT, TIMES:
        for part in parts_of(kind):
            show_part(part, kind)


# ---- targets ----

def is_met(check):
    if check.figure is None or check.limit is None:
        return False
    return check.figure <= check.limit


def show_check(check):
    if is_met(check):
        met = "met"
    else:
        met = "MISSED" if check.kind == EXACT else "over"
    figure = number(check.figure)
    if check.figure is None:
        figure = "not measured"
    print(f"{met:7} {check.name:52} {figure:>9}, "
          f"target {number(check.limit)}")


def show_checks():
    """Returns the number of exact targets that were missed. A time above its
    target is shown and not judged: it is the machine's as much as Rondo's."""
    missed = {}
    for kind, title in ((EXACT, "Exact targets, which are judged"),
                        (TIMES, "Times, which are not")):
        mine = [check for check in checks if check.kind == kind]
        missed[kind] = sum(not is_met(check) for check in mine)
        if mine:
            print(f"\n{title}: {len(mine) - missed[kind]} of {len(mine)} met")
            for check in mine:
                show_check(check)
    return missed[EXACT]


def show_failures():
    failed = [line for line in lines if isinstance(line, Failed)]
    if failed:
        print(f"\n{len(failed)} measurements failed:")
        for line in failed:
            print(f"   {line.part}: {line.name}: {line.why}")
