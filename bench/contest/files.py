# files.py - files by sendfile, over several connections.
# SPDX-License-Identifier: MIT
from .process import sized
from .report import check, row, scaled
from .servers import Server, all_calls, cpu_time, of_each, paired

TARGET = 1.05  # over a bare sendfile loop

# The measure is a bare sendfile loop that ignores SIGPIPE, and so does rondo's;
# "guarded" leaves it as it is.
ALL = [
    Server("rondo", "file_rondo", "", "file_client"),
    Server("raw", "file_raw", "", "file_client"),
    Server("guarded", "file_rondo", "guarded", "file_client"),
]
REQUESTS = {16_384: 20_000, 1_048_576: 2_000, 16_777_216: 150}  # by size


# Bytes of memory, written by the program: bulk the other way.
MEMORY = [
    Server("rondo", "file_rondo", "memory", "file_client"),
    Server("raw", "file_raw", "memory", "file_client"),
]


def text_of(size):
    return f"file of {size // 1024:,} KiB"


def requests_of(size):
    return max(sized(REQUESTS[size], REQUESTS[size] // 4), 40)


SMALL = 16_384  # what a socket takes at once


def exact_sendfile():
    show_calls(text_of(SMALL), SMALL)


def show_calls(text, size):
    few = max(requests_of(size) // 10, 10)
    calls = of_each(f"sendfile: {text}, system calls", ALL,
                    lambda s: all_calls(s, few=few, many=5 * few, size=size),
                    tool="strace")
    calls = scaled(calls, 1e6 / size)
    row(f"{text}, calls/MB", f"<= raw*{TARGET}", calls)
    over_raw = None
    if "rondo" in calls and "raw" in calls:
        over_raw = calls["rondo"] / calls["raw"]
    check(f"{text}, system calls over raw", over_raw, TARGET)


def times_sendfile():
    for size in REQUESTS:
        text = text_of(size)
        if size > SMALL:
            show_calls(text, size) # how often a socket is full: no exact count
        over = show_times(text, ALL, size)
        check(f"{text}, server CPU over raw", over.get("rondo"), TARGET)
    show_times("1 MiB of memory", MEMORY, 1_048_576)


def show_times(text, servers, size):
    times, over = paired(f"sendfile: {text}", servers, sized(7, 3),
                         lambda s: cpu_time(s, requests_of(size), size=size))
    row(f"{text}, server CPU, us/MB", "", scaled(times, 1e3 / size))
    row("  over by hand", f"<= {TARGET}", over)
    return over
