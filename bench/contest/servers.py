# servers.py - servers under load: what they report, count and take.
# SPDX-License-Identifier: MIT
import collections
import concurrent.futures
import os
import pathlib
import queue
import re

from . import report
from .process import (Failure, cpus, first_line, have, last_lines, output,
                      patience_s, pinned, running, sized, use_cpu)
from .report import Figures, attempt, progress, spread

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

# What a request takes at most on an idle machine, in seconds: as it is, and
# under a tool that counts.
REQUEST_S, COUNTED_S = 5e-5, 5e-4

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


def server_command(server, size=None, idle=None, at_unix=False):
    return [program(server.program), *option("--mode", server.mode),
            *option("--idle", idle), *option("--size", size),
            *(["--unix"] if at_unix else [])]


def client_command(server, load, address, size=None):
    return [program(server.client), *load, *option("--size", size),
            "--patience", str(patience_s()), address]


def address_of(process):
    match = re.match(r"listening on (\S+)", first_line(process))
    if not match:
        raise Failure(f"{process.name} did not start")
    return match.group(1)


def figures_of(text):
    """"name=number" in what a program printed; its library is kept."""
    library = re.search(r'library="([^"]*)"', text)
    if library:
        report.libraries.add(library.group(1))
    return {name: float(value)
            for name, value in re.findall(r"(\w+)=(-?[\d.]+)", text)}


def serve(server, load, size=None, idle=None, under=(), expected_s=0,
          at_unix=False):
    """Starts the server, loads it, and returns what it reported. `load` is
    options of the client, which fails when an answer is wrong or missing;
    `under` is put before the server's command."""
    command = server_command(server, size, idle, at_unix)
    with running(command, under=[*pinned(), *under]) as process:
        client = client_command(server, load, address_of(process), size)
        output(client, under=pinned(), expected_s=expected_s)
        return figures_of(last_lines(process))


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


def callgrind_total(counts):
    totals = re.search(r"^totals: (\d+)", pathlib.Path(counts).read_text(),
                       re.MULTILINE)
    if not totals:
        raise Failure(f"{counts}: no totals")
    return int(totals.group(1))


def callgrind(counts):
    """The command that counts a program's instructions into a file."""
    pathlib.Path(counts).unlink(missing_ok=True)
    return ["valgrind", "--tool=callgrind", "--quiet",
            f"--callgrind-out-file={counts}",
            f"--log-file={counts}.log"]


def few_and_many(few, many):
    """Of how many requests two runs are the difference."""
    return few or sized(4_000, 2_000), many or sized(20_000, 10_000)


def instructions(server, few=None, many=None, size=None, load=(),
                 at_unix=False):
    def count(requests):
        counts = callgrind_file(server, requests)
        serve(server, [*load_of(requests), *load], size=size,
              under=callgrind(counts), expected_s=requests * COUNTED_S,
              at_unix=at_unix)
        return {"all": callgrind_total(counts)}

    return each_request(count, *few_and_many(few, many))["all"]


def kind_of(call):
    for kind, calls in KINDS.items():
        if call in calls:
            return kind
    return "other"


def strace(counts):
    """The command that counts a program's system calls into a file."""
    return ["strace", "-f", "-c", "-U", "name,calls", "-o", str(counts)]


def calls_by_name(counts):
    """What strace has counted."""
    found = re.findall(r"^(\w+)\s+(\d+)\s*$", pathlib.Path(counts).read_text(),
                       re.MULTILINE)
    return {name: int(calls) for name, calls in found if name != "total"}


def system_calls(server, few=None, many=None, size=None, load=(),
                 at_unix=False):
    """How many of each kind."""
    def count(requests):
        counts = program(f"strace.{server.program}.{server.name}")
        serve(server, [*load_of(requests), *load], size=size,
              under=strace(counts), expected_s=requests * COUNTED_S,
              at_unix=at_unix)
        calls = dict.fromkeys(KINDS, 0)
        for name, number in calls_by_name(counts).items():
            calls[kind_of(name)] += number
        return calls

    return each_request(count, few or sized(5_000, 1_000),
                        many or sized(25_000, 5_000))


def all_calls(server, **options):
    return sum(system_calls(server, **options).values())


def cpu_time(server, requests=None, size=None, load=(), at_unix=False):
    """The server's CPU time for each request, in ns."""
    requests = requests or sized(150_000, 60_000)
    answer = serve(server, [*load_of(requests), *load], size=size,
                   expected_s=requests * REQUEST_S, at_unix=at_unix)
    used_us = answer["cpu_user_us"] + answer["cpu_sys_us"]
    return used_us * 1000 / answer["requests"]


# ---- several servers ----

def of_each(what, servers, measure, tool=None):
    """measure(server) by the servers' names. Nothing without its tool, and
    nothing of a server that fails. What a tool counts does not depend on the
    time it takes, so every CPU measures a server of its own."""
    if tool and not have(tool):
        progress(f"{what}: left out, there is no {tool}")
        return Figures()
    found, free = {}, queue.SimpleQueue()
    for cpu in cpus() if tool else cpus()[:1]:
        free.put(cpu)

    def measure_one(server):
        cpu = free.get()
        use_cpu(cpu)
        progress(f"{what}, {server.name}")
        with attempt(f"{what}, {server.name}"):
            found[server.name] = measure(server)
        free.put(cpu)

    with concurrent.futures.ThreadPoolExecutor(free.qsize()) as pool:
        list(pool.map(measure_one, servers))
    names = [server.name for server in servers]
    figures = Figures({name: found[name] for name in names if name in found})
    figures.failed = set(names) - set(found)
    return figures


def in_round(servers, number, peer_rounds, keep):
    """Who takes part in a round, in turn forwards and backwards."""
    if peer_rounds and number > peer_rounds:
        servers = [s for s in servers if s.name in keep]
    return servers[::-1] if number % 2 == 0 else servers


def paired(what, servers, rounds, time, peer_rounds=None, base="raw"):
    """Spreads, by the servers' names: of time(server), and of its ratio to that
    of the base.

    In each round each server runs once and is compared with the base of the
    same round alone: what a machine can do drifts. Peers may leave early. A
    server that fails is left out from then on."""
    times, ratios, failed = {}, {}, set()
    for number in range(1, rounds + 1):
        progress(f"{what}, round {number} of {rounds}")
        now = {}
        for server in in_round(servers, number, peer_rounds, ("rondo", base)):
            if server.name in failed:
                continue
            with attempt(f"{what}, {server.name}"):
                now[server.name] = time(server)
            if server.name not in now:
                failed.add(server.name)
        for name in now:
            times.setdefault(name, []).append(now[name])
            if base in now:
                ratios.setdefault(name, []).append(now[name] / now[base])
    return spreads(times, failed), spreads(ratios, failed)


def spreads(lists, failed=()):
    """A server that failed has no figure, whatever its first rounds said."""
    figures = Figures({name: spread(values) for name, values in lists.items()
                       if name not in failed})
    figures.failed = set(failed)
    return figures
