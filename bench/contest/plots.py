# plots.py - which figures are drawn.
# SPDX-License-Identifier: MIT
import re

from . import report, svg
from .report import LABELS, middle


def rows_of(part, kind):
    return [line for line in report.lines_of(part, kind)
            if isinstance(line, report.Row)]


def row_named(part, kind, name):
    for line in rows_of(part, kind):
        if line.name == name:
            return line
    return None


def by_label(line):
    columns = report.columns_of([line])
    return {LABELS.get(name, name): middle(line.figures[name])
            for name in columns if line.figures.get(name) is not None}


def bars(title, part, kind, name):
    line = row_named(part, kind, name)
    figures = by_label(line) if line else {}
    return svg.bars(title, figures) if figures else None


def series_of(lines, x_of):
    """By label, a list of (x, y): a point for each line."""
    series = {}
    for line in lines:
        x = x_of(line)
        for label, y in by_label(line).items():
            series.setdefault(label, []).append((x, y))
    return {label: points for label, points in series.items()
            if len(points) > 1}


def count_of(line):
    """The number that a row's name begins with; a logarithm has no 0."""
    match = re.match(r"[\d,]+", line.name)
    return max(1, int(match.group(0).replace(",", ""))) if match else None


def growing(title, x_title, y_title, part, kind, ending):
    lines = [line for line in rows_of(part, kind)
             if line.name.endswith(ending) and count_of(line) is not None]
    series = series_of(lines, count_of)
    labels = {count_of(line): svg.short_number(count_of(line))
              for line in lines}
    if any(line.name.startswith("0 ") for line in lines):
        labels[1] = "0"
    if not series:
        return None
    return svg.lines(title, x_title, y_title, series, labels)


def cpu_by_connections():
    lines = [line for line in rows_of("cpu", report.TIMES)
             if line.name.endswith("ns/request")]
    all_64 = row_named("cpu", report.TIMES, "server CPU, ns/request")

    def connections(line):
        return 64 if line is all_64 else count_of(line)

    series = series_of(lines, connections)
    series.pop("uvloop", None)
    if not series:
        return None
    return svg.lines("Server CPU of an echo, by connections", "connections",
                     "ns", series)


def latency(rate):
    places = {"p50": 1, "p99": 10, "p99.9": 100}
    lines = [line for line in rows_of("latency", report.TIMES)
             if line.name.startswith(f"{rate:,} ")]

    def place(line):
        return places[line.name.split(", ")[1]]

    series = series_of(lines, place)
    if not series:
        return None
    return svg.lines(f"An echo's latency at {rate:,} a second", "percentile",
                     "us", series, {x: name for name, x in places.items()})


def all_plots():
    """By file name; None: what it needs was not measured."""
    exact, times = report.EXACT, report.TIMES
    return {
        "echo-instructions.svg": bars(
            "User instructions of a 64-byte echo, 64 connections", "echo",
            exact, "instructions/request"),
        "idle-bytes.svg": bars("Bytes of an idle connection", "idle", exact,
                               "idle connection, bytes"),
        "growth-timers.svg": growing(
            "Instructions for a timer, by timers", "timers", "instructions",
            "growth: timers", exact, "instructions each"),
        "growth-children.svg": growing(
            "System calls for a child's life, by other children",
            "other children", "system calls", "growth: children", exact,
            "system calls"),
        "growth-instructions.svg": growing(
            "User instructions of an echo, by idle connections",
            "idle connections", "instructions", "growth: connections", exact,
            "instructions/echo"),
        "growth-waits.svg": growing(
            "CPU of an echo, by idle connections", "idle connections", "ns",
            "growth: connections", times, "ns/echo"),
        "cpu-connections.svg": cpu_by_connections(),
        "latency.svg": latency(10_000),
    }
