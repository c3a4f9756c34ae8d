# steps.py - what one call takes in instructions, exactly: bench_steps.
# SPDX-License-Identifier: MIT
from .process import output, pinned
from .report import Figures, check, row
from .servers import (COUNTED_S, Server, callgrind, callgrind_total,
                      calls_by_name, each_request, of_each, program, strace)

# operation: instructions, those of the loop around it included (about 15);
# and of how many two runs are the difference
TARGETS = {
    "start": (145, 100_000),
    "start+cancel": (250, 100_000),
    "start+later": (185, 100_000),
    "start+expire": (560, 100_000), # some are filed once more, by the clock
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
    counts = program(f"callgrind.steps.{operation}")
    output([program("bench_steps"), *more, operation, str(count)],
           under=[*pinned(), *callgrind(counts)], expected_s=count * COUNTED_S)
    return {"all": callgrind_total(counts)}


def calls_of(operation, count, *more):
    """System calls of bench_steps alone, without those of its children."""
    counts = program("-".join(["strace.steps", operation, *more]))
    under = [word for word in strace(counts) if word != "-f"]
    output([program("bench_steps"), *more, operation, str(count)],
           under=[*pinned(), *under], expected_s=count * COUNTED_S)
    return {"all": sum(calls_by_name(counts).values())}


def measure_all(what, tool, total, targets):
    """A row for each operation."""
    def measure(step):
        many = targets[step.name][1]
        return each_request(lambda n: total(step.name, n), many // 10,
                            many)["all"]

    found = of_each(f"steps: {what}", [Server(name, "bench_steps")
                                       for name in targets], measure, tool)
    for operation, (target, many) in targets.items():
        figures = Figures()
        if operation in found:
            figures["rondo"] = found[operation]
        elif operation in found.failed:
            figures.failed.add("rondo")
        name = f"{operation}, {what}"
        row(name, f"<= {target}", figures)
        check(name, figures.get("rondo"), target)


def exact_steps():
    """Timers have random deadlines; a row that says "start+" has the start's
    instructions, too."""
    measure_all("instructions", "valgrind", total_of, TARGETS)
    measure_all("system calls", "strace", calls_of, CALLS)
