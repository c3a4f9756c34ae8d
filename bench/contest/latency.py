# latency.py - how long an echo takes at a fixed rate.
# SPDX-License-Identifier: MIT
#
# The client asks at the given moments whether or not it has been answered, and
# a request's time runs from the moment at which it should have been sent. So a
# server that stands still for a while delays all requests of that while, and
# each of them counts ("coordinated omission" leaves them out). The server has
# the last CPU, the client the first.
from .echo import ALL, UVLOOP
from .process import apart, output, pinned, running, sized
from .report import attempt, progress, row
from .servers import (address_of, built, client_command, figures_of,
                      server_command, spreads)

RATES = [1_000, 10_000]
CONNECTIONS = 64
PERCENTILES = {"p50_us": "p50", "p99_us": "p99", "p999_us": "p99.9"}
SERVERS = [*ALL, UVLOOP]


def ask_at(server, rate):
    seconds = sized(3, 1)
    load = ["--connections", str(CONNECTIONS), "--rate", str(rate),
            "--seconds", str(seconds)]
    server = server._replace(client="latency_client")
    with running(server_command(server), under=pinned()[:3]) as process:
        client = client_command(server, load, address_of(process))
        return figures_of(output(client, under=apart(), expected_s=seconds))


def measure_rate(rate):
    """Each percentile by server: lists, a figure for each round."""
    found, failed = {name: {} for name in PERCENTILES}, set()
    servers, rounds = built(SERVERS), sized(5, 2)
    for number in range(1, rounds + 1):
        progress(f"latency, {rate:,} requests/s, round {number} of {rounds}")
        for server in servers[::-1] if number % 2 == 0 else servers:
            answer = {}
            with attempt(f"latency, {rate:,}/s, {server.name}"):
                answer = ask_at(server, rate)
            if not answer:
                failed.add(server.name)
            for name in answer:
                if name in found:
                    found[name].setdefault(server.name, []).append(answer[name])
    return found, failed


def times_latency():
    for rate in sized(RATES, RATES[-1:]):
        found, failed = measure_rate(rate)
        for name, text in PERCENTILES.items():
            figures = spreads(found[name], failed)
            row(f"{rate:,} requests/s, {text}, us", "", figures)
