# steps.py - what one call takes in instructions, exactly: bench_steps.
# SPDX-License-Identifier: MIT
import pathlib
import re

from .process import Failure, have, output
from .report import check, progress, row
from .servers import each_request, program

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


def total_of(operation, count):
    counts = pathlib.Path(program("callgrind.steps"))
    counts.unlink(missing_ok=True)
    output([program("bench_steps"), operation, str(count)],
           under=["valgrind", "--tool=callgrind", "--quiet",
                  f"--callgrind-out-file={counts}"])
    totals = re.search(r"^totals: (\d+)", counts.read_text(), re.MULTILINE)
    if not totals:
        raise Failure(f"{counts}: no totals")
    return {"all": int(totals.group(1))}


def calls_of(operation, count):
    counts = program("strace.steps")
    output([program("bench_steps"), operation, str(count)],
           under=["strace", "-c", "-U", "name,calls", "-o", counts])
    calls = re.findall(r"^(\w+)\s+(\d+)\s*$",
                       pathlib.Path(counts).read_text(), re.MULTILINE)
    return {"all": sum(int(n) for name, n in calls if name != "total")}


def measure(operation, what, tool, total, target, many):
    name = f"{operation}, {what}"
    figure = None
    if have(tool):
        progress(f"steps: {name}")
        figure = each_request(lambda n: total(operation, n),
                              many // 10, many)["all"]
    row(name, f"<= {target}", {"rondo": figure})
    check(name, figure, target)


def run_steps():
    """Timers have random deadlines; a row that says "start+" has the start's
    instructions, too."""
    for operation, (target, many) in TARGETS.items():
        measure(operation, "instructions", "valgrind", total_of, target, many)
    for operation, (target, many) in CALLS.items():
        measure(operation, "system calls", "strace", calls_of, target, many)
