# files.py - files by sendfile, over several connections.
# SPDX-License-Identifier: MIT
from .report import attempt, check, row
from .servers import Server, cpu_time, of_each, paired, system_calls

TARGET = 1.05  # over a bare sendfile loop
ROUNDS = 7

# The measure is a bare sendfile loop that ignores SIGPIPE, and so does rondo's;
# "guarded" leaves it as it is.
ALL = [
    Server("rondo", "file_rondo", "", "file_client"),
    Server("raw", "file_raw", "", "file_client"),
    Server("guarded", "file_rondo", "guarded", "file_client"),
]
REQUESTS = {16_384: 20_000, 1_048_576: 2_000, 16_777_216: 150}  # by size


def each_megabyte(figure, size):
    return figure / size * 1e6


def show_calls(text, size):
    def count(server):
        few = REQUESTS[size] // 10
        calls = system_calls(server, few=few, many=5 * few, size=size)
        return each_megabyte(sum(calls.values()), size)

    calls = of_each(f"sendfile: {text}, system calls", ALL, count,
                    tool="strace")
    row(f"{text}, calls/MB", f"<= raw*{TARGET}", calls)
    row("  SIGPIPE guarded", "", {"rondo": calls.get("guarded")})
    over_raw = None
    if "rondo" in calls and "raw" in calls:
        over_raw = calls["rondo"] / calls["raw"]
    check(f"{text}, system calls over raw", over_raw, TARGET)


def show_times(text, size):
    def time_us(server):
        time_ns = cpu_time(server, requests=REQUESTS[size], size=size)
        return each_megabyte(time_ns / 1000, size)

    times, over = paired(f"sendfile: {text}", ALL, ROUNDS, time_us)
    row("  server CPU, us/MB", "", times)
    row("  server CPU over raw", f"<= {TARGET}", over)
    row("  SIGPIPE guarded", "", {"rondo": over["guarded"]})
    check(f"{text}, server CPU over raw (median of {ROUNDS})",
          over["rondo"], TARGET)


def run_sendfile():
    for size in REQUESTS:
        text = f"file of {size // 1024} KiB"
        show_calls(text, size)
        with attempt(f"{text}, server CPU"):
            show_times(text, size)
