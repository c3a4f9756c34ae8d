# echo.py - an echo over TCP: instructions, system calls, CPU time, memory.
# SPDX-License-Identifier: MIT
import re

from .process import output
from .report import check, row
from .servers import (Server, built, callgrind_file, cpu_time, each_request,
                      instructions, of_each, paired, serve, system_calls)

TARGET_INSTRUCTIONS = 145
TARGET_RAW = 45
TARGET_FILTER = 125   # a read and a write, 60 each
TARGET_CALLS = 1.005  # of the hand-written loop's
TARGET_WAITS = 1.05
TARGET_CPU = 1.08
TARGET_IDLE = 320

TARGET_RING = {  # by connections
    64: {"instructions": 350, "calls": 0.3, "epoll": 0.95, "hand": 1.05},
    1000: {"instructions": 350, "calls": 0.15, "epoll": 0.75, "hand": 1.05},
}

CPU_ROUNDS = 11
RING_ROUNDS = 7
CPU_PEER_ROUNDS = 5
IDLE_CONNECTIONS = 4_000
STEADY_REQUESTS = 1_200_000

RONDO = Server("rondo", "echo_rondo")
ALL = [
    RONDO,
    Server("raw", "echo_raw"),
    Server("libev", "echo_ev"),
    Server("libuv", "echo_uv"),
    Server("uv_write", "echo_uv", "queue"),
    Server("libevent", "echo_bufferevent"),
]
COLUMNS = [server.name for server in ALL]
# What else an echo may be: its row, its mode, options of the client, target.
WAYS = [
    ("one connection", "", ["--connections", "1"], 365),
    ("with timeouts", "timed", [], 166),
    ("into get_buffer", "buffered", [], 154),
    ("a reader", "reader", [], 270),
    ("a filter that passes on", "filter", [], 258),
    ("unix sockets", "unix", [], 198),
]
# "raw" is a ring by hand here
RING = [
    Server("rondo", "echo_rondo", "io_uring"),
    Server("raw", "echo_ring"),
    Server("epoll", "echo_rondo", "epoll"),
]
FILTER = [
    Server("hand", "echo_filter", "hand"),
    Server("filter", "echo_filter", "filter"),
]


def run_echo():
    show_instructions()
    show_ways()
    show_calls()


def show_instructions():
    figures = of_each("echo: instructions", built(ALL), instructions,
                      tool="valgrind")
    row("instructions/request", f"<= {TARGET_INSTRUCTIONS}", figures)
    check("hand-written loop, instructions/request",
          figures.get("raw"), TARGET_RAW)
    check("instructions/request", figures.get("rondo"), TARGET_INSTRUCTIONS)


def show_ways():
    for way, mode, load, target in WAYS:
        server = Server(way.replace(" ", "_"), "echo_rondo", mode)
        figures = of_each(f"echo, {way}: instructions", [server],
                          lambda s: instructions(s, load=load), tool="valgrind")
        figure = figures.get(server.name)
        row(f"  {way}", f"<= {target}", {"rondo": figure})
        check(f"{way}, instructions/request", figure, target)


def show_calls():
    calls = of_each("echo: system calls", built(ALL), system_calls,
                    tool="strace")
    for kind in "receive", "send", "wait", "epoll_ctl", "other":
        figures = {name: calls[name][kind] for name in calls}
        row(f"{kind} calls/request", "= raw", figures)
        allowed = TARGET_WAITS if kind == "wait" else TARGET_CALLS
        limit = None
        if "raw" in figures:
            limit = figures["raw"] * allowed + 0.0005
        check(f"{kind} calls/request", figures.get("rondo"), limit)


def run_filter():
    """What a cipher costs as a filter over the same one called by hand."""
    figures = of_each("filter: instructions", FILTER, instructions,
                      tool="valgrind")
    over = None
    if len(figures) == len(FILTER):
        over = figures["filter"] - figures["hand"]
    row("filter, instructions/request", f"<= {TARGET_FILTER}", {"rondo": over})
    check("filter, instructions/request", over, TARGET_FILTER)


def run_cpu():
    times, over = paired("cpu", built(ALL), CPU_ROUNDS, cpu_time,
                         peer_rounds=CPU_PEER_ROUNDS)
    row("server CPU, ns/request", "", times)
    row("server CPU over raw", f"<= {TARGET_CPU}", over)
    check(f"server CPU over raw (median of {CPU_ROUNDS} pairs)",
          over["rondo"], TARGET_CPU)


