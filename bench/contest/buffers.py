# buffers.py - what it costs and saves to read into the program's own buffer.
# SPDX-License-Identifier: MIT
from .calls import measured
from .process import pinned, sized
from .report import check, row
from .servers import Server, instructions, of_each

TARGET_INSTRUCTIONS = 5  # of get_buffer over data_received
TARGET_SMALL = 1         # CPU over a copy from data_received, 16 KiB
TARGET_LARGE = 0.95      # 256 KiB

PLAIN = Server("plain", "echo_rondo")
BUFFERED = Server("buffered", "echo_rondo", "buffered")


def exact_buffers():
    figures = of_each("buffers: instructions", [PLAIN, BUFFERED], instructions,
                      tool="valgrind")
    over = None
    if len(figures) == 2:
        over = figures["buffered"] - figures["plain"]
    row("get_buffer, more instructions",
        f"<= {TARGET_INSTRUCTIONS}", {"rondo": over})
    check("get_buffer over data_received, instructions", over,
          TARGET_INSTRUCTIONS)


def times_buffers():
    """The CPU of a message, in several rounds each way."""
    found = measured("buffers", sized(5, 3), under=pinned())
    for size, name, target in ((16, "small", TARGET_SMALL),
                               (256, "large", TARGET_LARGE)):
        lent, copied = found[f"lent-{name}"], found[f"copied-{name}"]
        share = lent["rondo"].low / copied["rondo"].low
        row(f"{size} KiB by get_buffer, ns", "", lent)
        row("  copied from data_received, ns", "", copied)
        row("  the first over the second (best)", f"<= {target}",
            {"rondo": share})
        check(f"{size} KiB by get_buffer, CPU over a copy (best)", share,
              target)
