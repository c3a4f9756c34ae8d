# calls.py - what one call costs, by programs that measure themselves.
# SPDX-License-Identifier: MIT
import statistics

from .process import output, pinned
from .report import check, progress, row
from .servers import program

RUNS = 3
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


def run_once(found, part, run, under=()):
    """bench_PART prints "contestant operation median best" of 5 rounds each.
    Adds them to found[operation][contestant], a list of pairs."""
    progress(f"{part}: run {run}, 5 rounds{' on one CPU' if under else ''}")
    text = output([program(f"bench_{part}")], under=under)
    for line in text.splitlines():
        who, operation, median, best = line.split()
        pair = float(median), float(best)
        found.setdefault(operation, {}).setdefault(who, []).append(pair)


def run_part(part, runs, under=()):
    found = {}
    for run in range(1, runs + 1):
        run_once(found, part, run, under)
    return found


def medians(by_contestant):
    return {who: statistics.median(median for median, best in pairs)
            for who, pairs in by_contestant.items()}


def bests(by_contestant):
    return {who: min(best for median, best in pairs)
            for who, pairs in by_contestant.items()}


def show(operation, by_contestant):
    median, best = medians(by_contestant), bests(by_contestant)
    target = TARGETS_NS.get(operation)
    row(f"{operation}, ns", f"<= {target}" if target else "", median)
    row("  best", "", best)
    if target:
        check(f"{operation}, ns (best; median {median['rondo']:.1f})",
              best["rondo"], target)


def show_all(found):
    for operation, by_contestant in found.items():
        show(operation, by_contestant)


def run_timers():
    show_all(run_part("timers", 1))


def run_post():
    """How threads on several CPUs get in each other's way changes from moment
    to moment, for every library; on one CPU only the work itself is left, and
    the target is for that."""
    free, one_cpu = {}, {}
    for run in range(1, RUNS + 1):
        run_once(free, "post", run)
        if pinned():
            run_once(one_cpu, "post", run, under=pinned())
    show_all(free)
    for operation in "post_1", "post_4":
        if operation in one_cpu:
            show(operation + ONE_CPU, one_cpu[operation])


def run_executor():
    """A job's way to a thread and back, CPU time of all threads."""
    show_all(run_part("executor", RUNS))


def run_files():
    """Reads of 4 KiB from the page cache, one and 64 under way: CPU time of all
    threads. By hand is a pread on the only thread."""
    show_all(run_part("files", RUNS))


def run_pump():
    """A proxy of 1 GiB by rondo_pump and by recv and send: its CPU time."""
    by_contestant = run_part("pump", 1)["pump_MiB"]
    median = medians(by_contestant)
    row("pump, us/MiB", f"<= {TARGET_PUMP} x",
        {who: ns / 1000 for who, ns in median.items()})
    check("pump over recv and send", median["rondo"] / median["raw"],
          TARGET_PUMP)


def run_spawn():
    """A program started and waited for, from a process of 10 MB and from one of
    1 GB: CPU time of both, the child's own included."""
    found = run_part("spawn", RUNS, under=pinned())
    best = {operation: bests(found[operation]) for operation in found}
    for operation in found:
        by_us = {who: ns / 1000 for who, ns in best[operation].items()}
        row(f"{operation}, us (best)", f"<= {TARGET_SPAWN} x", by_us)
        check(f"{operation} over by hand (best)",
              by_us["rondo"] / by_us["raw"], TARGET_SPAWN)
    check("spawn_1GB over spawn_10MB",
          best["spawn_1GB"]["rondo"] / best["spawn_10MB"]["rondo"],
          TARGET_SPAWN)
