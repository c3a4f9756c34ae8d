# cores.py - an echo over a group of two loops: what it costs over one loop.
# SPDX-License-Identifier: MIT
#
# Where the clients have cores of their own, two loops serve twice the requests
# of one, if a request costs no more than with one loop: they share nothing. So
# that cost is measured, which needs no such cores. Requests per second would
# mostly show what a client that shares two cores with its server leaves to it.
# Each loop has as many clients as the one loop has, so that a wait brings both
# as many requests.
#
# Instructions are compared with a group of one loop: in a process that has
# threads the C library's send and recv take 98 more for a request. CPU time is
# compared with a loop in a process without threads.
from .process import sized
from .report import check, row
from .servers import Server, cpu_time, instructions, of_each, paired

TARGET_MORE = 1.0  # instructions a request
TARGET_CPU = 1.11  # of one loop's: 2 / 1.11 = 1.8

ONE = Server("raw", "echo_rondo")
GROUP_OF_ONE = Server("one", "echo_group", "one")
GROUP = Server("rondo", "echo_group", "turn")
CLIENTS = {ONE.name: 64, GROUP_OF_ONE.name: 64, GROUP.name: 128}


def load_of(server):
    return ["--connections", str(CLIENTS[server.name])]


def exact_cores():
    def count(server):
        return instructions(server, load=load_of(server))

    figures = of_each("cores: instructions", [GROUP_OF_ONE, GROUP], count,
                      tool="valgrind")
    more = None
    if len(figures) == 2:
        more = figures[GROUP.name] - figures[GROUP_OF_ONE.name]
    row("two loops, instructions more", f"<= {TARGET_MORE}",
        {"rondo": more})
    check("two loops, more instructions/request", more, TARGET_MORE)


def times_cores():
    def time(server):
        return cpu_time(server, load=load_of(server))

    rounds = sized(11, 3)
    over = paired("cores: cpu", [ONE, GROUP], rounds, time)[1]
    row("two loops, CPU over one", f"<= {TARGET_CPU}",
        {"rondo": over.get("rondo")})
    check(f"two loops, CPU/request over one (median of {rounds} pairs)",
          over.get("rondo"), TARGET_CPU)
