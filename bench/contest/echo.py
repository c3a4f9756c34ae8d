# echo.py - an echo over TCP: instructions, system calls, CPU time, memory.
# SPDX-License-Identifier: MIT
import re

from .process import output, sized
from .report import Figures, check, row
from .servers import (Server, all_calls, built, callgrind_file, cpu_time,
                      each_request, instructions, of_each, paired, serve,
                      system_calls)

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
TARGET_MANY = 145  # instructions, 1,000 and 10,000 connections

IDLE_CONNECTIONS = 4_000
STEADY_REQUESTS = 1_200_000

RONDO = Server("rondo", "echo_rondo")
RAW = Server("raw", "echo_raw")
HAND_RING = Server("ring", "echo_ring")
LIBRARIES = [
    Server("libev", "echo_ev"),
    Server("libuv", "echo_uv"),
    Server("uv_write", "echo_uv", "queue"),
    Server("libevent", "echo_bufferevent"),
    Server("asio", "echo_asio"),
]
UVLOOP = Server("uvloop", "echo_uvloop")
ALL = [RONDO, RAW, HAND_RING, *LIBRARIES]
QUICK = [RONDO, RAW, HAND_RING, *LIBRARIES[:2]]  # where a row takes long

# What else an echo may be: its row, its mode, options of the client, target.
WAYS = [
    ("with timeouts", RONDO._replace(mode="timed"), 166),
    ("into get_buffer", RONDO._replace(mode="buffered"), 154),
    ("a reader", RONDO._replace(mode="reader"), 270),
    ("a filter that passes on", RONDO._replace(mode="filter"), 258),
    ("sock_recv, sock_sendall", Server("rondo", "echo_sock"), 1_070),
    ("add_reader, recv, send", Server("rondo", "echo_sock", "reader"), 130),
    ("inside a foreign poll loop", RONDO._replace(mode="embed"), 152),
]
TARGET_ONE = 365
TARGET_UNIX = 198
TARGET_FRESH = 2_450  # a client that is accepted, asks once and leaves
# The ring: its server by hand is "raw" here, and epoll is Rondo's.
RING = [
    Server("rondo", "echo_rondo", "io_uring"),
    Server("raw", "echo_ring"),
    Server("epoll", "echo_rondo", "epoll"),
]
FILTER = [
    Server("hand", "echo_filter", "hand"),
    Server("filter", "echo_filter", "filter"),
]


# ---- exact ----

def exact_echo():
    show_instructions()
    show_one_connection()
    show_unix()
    show_ways()
    show_many()
    show_fresh()
    show_calls()
    show_way_calls()


def counted(what, servers, **options):
    return of_each(f"echo, {what}: instructions", built(servers),
                   lambda s: instructions(s, **options), tool="valgrind")


def count_plain(server):
    """Python takes long for each, and longest to start."""
    if server == UVLOOP:
        return instructions(server, few=500, many=2_500)
    return instructions(server)


def show_instructions():
    figures = of_each("echo, 64 connections: instructions",
                      built([UVLOOP, *ALL]), count_plain, tool="valgrind")
    row("instructions/request", f"<= {TARGET_INSTRUCTIONS}", figures)
    check("hand-written loop, instructions/request",
          figures.get("raw"), TARGET_RAW)
    check("instructions/request", figures.get("rondo"), TARGET_INSTRUCTIONS)


def show_one_connection():
    figures = counted("one connection", ALL, load=["--connections", "1"])
    row("one connection", f"<= {TARGET_ONE}", figures)
    check("one connection, instructions/request", figures.get("rondo"),
          TARGET_ONE)


def show_unix():
    figures = counted("unix sockets", sized(ALL, QUICK), at_unix=True)
    row("unix sockets", f"<= {TARGET_UNIX}", figures)
    check("unix sockets, instructions/request", figures.get("rondo"),
          TARGET_UNIX)


def show_ways():
    found = way_figures(WAYS, instructions, "instructions", "valgrind")
    for way, server, target in WAYS:
        row(way, f"<= {target}", found[way])
        check(f"{way}, instructions/request", found[way].get("rondo"), target)


def way_figures(ways, measure, what, tool):
    """For each way the figures of its row."""
    by_name = {way: server for way, server, target in ways}
    found = of_each(f"echo: {what}", [server._replace(name=way)
                                      for way, server in by_name.items()],
                    measure, tool)
    rows = {}
    for way in by_name:
        rows[way] = Figures()
        if way in found:
            rows[way]["rondo"] = found[way]
        elif way in found.failed:
            rows[way].failed.add("rondo")
    return rows


def show_many():
    for connections in 1_000, 10_000:
        servers = QUICK if connections > 1_000 or sized(0, 1) else ALL
        figures = counted(f"{connections:,} connections", servers,
                          few=2 * connections, many=4 * connections,
                          load=["--connections", str(connections)])
        row(f"{connections:,} connections", f"<= {TARGET_MANY}", figures)
        check(f"{connections:,} connections, instructions/request",
              figures.get("rondo"), TARGET_MANY)


def show_fresh():
    """Clients that come 64 at a time, ask once and leave."""
    servers = sized(ALL, QUICK)
    figures = counted("accept and close", servers, few=640, many=3_200,
                      load=["--fresh"])
    row("accepted, one request, closed", f"<= {TARGET_FRESH}", figures)
    check("accepted, one request, closed: instructions", figures.get("rondo"),
          TARGET_FRESH)
    calls = of_each("echo, accept and close: system calls", built(servers),
                    lambda s: all_calls(s, few=640, many=3_200,
                                        load=["--fresh"]), tool="strace")
    row("  system calls", "", calls)


