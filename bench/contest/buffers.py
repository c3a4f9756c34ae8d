# buffers.py - what it costs and saves to read into the program's own buffer.
# SPDX-License-Identifier: MIT
from .process import output, pinned
from .report import check, progress, row
from .servers import Server, instructions, of_each, program

TARGET_INSTRUCTIONS = 5  # of get_buffer over data_received
TARGET_SMALL = 1         # CPU over a copy from data_received, 16 KiB
TARGET_LARGE = 0.95      # 256 KiB

PLAIN = Server("rondo", "echo_rondo")
BUFFERED = Server("buffered", "echo_rondo", "buffered")


def run_buffers():
    figures = of_each("buffers: instructions", [PLAIN, BUFFERED], instructions,
                      tool="valgrind")
    over = None
    if len(figures) == 2:
        over = figures["buffered"] - figures["rondo"]
    row("get_buffer, more instructions",
        f"<= {TARGET_INSTRUCTIONS}", {"rondo": over})
    check("get_buffer over data_received, instructions", over,
          TARGET_INSTRUCTIONS)
    show_copies()


def show_copies():
    """The CPU of a message, five times each way."""
    progress("buffers: messages of 16 and 256 KiB, 5 rounds")
    text = output([program("bench_buffers")], under=pinned())
    best = {operation: float(least) for who, operation, median, least
            in map(str.split, text.splitlines())}
    for size, name, target in ((16, "small", TARGET_SMALL),
                               (256, "large", TARGET_LARGE)):
        share = best[f"lent-{name}"] / best[f"copied-{name}"]
        row(f"  {size} KiB, over a copy", f"<= {target}", {"rondo": share})
        check(f"{size} KiB by get_buffer, CPU over a copy (best of 5)", share,
              target)
