# machine.py - on what the figures were measured, and what else it did.
# SPDX-License-Identifier: MIT
import os
import pathlib
import platform
import re
import resource
import time

BUSY_LOAD = 0.5   # before the run, for each processor
BUSY_SHARE = 0.1  # of the processors' time, that others had


def ticks():
    """Of all processors: busy, or taken by the host."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    user, nice, system, idle, wait, irq, soft, steal = map(int, fields[:8])
    return user + nice + system + irq + soft + steal


def own_seconds():
    total = 0
    for who in resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN:
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


class Watch:
    """What others did on this machine since it began."""

    def __init__(self):
        self.load = os.getloadavg()[0]
        self.begin = time.monotonic()
        self.ticks, self.own = ticks(), own_seconds()

    def stop(self):
        elapsed = time.monotonic() - self.begin
        busy = (ticks() - self.ticks) / os.sysconf("SC_CLK_TCK")
        others = max(0.0, busy - (own_seconds() - self.own))
        self.minutes = elapsed / 60
        self.own_minutes = (own_seconds() - self.own) / 60
        self.others = others / elapsed / processors()
        self.load_after = os.getloadavg()[0]
        self.busy = (self.load > BUSY_LOAD * processors() or
                     self.others > BUSY_SHARE)

    def text(self):
        return (f"load average {self.load:.2f} before and"
                f" {self.load_after:.2f} after; others had"
                f" {self.others * 100:.0f} % of the processors' time")


def processors():
    return os.cpu_count() or 1


def processor():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return model.group(1).strip() if model else platform.machine()


def compiler(programs):
    """The compiler of the build and its options for speed."""
    cache = pathlib.Path(programs).parent / "CMakeCache.txt"
    text = cache.read_text() if cache.exists() else ""
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(\w+)", text, re.MULTILINE)
    flags = None
    if kind:
        flags = re.search(
            rf"^CMAKE_C_FLAGS_{kind.group(1).upper()}:\w+=(.*)$", text,
            re.MULTILINE)
    version = ""
    for file in (cache.parent / "CMakeFiles").glob("*/CMakeCCompiler.cmake"):
        found = dict(re.findall(r'set\((CMAKE_C_COMPILER_\w+) "([^"]*)"\)',
                                file.read_text()))
        version = (f"{found.get('CMAKE_C_COMPILER_ID', '')}"
                   f" {found.get('CMAKE_C_COMPILER_VERSION', '')}")
    return f"{version} {flags.group(1) if flags else ''}".strip()


def description(programs):
    release = re.match(r"[\d.]+", platform.release())
    return (f"{processors()} processors ({processor()}),"
            f" Linux {release.group(0) if release else ''},"
            f" {compiler(programs)}")
