# calls.py - what one call costs, by programs that measure themselves.
# SPDX-License-Identifier: MIT
from .process import output, pinned, sized
from .report import Figures, Spread, check, progress, row, scaled
from .servers import program

TARGET_SPAWN = 1.1  # of vfork, execve and a pidfd by hand
TARGET_PUMP = 0.6  # of a loop of recv and send
ONE_CPU = " (one CPU)"
TARGETS_NS = {
    "start": 40,
    "cancel": 40,
    "expire": 450,
    "later": 3,
    "call_soon": 5,
    "post_1" + ONE_CPU: 20,
    "post_4" + ONE_CPU: 20,
    "job_1": 10_000,
    "job_64": 10_000,
    "read_64": 8_000,
}


def measured(part, rounds, under=()):
    """bench_PART prints "contestant operation median best worst" of so many
    rounds. Returns found[operation][contestant], a Spread."""
    progress(f"{part}: {rounds} rounds{' on one CPU' if under else ''}")
    text = output([program(f"bench_{part}"), "--rounds", str(rounds)],
                  under=under, expected_s=20 * rounds)
    found = {}
    for line in text.splitlines():
        who, operation, median, best, worst = line.split()
        figure = Spread(float(median), float(best), float(worst))
        found.setdefault(operation, Figures())[who] = figure
    return found


def bests(figures):
    return {who: figure.low for who, figure in figures.items()}


def show(operation, figures):
    target = TARGETS_NS.get(operation)
    row(f"{operation}, ns", f"<= {target}" if target else "", figures)
    row("  best round", "", bests(figures))
    if target:
        rondo = figures["rondo"]
        check(f"{operation}, ns (best; median {rondo.median:.1f})",
              rondo.low, target)


def show_all(found):
    for operation, figures in found.items():
        show(operation, figures)


def times_timers():
    show_all(measured("timers", sized(5, 1)))


def times_post():
    """How threads on several CPUs get in each other's way changes from moment
    to moment, for every library; on one CPU only the work itself is left, and
    the target is for that."""
    show_all(measured("post", sized(9, 2)))
    if pinned():
        found = measured("post", sized(9, 2), under=pinned())
        for operation in "post_1", "post_4":
            show(operation + ONE_CPU, found[operation])


def times_executor():
    """A job's way to a thread and back, CPU time of all threads."""
    show_all(measured("executor", sized(15, 3)))


def times_files():
    """Reads of 4 KiB from the page cache, one and 64 under way: CPU time of all
    threads. By hand is a pread on the only thread."""
    show_all(measured("files", sized(15, 3)))


def times_pump():
    """A proxy of 1 GiB by rondo_pump and by recv and send: its CPU time."""
    figures = measured("pump", sized(5, 2))["pump_MiB"]
    row("pump, us/MiB", f"<= {TARGET_PUMP} x", scaled(figures, 1e-3))
    check("pump over recv and send",
          figures["rondo"].median / figures["raw"].median, TARGET_PUMP)


def times_spawn():
    """A program started and waited for, from a process of 10 MB and from one of
    1 GB: CPU time of both, the child's own included."""
    found = measured("spawn", sized(15, 3), under=pinned())
    for operation, figures in found.items():
        row(f"{operation}, us", "", scaled(figures, 1e-3))
        best = bests(figures)
        row("  best round", f"<= {TARGET_SPAWN} x", scaled(best, 1e-3))
        check(f"{operation} over by hand (best)", best["rondo"] / best["raw"],
              TARGET_SPAWN)
    small, large = found["spawn_10MB"], found["spawn_1GB"]
    check("spawn_1GB over spawn_10MB", large["rondo"].low / small["rondo"].low,
          TARGET_SPAWN)

