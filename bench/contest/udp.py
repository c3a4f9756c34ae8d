# udp.py - an echo over UDP, and sending with the kernel's segmentation.
# SPDX-License-Identifier: MIT
from .process import output, pinned
from .report import attempt, check, progress, row
from .servers import (Server, built, cpu_time, instructions, of_each, paired,
                      program, system_calls)

TARGET_INSTRUCTIONS = {1: 595, 64: 305}  # by how many are under way
TARGET_CPU = 0.88
TARGET_CALLS = 0.2
TARGET_SEGMENTS = 0.25  # of the CPU of one call for each datagram
ROUNDS = 7

# One socket each. The measure is a recvfrom and a sendto for each datagram;
# "batch" is by hand, too.
ALL = [
    Server("rondo", "udp_rondo", "", "udp_client"),
    Server("raw", "udp_raw", "", "udp_client"),
    Server("libuv", "udp_uv", "", "udp_client"),
    Server("batch", "udp_raw", "batch", "udp_client"),
]


def receives_and_sends(server):
    calls = system_calls(server)
    return calls["receive"] + calls["send"]


def run_send():
    """1 GiB in datagrams of 1,200 bytes, five times each way."""
    progress("udp: 1 GiB sent, 5 rounds")
    text = output([program("bench_udp_send")], under=pinned())
    best = {operation: float(least) for who, operation, median, least
            in map(str.split, text.splitlines())}
    share = best["together"] / best["each"]
    row("UDP sent, ns/datagram", "", {"rondo": best["each"]})
    row("  with segmentation", "", {"rondo": best["together"]})
    check("UDP CPU with segmentation over without (best of 5)", share,
          TARGET_SEGMENTS)


def show_instructions(servers, window, target):
    load = ["--window", str(window)]
    figures = of_each(f"udp: instructions, {window} under way", servers,
                      lambda s: instructions(s, load=load), tool="valgrind")
    name = f"UDP instructions, {window} under way"
    row(name, f"<= {target}", figures)
    check(name, figures.get("rondo"), target)


def run_udp():
    servers = built(ALL)
    for window, target in TARGET_INSTRUCTIONS.items():
        show_instructions(servers, window, target)
    calls = of_each("udp: system calls", servers, receives_and_sends,
                    tool="strace")
    row("UDP calls/datagram", f"<= {TARGET_CALLS}", calls)
    check("UDP receives and sends/datagram", calls.get("rondo"), TARGET_CALLS)
    times, over = paired("udp", servers, ROUNDS, cpu_time)
    row("UDP server CPU, ns/datagram", "", times)
    row("UDP server CPU over raw", f"<= {TARGET_CPU}", over)
    row("  by hand, in batches", "", {"raw": over["batch"]})
    check(f"UDP server CPU over raw (median of {ROUNDS})",
          over["rondo"], TARGET_CPU)
    with attempt("udp: 1 GiB sent"):
        run_send()
