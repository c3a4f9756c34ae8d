# steps.py - what one call takes in instructions, exactly: bench_steps.
# SPDX-License-Identifier: MIT
from .process import have, output
from .report import attempt, check, progress, row
from .servers import (COUNTED_S, callgrind, callgrind_total, calls_by_name,
                      each_request, program, strace)

# operation: instructions, those of the loop around it included (about 15);
# and of how many two runs are the difference
TARGETS = {
    "start": (145, 100_000),
    "start+cancel": (250, 100_000),
    "start+later": (185, 100_000),
    "start+expire": (560, 100_000), # by the time of day some are filed once more
    "call_soon": (76, 100_000),
    "call_soon_chained": (270, 20_000),
    "post": (180, 100_000),
    "loop_new+close": (3_400, 200),
    "sock_recv+sendall": (720, 20_000),
    "add_reader": (160, 20_000),
    "accept+close": (2_380, 3_200),
}
# operation: system calls, those of the other end included
CALLS = {
    "sock_recv+sendall": (4.1, 6_400),
    "accept+close": (8.3, 3_200),
}


def total_of(operation, count, *more):
    """Instructions of bench_steps."""
    counts = program("callgrind.steps")
    output([program("bench_steps"), *more, operation, str(count)],
           under=callgrind(counts), expected_s=count * COUNTED_S)
    return {"all": callgrind_total(counts)}


def calls_of(operation, count, *more):
    """System calls of bench_steps alone, without those of its children."""
    counts = program("strace.steps")
    under = [word for word in strace(counts) if word != "-f"]
    output([program("bench_steps"), *more, operation, str(count)],
           under=under, expected_s=count * COUNTED_S)
    return {"all": sum(calls_by_name(counts).values())}


def measure(operation, what, tool, total, target, many):
    name = f"{operation}, {what}"
    figure = None
    if have(tool):
        progress(f"steps: {name}")
        with attempt(name):
            figure = each_request(lambda n: total(operation, n),
                                  many // 10, many)["all"]
    row(name, f"<= {target}", {"rondo": figure})
    check(name, figure, target)


def exact_steps():
    """Timers have random deadlines; a row that says "start+" has the start's
    instructions, too."""
    for operation, (target, many) in TARGETS.items():
        measure(operation, "instructions", "valgrind", total_of, target, many)
    for operation, (target, many) in CALLS.items():
        measure(operation, "system calls", "strace", calls_of, target, many)
