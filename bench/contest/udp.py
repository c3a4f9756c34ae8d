# udp.py - an echo over UDP, and sending with the kernel's segmentation.
# SPDX-License-Identifier: MIT
from .calls import measured
from .process import output, pinned, sized
from .report import Figures, attempt, check, row
from .servers import (COUNTED_S, Server, built, calls_by_name, cpu_time,
                      each_request, instructions, of_each, paired, program,
                      strace, system_calls)

TARGET_INSTRUCTIONS = {1: 595, 64: 305}  # by how many are under way
TARGET_CPU = 0.88
TARGET_CALLS = {1: 2.05, 64: 0.2}
TARGET_EACH = 2.1  # system calls, 64 sockets with one each
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

EACH = [Server("rondo", "bench_udp_each", "epoll"),
        Server("raw", "bench_udp_each", "raw"),
        Server("io_uring", "bench_udp_each", "io_uring")]
EACH_ROUND = 64 * 400  # datagrams of a round


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
    calls = of_each("udp, 64 sockets: system calls", EACH, calls_of_each,
                    tool="strace")
    row("64 sockets with one each, system calls", f"<= {TARGET_EACH}", calls)
    check("UDP system calls, 64 sockets with one each", calls.get("rondo"),
          TARGET_EACH)


def calls_of_each(contestant):
    """System calls for an echo where 64 sockets have one datagram each."""
    def count(requests):
        counts = program(f"strace.udp_each.{contestant.mode}")
        under = [word for word in strace(counts) if word != "-f"]
        output([program("bench_udp_each"), "--only", contestant.mode,
                "--rounds", str(requests // EACH_ROUND)],
               under=[*pinned(), *under], expected_s=requests * COUNTED_S)
        return {"all": sum(calls_by_name(counts).values())}

    return each_request(count, EACH_ROUND, 3 * EACH_ROUND)["all"]


def times_each():
    found = measured("udp_each", sized(9, 3))
    figures = Figures({"raw": found["epoll"]["raw"],
                       "rondo": found["epoll"]["rondo"]})
    if "io_uring" in found:
        figures["io_uring"] = found["io_uring"]["rondo"]
    row("64 sockets with one each, CPU, ns", "", figures)


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
