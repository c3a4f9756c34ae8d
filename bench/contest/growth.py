# growth.py - how cost grows with what there is: connections, timers, children.
# SPDX-License-Identifier: MIT
from .process import have, sized
from .report import Figures, row, spread
from .servers import Server, cpu_time, each_request, instructions, of_each
from .steps import calls_of, total_of

ACTIVE = 64  # connections that ask, beside the idle ones
BACKENDS = [Server(name, "echo_rondo", name)
            for name in ("epoll", "poll", "select", "io_uring")]
SELECT_MOST = 800  # idle ones; select(2) has no place for descriptor 1,024
WATCHERS = ["pidfd", "sigchld"]
EXITS = 40  # of children, beside those that stay


def idle_counts():
    return sized([0, 100, 800, 4_000, 10_000], [0, 800, 4_000])


def backends(idle):
    return [server for server in BACKENDS
            if server.mode != "select" or idle <= SELECT_MOST]


def load_of(idle):
    return ["--idle", str(idle)] if idle else []


def exact_connections():
    """User instructions: what the kernel does in a wait is not in them."""
    for idle in idle_counts():
        figures = of_each(f"growth: {idle:,} idle connections", backends(idle),
                          lambda s: instructions(s, 640, 3_200,
                                                 load=load_of(idle)),
                          tool="valgrind")
        row(f"{idle:,} idle connections, instructions/echo", "", figures)


def times_connections():
    """CPU time, the kernel's too: what it costs to connect is taken off."""
    few, many = 640, sized(40_000, 20_000)
    for idle in idle_counts():
        def time(server):
            def total(requests):
                ns = cpu_time(server, requests, load=load_of(idle))
                return {"all": ns * (requests + idle)}

            return each_request(total, few, many)["all"]

        found = Figures()
        for number in range(sized(3, 2)):
            figures = of_each(f"growth: {idle:,} idle connections, cpu",
                              backends(idle), time)
            for name, figure in figures.items():
                found.setdefault(name, []).append(figure)
            found.failed |= figures.failed
        row(f"{idle:,} idle connections, ns/echo", "", lists(found))


def lists(found):
    result = Figures({name: spread(values) for name, values in found.items()
                      if name not in found.failed})
    result.failed = found.failed
    return result


# ---- timers ----

def exact_timers():
    """Instructions of one more timer where there are already so many."""
    if not have("valgrind"):
        return
    for count in sized([1_000, 10_000, 100_000, 1_000_000],
                       [1_000, 10_000, 100_000]):
        row(f"{count:,} timers, instructions each", "", timer_costs(count))


def timer_costs(count):
    operations = [Server(name, "bench_steps") for name in
                  ("start", "start+cancel", "start+later", "start+expire")]
    found = of_each(f"growth: {count:,} timers", operations,
                    lambda o: total_of(o.name, count)["all"],
                    tool="valgrind")
    nothing = total_of("start", 1)["all"]
    figures = Figures()
    figures.failed = {name.replace("start+", "") for name in found.failed}
    started = found.get("start")
    for name, total in found.items():
        if name == "start":
            figures[name] = (total - nothing) / count
        elif started is not None:
            figures[name.replace("start+", "")] = (total - started) / count
    return figures


# ---- children ----

def exact_children():
    """System calls for a child that starts and ends, beside others that go on.
    Not instructions: valgrind has no pidfd_open."""
    for beside in sized([1, 10, 100, 1_000], [1, 10, 100]):
        watchers = [Server(name, "bench_steps") for name in WATCHERS]

        def measure(watcher):
            def count(exits):
                return calls_of("child", exits, "--watcher", watcher.name,
                                "--beside", str(beside))

            return each_request(count, EXITS // 4, EXITS)["all"]

        row(f"{beside:,} other children, system calls", "",
            of_each(f"growth: {beside:,} children, system calls", watchers,
                    measure, tool="strace"))
