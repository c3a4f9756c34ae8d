# udp.py - an echo over UDP, and sending with the kernel's segmentation.
# SPDX-License-Identifier: MIT
from .calls import measured
from .process import output, pinned, sized
from .report import attempt, check, row
from .servers import (Server, built, calls_by_name, cpu_time, instructions,
                      of_each, paired, program, strace, system_calls)

TARGET_INSTRUCTIONS = {1: 595, 64: 305}  # by how many are under way
TARGET_CPU = 0.88
TARGET_CALLS = {1: 2.05, 64: 0.2}
TARGET_RING_CALLS = 0.3  # 64 sockets with a datagram each, io_uring
TARGET_SEGMENTS = 0.25  # of the CPU of one call for each datagram

# One socket each. By hand is a recvfrom and a sendto for each datagram, or
# recvmmsg and sendmmsg ("batch"). libuv takes batches, too, or one at a time.
ALL = [
    Server("rondo", "udp_rondo", "", "udp_client"),
    Server("raw", "udp_raw", "", "udp_client"),
    Server("raw batch", "udp_raw", "batch", "udp_client"),
    Server("libuv", "udp_uv", "", "udp_client"),
    Server("libuv single", "udp_uv", "single", "udp_client"),
]
# Of 64 sockets with a datagram each; "raw" is a wait for all and two calls each.
EACH = [
    Server("rondo", "bench_udp_each", "io_uring"),
    Server("raw", "bench_udp_each", "raw"),
    Server("epoll", "bench_udp_each", "epoll"),
]
EACH_DATAGRAMS = 64 * 400


def text_of(window):
    return "one at a time" if window == 1 else f"{window} under way"


def load_of(window):
    return ["--window", str(window)]


def receives_and_sends(server, load):
    calls = system_calls(server, load=load)
    return calls["receive"] + calls["send"]


def exact_udp():
    for window, target in TARGET_INSTRUCTIONS.items():
        text, load = text_of(window), load_of(window)
        figures = of_each(f"udp, {text}: instructions", built(ALL),
                          lambda s: instructions(s, load=load), tool="valgrind")
        row(f"{text}, instructions", f"<= {target}", figures)
        check(f"UDP instructions, {text}", figures.get("rondo"), target)
    for window, target in TARGET_CALLS.items():
        text, load = text_of(window), load_of(window)
        calls = of_each(f"udp, {text}: system calls", built(ALL),
                        lambda s: receives_and_sends(s, load), tool="strace")
        row(f"{text}, receives and sends", f"<= {target}", calls)
        check(f"UDP receives and sends, {text}", calls.get("rondo"), target)
    exact_each()


def calls_of_each(server):
    counts = program(f"strace.udp_each.{server.mode}")
    under = [word for word in strace(counts) if word != "-f"]
    output([program("bench_udp_each"), server.mode],
           under=[*pinned(), *under], expected_s=20)
    return sum(calls_by_name(counts).values()) / EACH_DATAGRAMS


def exact_each():
    text = "64 sockets with one each"
    calls = of_each(f"udp, {text}: system calls", EACH, calls_of_each,
                    tool="strace")
    row(f"{text}, io_uring, calls", f"<= {TARGET_RING_CALLS}", calls)
    check(f"UDP system calls, io_uring, {text}", calls.get("rondo"),
          TARGET_RING_CALLS)


def times_each():
    found = measured("udp_each", sized(5, 2), under=pinned())["each"]
    row("64 sockets with one each, CPU, ns", "",
        {"rondo": found["io_uring"], "raw": found["raw"],
         "epoll": found["epoll"]})


def times_udp():
    for window in TARGET_INSTRUCTIONS:
        text, load = text_of(window), load_of(window)
        rounds = sized(7, 3)
        times, over = paired(f"udp, {text}: cpu", built(ALL), rounds,
                             lambda s: cpu_time(s, sized(150_000, 60_000),
                                                load=load))
        row(f"{text}, server CPU, ns", "", times)
        target = f"<= {TARGET_CPU}" if window > 1 else ""
        row("  over by hand", target, over)
        if window > 1:
            check(f"UDP server CPU over raw (median of {rounds})",
                  over.get("rondo"), TARGET_CPU)
    with attempt("udp: 64 sockets"):
        times_each()
    with attempt("udp: 1 GiB sent"):
        show_segments()


def show_segments():
    """1 GiB in datagrams of 1,200 bytes, each way."""
    found = measured("udp_send", sized(5, 2), under=pinned())
    each, together = found["each"], found["together"]
    row("sent, ns/datagram", "", each)
    row("  with segmentation", "", together)
    check("UDP CPU with segmentation over without (best)",
          together["rondo"].low / each["rondo"].low, TARGET_SEGMENTS)
