# model.py - what a million connections would take, from what was measured.
# SPDX-License-Identifier: MIT
from . import report
from .report import middle

CONNECTIONS = 1_000_000
RATES = [10_000, 100_000, 300_000]  # echoes a second, of all together


def figure(part, name, column="rondo"):
    """None: it was not measured."""
    for line in report.lines:
        if (line.part, line.name) == (part, name):
            return middle(getattr(line, "figures", {}).get(column))
    return None


def inputs():
    """What the model needs, or None where something is missing."""
    found = {
        "own": figure("idle", "idle connection, bytes"),
        "kernel": figure("memory", "the kernel's memory for it, bytes"),
        "echo": figure("cpu", "10,000 connections, ns/request"),
        "instructions": figure("echo", "10,000 connections"),
        "more": figure("cores", "two loops, CPU over one"),
    }
    return None if None in found.values() else found


def memory_lines(x):
    own, kernel = x["own"] * CONNECTIONS / 1e9, x["kernel"] * CONNECTIONS / 1e9
    return [
        f"| memory of the process | {x['own']:,.0f} bytes a connection |"
        f" {own:.2f} GB |",
        f"| memory of the kernel | {x['kernel']:,.0f} bytes a connection |"
        f" {kernel:.2f} GB |",
    ]


def cpu_lines(x):
    lines = []
    for rate in RATES:
        seconds = rate * x["echo"] / 1e9
        lines.append(
            f"| {rate:,} echoes a second ({rate / CONNECTIONS:g} for each"
            f" connection) | {x['echo']:,.0f} ns each | {seconds:.2f} of a"
            " core |")
    return lines


def core_lines(x):
    one = 1e9 / x["echo"]
    lines = [f"| most echoes a second, one core | 1 s / {x['echo']:,.0f} ns |"
             f" {one:,.0f} |"]
    for cores in 2, 4, 8:
        lines.append(
            f"| the same, {cores} cores | one loop each, {x['more']:.2f} of the"
            f" CPU time for each echo | {cores * one / x['more']:,.0f} |")
    share = x["instructions"] * one / 1e6
    lines.append(
        "| of which Rondo and the program, one core |"
        f" {x['instructions']:,.0f} instructions an echo |"
        f" {share:,.0f} million instructions a second |")
    return lines


def model_lines():
    """Markdown; [] when not all was measured."""
    x = inputs()
    if not x:
        return []
    return ["| of 1,000,000 connections | measured | that makes |",
            "|---|---|---|",
            *memory_lines(x), *cpu_lines(x), *core_lines(x)]
