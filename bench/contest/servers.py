# servers.py - servers under load: what they report, count and take.
# SPDX-License-Identifier: MIT
import collections
import os
import pathlib
import re
import statistics

from .process import (Failure, first_line, have, last_lines, output, pinned,
                      running)
from .report import attempt, progress

# name: its column in the table. program, client: files of the build. mode: the
# value of --mode.
Server = collections.namedtuple(
    "Server", "name program mode client", defaults=["", "echo_client"])

# Which column of the table counts a system call.
KINDS = {
    "receive": ["read", "readv", "recvfrom", "recvmsg", "recvmmsg"],
    "send": ["write", "writev", "sendto", "sendmsg", "sendmmsg"],
    "wait": ["epoll_wait", "epoll_pwait", "epoll_pwait2"],
    "epoll_ctl": ["epoll_ctl"],
    "other": [],
}

programs = None  # the folder of the build's programs


def use_programs(folder):
    global programs
    programs = pathlib.Path(folder)


def program(name):
    return str(programs / name)


def built(servers):
    return [server for server in servers
            if os.access(program(server.program), os.X_OK)]


# ---- one run ----

def option(name, value):
    return [name, str(value)] if value else []


def address_of(process):
    match = re.match(r"listening on (\S+)", first_line(process))
    if not match:
        raise Failure(f"{process.name} did not start")
    return match.group(1)


def serve(server, load, size=None, idle=None, under=()):
    """Starts the server, loads it, and returns what it reported. `load` is
    options of the client; `under` is put before the server's command."""
    size_option = option("--size", size)
    command = [program(server.program), *option("--mode", server.mode),
               *option("--idle", idle), *size_option]
    with running(command, under=[*pinned(), *under]) as process:
        address = address_of(process)
        client = [program(server.client), *load, *size_option, address]
        output(client, under=pinned())
        report = last_lines(process)
    figures = re.findall(r"(\w+)=(-?[\d.]+)", report)
    return {name: float(value) for name, value in figures}


def load_of(requests):
    return ["--requests", str(requests)]


# ---- what a request costs ----

def each_request(count, few, many):
    """What one more request costs: two runs, their difference divided. count()
    takes the number of requests and returns numbers by name."""
    a, b = count(few), count(many)
    return {name: (b[name] - a.get(name, 0)) / (many - few) for name in b}


def callgrind_file(server, requests):
    return program(f"callgrind.{server.program}.{server.name}.{requests}")


def instructions(server, few=20_000, many=60_000, size=None, load=()):
    def count(requests):
        counts = pathlib.Path(callgrind_file(server, requests))
        counts.unlink(missing_ok=True)
        valgrind = ["valgrind", "--tool=callgrind", "--quiet",
                    f"--callgrind-out-file={counts}",
                    f"--log-file={program('valgrind.log')}"]
        serve(server, [*load_of(requests), *load], size=size, under=valgrind)
        totals = re.search(r"^totals: (\d+)", counts.read_text(), re.MULTILINE)
        if not totals:
            raise Failure(f"{counts}: no totals")
        return {"all": int(totals.group(1))}

    return each_request(count, few, many)["all"]


def kind_of(call):
    for kind, calls in KINDS.items():
        if call in calls:
            return kind
    return "other"


def system_calls(server, few=5_000, many=25_000, size=None, load=()):
    """How many of each kind."""
    def count(requests):
        counts = pathlib.Path(program(f"strace.{server.name}"))
        strace = ["strace", "-f", "-c", "-U", "name,calls", "-o", str(counts)]
        serve(server, [*load_of(requests), *load], size=size, under=strace)
        calls = dict.fromkeys(KINDS, 0)
        for line in counts.read_text().splitlines():
            match = re.fullmatch(r"(\w+)\s+(\d+)\s*", line)
            if match and match.group(1) != "total":
                calls[kind_of(match.group(1))] += int(match.group(2))
        return calls

    return each_request(count, few, many)


def cpu_time(server, requests=150_000, size=None, load=()):
    """The server's CPU time for each request, in ns."""
    report = serve(server, [*load_of(requests), *load], size=size)
    used_us = report["cpu_user_us"] + report["cpu_sys_us"]
    return used_us * 1000 / report["requests"]


# ---- several servers ----

def of_each(what, servers, measure, tool=None):
    """measure(server) by the servers' names. Nothing without its tool, and
    nothing of a server that fails."""
    figures = {}
    if tool and not have(tool):
        progress(f"{what}: left out, there is no {tool}")
        return figures
    for server in servers:
        progress(f"{what}, {server.name}")
        with attempt(f"{what}, {server.name}"):
            figures[server.name] = measure(server)
    return figures


def in_round(servers, number, peer_rounds):
    """Who takes part in a round, in turn forwards and backwards."""
    if peer_rounds and number > peer_rounds:
        servers = [s for s in servers if s.name in ("rondo", "raw")]
    return servers[::-1] if number % 2 == 0 else servers


def paired(what, servers, rounds, time, peer_rounds=None, base="raw"):
    """Medians, by the servers' names: of time(server), and of its ratio to
    that of the base.

    In each round each server runs once and is compared with the base of the
    same round alone: what a machine can do drifts. Peers may leave early."""
    times, ratios = {}, {}
    for number in range(1, rounds + 1):
        progress(f"{what}, round {number} of {rounds}")
        now = {server.name: time(server)
               for server in in_round(servers, number, peer_rounds)}
        for name in now:
            times.setdefault(name, []).append(now[name])
            ratios.setdefault(name, []).append(now[name] / now[base])
    return medians(times), medians(ratios)


def medians(lists):
    return {name: statistics.median(lists[name]) for name in lists}
