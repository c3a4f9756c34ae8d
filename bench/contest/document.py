# document.py - the tables in Markdown, between the marks of a document.
# SPDX-License-Identifier: MIT
#
# A document says <!-- bench NAME --> and <!-- bench end --> where a block goes:
# exact, times, growth (both kinds, one after the other), model, machine.
import pathlib
import re

from . import model, plots, report
from .report import (EXACT, LABELS, TIMES, Failed, cell, checks, columns_of,
                     is_met, middle, number)

BLOCK = r"(<!-- bench {} -->\n).*?(<!-- bench end -->)"
LIMITS = ("raw", "raw batch", "ring", "hand", "plain", "guarded", "nginx",
          "epoll")
# The parts whose columns are libraries.
TITLES = {
    "echo": "Echo over TCP: user instructions and system calls",
    "idle": "Memory of an idle connection",
    "memory": "Memory of many connections",
    "steady": "Allocations",
    "filter": "Filters",
    "buffers": "Reading into the program's memory",
    "bulk": "Bulk one way: messages of 1 MiB received",
    "ring": "io_uring (\"by hand\" is a ring by hand)",
    "udp": "Datagrams: echo",
    "sendfile": "Files and memory sent",
    "tls": "TLS: echo (\"by hand\" is OpenSSL over epoll)",
    "cores": "Two loops on two cores",
    "steps": "Single steps",
    "cpu": "Echo over TCP: CPU time of the server",
    "latency": "Echo at a fixed rate: latency",
    "timers": "A million timers",
    "post": "Callbacks, and posts from other threads",
    "executor": "Jobs to a thread and back",
    "files": "Reads of 4 KiB from the page cache",
    "pump": "A proxy of 1 GiB",
    "spawn": "A program started and waited for",
    "wrk": "Files over HTTP",
    "growth: connections": "Idle connections beside 64 that ask",
    "growth: timers": "Timers",
    "growth: children": "A child that starts and ends, beside others",
}


# ---- a table ----

def best_peer(line):
    """The best figure of another library, which beats Rondo's."""
    mine = middle(line.figures.get("rondo"))
    peers = [middle(figure) for name, figure in line.figures.items()
             if name != "rondo" and name not in LIMITS and figure is not None]
    if mine is None or not peers:
        return None
    best = max(peers) if line.more else min(peers)
    ahead = best - mine if line.more else mine - best
    return best if ahead > max(0.01 * mine, 0.01) else None


def loses(line):
    return isinstance(line, report.Row) and best_peer(line) is not None


def marked_cell(line, column, best):
    text = cell(line, column)
    if text == "-":
        return ""
    figure = middle(line.figures.get(column))
    lost = best is not None and column not in LIMITS and figure == best
    return f"**{text}**" if lost else text


def table_row(line, columns):
    if isinstance(line, Failed):
        return f"| {line.name} | failed |" + " |" * len(columns)
    best = best_peer(line)
    cells = [marked_cell(line, column, best) for column in columns]
    name = line.name.replace("  ", "... ", 1)
    return f"| {name} | {line.target} | " + " | ".join(cells) + " |"


def table(part, kind):
    mine = report.lines_of(part, kind)
    rows = [line for line in mine if isinstance(line, report.Row)]
    columns = columns_of(rows)
    with_target = any(line.target for line in rows) or len(rows) < len(mine)
    lines = [f"**{TITLES.get(part, part)}**", "",
             "| | target | " + " | ".join(LABELS.get(c, c) for c in columns) +
             " |", "|---|---|" + "---|" * len(columns)]
    lines += [table_row(line, columns) for line in mine]
    if not with_target:
        lines = lines[:2] + [drop_target(text) for text in lines[2:]]
    return lines + [""]


def drop_target(text):
    fields = text.split("|")
    return "|".join(fields[:2] + fields[3:])


# ---- blocks ----

def is_growth(part):
    return part.startswith("growth")


def table_lines(kind, growth):
    lines = []
    for part in report.parts_of(kind):
        if is_growth(part) == growth:
            lines += table(part, kind)
    return lines


def losses_lines(kind):
    """The rows that a library wins, and the targets that are missed."""
    lost = [line for part in report.parts_of(kind)
            for line in report.lines_of(part, kind) if loses(line)]
    missed = [check for check in checks
              if check.kind == kind and not is_met(check)]
    lines = []
    if lost:
        lines.append("A peer is better in: " + "; ".join(
            f"{TITLES.get(line.part, line.part).split(':')[0].split(' (')[0]},"
            f" {line.name.strip()}" for line in lost) + ".")
    if missed:
        lines += [""] if lines else []
        lines.append("Over the target: " + "; ".join(
            f"{check.name} {number(check.figure)} (target"
            f" {number(check.limit)})" for check in missed) + ".")
    return lines + [""] if lines else []


def machine_lines(meta):
    names = ", ".join(sorted(report.libraries))
    others = meta["others"]
    return [f"Measured on {meta['machine']}.", f"With {names}.",
            f"{others[:1].upper()}{others[1:]}."]


def blocks():
    """By name; a block without lines stays as it is in the document."""
    found = {
        "exact": table_lines(EXACT, False) + losses_lines(EXACT),
        "times": table_lines(TIMES, False) + losses_lines(TIMES),
        "growth": table_lines(EXACT, True),
        "growth times": table_lines(TIMES, True),
        "model": model.model_lines(),
    }
    for name, kind in (("exact", EXACT), ("times", TIMES)):
        if found[name]:
            found[name] = [*machine_lines(report.metas[kind]), "", *found[name]]
    return {name: lines for name, lines in found.items() if lines}


# ---- files ----

def put(text, name, lines):
    """The text with the block replaced, or None: it has no such block."""
    body = "\n".join(lines).strip("\n") + "\n"
    pattern = re.compile(BLOCK.format(re.escape(name)), re.DOTALL)
    if not pattern.search(text):
        return None
    return pattern.sub(lambda match: f"{match.group(1)}{body}{match.group(2)}",
                       text)


def write_blocks(path, found):
    """Puts each block into the document, and returns the names of those that
    have no place there."""
    path = pathlib.Path(path)
    text, left = path.read_text(), []
    for name, lines in found.items():
        changed = put(text, name, lines)
        if changed is None:
            left.append(name)
        else:
            text = changed
    path.write_text(text)
    return left


def write_plots(folder):
    """Returns the names of those that could be drawn."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {name: text for name, text in plots.all_plots().items() if text}
    for name, text in drawn.items():
        (folder / name).write_text(text)
    return sorted(drawn)