def show_calls():
    calls = of_each("echo: system calls", built(ALL), system_calls,
                    tool="strace")
    for kind in "receive", "send", "wait", "epoll_ctl", "other":
        figures = Figures({name: calls[name][kind] for name in calls})
        figures.failed = calls.failed
        row(f"{kind} calls/request", "= raw", figures)
        allowed = TARGET_WAITS if kind == "wait" else TARGET_CALLS
        limit = None
        if "raw" in figures:
            limit = figures["raw"] * allowed + 0.0005
        check(f"{kind} calls/request", figures.get("rondo"), limit)


def show_way_calls():
    ways = WAYS[-3:]
    found = way_figures(ways, all_calls, "system calls", "strace")
    for way, server, target in ways:
        row(f"{way}: system calls", "", found[way])


def exact_filter():
    """What a cipher costs as a filter over the same one called by hand."""
    figures = of_each("filter: instructions", FILTER, instructions,
                      tool="valgrind")
    over = None
    if len(figures) == len(FILTER):
        over = figures["filter"] - figures["hand"]
    row("a cipher as a filter, instructions more", f"<= {TARGET_FILTER}",
        {"rondo": over})
    check("filter, instructions/request", over, TARGET_FILTER)


def exact_ring():
    for connections, target in TARGET_RING.items():
        load = ["--connections", str(connections)]
        what = f"{connections:,} connections"
        figures = of_each(f"ring, {what}: instructions", built(RING[:2]),
                          lambda server: instructions(server, load=load),
                          tool="valgrind")
        row(f"{what}: instructions", f"<= {target['instructions']}", figures)
        check(f"ring, {what}: instructions/request", figures.get("rondo"),
              target["instructions"])
        figures = of_each(f"ring, {what}: system calls", built(RING),
                          lambda server: all_calls(server, load=load),
                          tool="strace")
        row("  system calls", f"<= {target['calls']}", figures)
        check(f"ring, {what}: system calls/request", figures.get("rondo"),
              target["calls"])


def serve_idle(server):
    load = ["--one-by-one", "--connections", str(IDLE_CONNECTIONS + 2)]
    return serve(server, load, idle=IDLE_CONNECTIONS)


def exact_idle():
    servers = [s for s in built([RONDO, RAW, *LIBRARIES])
               if s.name != "uv_write"]
    reports = of_each("idle", servers, serve_idle)
    total = Figures({name: reports[name]["idle_bytes"] for name in reports})
    total.failed = reports.failed
    exact = {name: reports[name].get("idle_exact_bytes") for name in reports}
    row("idle connection, bytes", f"<= {TARGET_IDLE}", total)
    row("  seen by its allocator", "", exact)
    check("idle connection, bytes", total.get("rondo"), TARGET_IDLE)


def serve_steady(server):
    load = ["--requests", str(STEADY_REQUESTS)]
    return serve(server, load, expected_s=20)["steady_allocations"]


def exact_steady():
    servers = [RONDO._replace(mode="steady")]
    figures = of_each("steady: a million requests", servers, serve_steady)
    row("allocations/million requests", "<= 0", figures)
    check("allocations/million requests", figures.get("rondo"), 0)


# ---- times ----

def times_cpu():
    """A uvloop costs twenty times as much: with fewer requests."""
    def time(server):
        return cpu_time(server, 20_000 if server == UVLOOP else None)

    rounds = sized(11, 3)
    times, over = paired("cpu", built([*ALL, UVLOOP]), rounds, time,
                         peer_rounds=sized(5, 2))
    row("server CPU, ns/request", "", times)
    row("  over the loop by hand", f"<= {TARGET_CPU}", over)
    check(f"server CPU over raw (median of {rounds} pairs)",
          over.get("rondo"), TARGET_CPU)
    show_cpu_by_connections()


def show_cpu_by_connections():
    for connections in 1, 1_000, 10_000:
        load = ["--connections", str(connections)]
        requests = sized(80_000, 30_000)
        times, over = paired(
            f"cpu, {connections:,} connections", built(ALL), sized(5, 2),
            lambda s: cpu_time(s, requests, load=load))
        row(f"{connections:,} connections, ns/request", "", times)
        row("  over the loop by hand", "", over)


def times_ring():
    for connections, target in TARGET_RING.items():
        load = ["--connections", str(connections)]
        what = f"{connections:,} connections"
        times, over = paired(f"ring, {what}: cpu", built(RING), sized(7, 3),
                             lambda server: cpu_time(server, load=load),
                             base="epoll")
        by_hand = None
        if "rondo" in over and "raw" in over:
            by_hand = over["rondo"].median / over["raw"].median
        row(f"{what}: server CPU, ns/request", "", times)
        row("  over Rondo's epoll", f"<= {target['epoll']}", over)
        row("  over the ring by hand", f"<= {target['hand']}",
            {"rondo": by_hand})
        check(f"ring, {what}: server CPU over epoll", over.get("rondo"),
              target["epoll"])
        check(f"ring, {what}: server CPU over a ring by hand", by_hand,
              target["hand"])


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


def show_profile():
    few, many = 2_000, 10_000
    server = RONDO._replace(name="profile")
    instructions(server, few, many)

    def cost_of_request(inclusive):
        def count(requests):
            return function_costs(callgrind_file(server, requests), inclusive)

        return each_request(count, few, many)

    own, with_calls = cost_of_request("no"), cost_of_request("yes")
    print("\nInstructions of an echo request, by function")
    print(f"{'own':>10} {'with calls':>10}  function")
    for name in sorted(own, key=own.get, reverse=True):
        if own[name] >= 0.05:
            print(f"{own[name]:10.1f} {with_calls.get(name, 0):10.1f}  {name}")