def run_ring():
    """The same over io_uring, beside a ring by hand ("raw")."""
    for connections, target in TARGET_RING.items():
        measure_ring(f"io_uring, {connections} connections",
                     ["--connections", str(connections)], target)


def measure_ring(what, load, target):
    row(f"{what}:", "", {})
    figures = of_each(f"{what}: instructions", built(RING[:2]),
                      lambda server: instructions(server, load=load),
                      tool="valgrind")
    row("  instructions/request", f"<= {target['instructions']}", figures)
    check(f"{what}: instructions/request", figures.get("rondo"),
          target["instructions"])
    calls = of_each(f"{what}: system calls", built(RING[:2]),
                    lambda server: system_calls(server, load=load),
                    tool="strace")
    figures = {name: sum(calls[name].values()) for name in calls}
    row("  system calls/request", f"<= {target['calls']}", figures)
    check(f"{what}: system calls/request", figures.get("rondo"),
          target["calls"])
    show_ring_cpu(what, load, target)


def show_ring_cpu(what, load, target):
    times, over = paired(f"{what}: cpu", built(RING), RING_ROUNDS,
                         lambda server: cpu_time(server, load=load),
                         base="epoll")
    by_hand = over["rondo"] / over["raw"] if "raw" in over else None
    row("  server CPU, ns/request", "", times)
    row("  ... over rondo's epoll", f"<= {target['epoll']}", over)
    row("  ... over the ring by hand", f"<= {target['hand']}",
        {"rondo": by_hand})
    check(f"{what}: server CPU over epoll", over["rondo"], target["epoll"])
    check(f"{what}: server CPU over a ring by hand", by_hand, target["hand"])


def serve_idle(server):
    load = ["--one-by-one", "--connections", str(IDLE_CONNECTIONS + 2)]
    return serve(server, load, idle=IDLE_CONNECTIONS)


def run_idle():
    servers = [s for s in built(ALL) if s.name != "uv_write"]
    reports = of_each("idle", servers, serve_idle)
    total = {name: reports[name]["idle_bytes"] for name in reports}
    exact = {name: reports[name].get("idle_exact_bytes") for name in reports}
    row("idle connection, bytes", f"<= {TARGET_IDLE}", total)
    row("  seen by its allocator", "", exact)
    check("idle connection, bytes", total.get("rondo"), TARGET_IDLE)


def serve_steady(server):
    load = ["--requests", str(STEADY_REQUESTS)]
    return serve(server, load)["steady_allocations"]


def run_steady():
    servers = [RONDO._replace(mode="steady")]
    figures = of_each("steady: a million requests", servers, serve_steady)
    row("allocations/million requests", "<= 0", figures)
    check("allocations/million requests", figures.get("rondo"), 0)


# ---- what a request is made of ----

def function_costs(counts, inclusive):
    """Instructions by function. A function that was inlined from a header
    counts apart in a function's own ones, and is part of what it takes with its
    calls."""
    text = output(["callgrind_annotate", "--threshold=100", "--auto=no",
                   f"--inclusive={inclusive}", counts])
    line = re.compile(r"^\s*([\d,]+) (?:\([^)]*\))?\s+\S*?:(\S+)", re.MULTILINE)
    costs = {}
    for digits, name in line.findall(text):
        name = name.replace("rondo_p_", "") # src/symbols.h puts it there
        cost = int(digits.replace(",", ""))
        before = costs.get(name, 0)
        costs[name] = before + cost if inclusive == "no" else max(before, cost)
    return costs


def cost_of_request(inclusive):
    def count(requests):
        return function_costs(callgrind_file(RONDO, requests), inclusive)

    return each_request(count, 20_000, 60_000)


def show_profile():
    """After run_echo, from what it left."""
    own, with_calls = cost_of_request("no"), cost_of_request("yes")
    print("\nInstructions of an echo request, by function")
    print(f"{'own':>10} {'with calls':>10}  function")
    for name in sorted(own, key=own.get, reverse=True):
        if own[name] >= 0.05:
            print(f"{own[name]:10.1f} {with_calls.get(name, 0):10.1f}  {name}")
