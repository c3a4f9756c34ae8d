# bulk.py - messages of 1 MiB that a server takes: bulk one way.
# SPDX-License-Identifier: MIT
from .process import sized
from .report import row, scaled
from .servers import (Server, all_calls, built, cpu_time, instructions, of_each,
                      paired)

SIZE = 1 << 20
ALL = [
    Server("rondo", "echo_rondo", "sink", "bulk_client"),
    Server("raw", "bulk_raw", "", "bulk_client"),
    Server("libev", "echo_ev", "sink", "bulk_client"),
    Server("libuv", "echo_uv", "sink", "bulk_client"),
]


def times_bulk():
    show_counts()
    times, over = paired("bulk: cpu", built(ALL), sized(7, 3),
                         lambda s: cpu_time(s, sized(4_000, 1_500), size=SIZE))
    row("received, server CPU, us/MiB", "", scaled(times, 1e-3))
    row("  over by hand", "", over)


def show_counts():
    """How many bytes a recv finds depends on when it comes, so what is counted
    here is no more exact than a time."""
    def count(server):
        return instructions(server, few=40, many=200, size=SIZE)

    def calls(server):
        return all_calls(server, few=40, many=200, size=SIZE)

    row("received, instructions/MiB", "",
        of_each("bulk: instructions", built(ALL), count, tool="valgrind"))
    row("received, system calls/MiB", "",
        of_each("bulk: system calls", built(ALL), calls, tool="strace"))
