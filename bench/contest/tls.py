# tls.py - an echo over TLS: a filter of OpenSSL beside OpenSSL by hand.
# SPDX-License-Identifier: MIT
import pathlib

from .process import have, output
from .report import attempt, check, progress, row
from .servers import (Server, built, cpu_time, instructions, of_each, paired,
                      program)

TARGET = 1.1  # of OpenSSL's by hand
ROUNDS = 7
REQUESTS = 20_000
SIZES = [64, 16_384]

PROGRAMS = [("rondo", "tls_rondo"), ("raw", "tls_raw"), ("libuv", "tls_uv")]


def make_certificate():
    """A key and a certificate that nobody has to trust, in one file."""
    key, certificate = program("tls.pem.key"), program("tls.pem")
    output(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
            "-sha256", "-subj", "/CN=localhost",
            "-keyout", key, "-out", certificate])
    with open(certificate, "a") as file:
        file.write(pathlib.Path(key).read_text())
    pathlib.Path(key).unlink()
    return certificate


def check_name(size):
    return f"TLS, {size} bytes, server CPU over raw (median of {ROUNDS})"


def run_size(servers, size):
    """All that a server does for a request, encryption and system calls too."""
    def count(server):
        return instructions(server, few=1_000, many=5_000, size=size)

    def time(server):
        return cpu_time(server, requests=REQUESTS, size=size)

    row(f"TLS, {size} bytes, instructions", "",
        of_each(f"tls: instructions, {size} bytes", servers, count,
                tool="valgrind"))
    times, over = paired(f"tls: {size} bytes", servers, ROUNDS, time)
    row(f"TLS, {size} bytes, server CPU, ns", "", times)
    row("  over raw", f"<= {TARGET}", over)
    check(check_name(size), over["rondo"], TARGET)


def run_tls():
    servers = built([Server(name, file, "", "tls_load")
                     for name, file in PROGRAMS])
    if not servers or not have("openssl"):
        progress("tls: left out, there is no OpenSSL")
        for size in SIZES:
            check(check_name(size), None, TARGET)
        return
    certificate = make_certificate()
    servers = [server._replace(mode=certificate) for server in servers]
    for size in SIZES:
        with attempt(f"tls, {size} bytes"):
            run_size(servers, size)
