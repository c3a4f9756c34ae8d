# tls.py - an echo over TLS: a filter of OpenSSL beside OpenSSL by hand.
# SPDX-License-Identifier: MIT
import pathlib

from .process import have, output, sized
from .report import check, progress, row
from .servers import (Server, built, cpu_time, instructions, of_each, paired,
                      program)

TARGET = 1.1  # of OpenSSL's by hand
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


def servers():
    """None without OpenSSL."""
    found = built([Server(name, file, "", "tls_load")
                   for name, file in PROGRAMS])
    if not found or not have("openssl"):
        progress("tls: left out, there is no OpenSSL")
        return []
    certificate = make_certificate()
    return [server._replace(mode=certificate) for server in found]


def exact_tls():
    """All that a server does for a request, encryption too."""
    for size in SIZES:
        row(f"{size:,} bytes, instructions", "",
            of_each(f"tls: instructions, {size} bytes", servers(),
                    lambda s: instructions(s, 500, 2_500, size=size),
                    tool="valgrind"))


def times_tls():
    """System calls, too."""
    contestants, rounds = servers(), sized(7, 3)
    requests = sized(20_000, 8_000)
    for size in SIZES:
        name = f"TLS, {size} bytes, server CPU over raw (median of {rounds})"
        if not contestants:
            check(name, None, TARGET)
            continue
        times, over = paired(f"tls: {size} bytes", contestants, rounds,
                             lambda s: cpu_time(s, requests, size=size))
        row(f"{size:,} bytes, server CPU, ns", "", times)
        row("  over OpenSSL by hand", f"<= {TARGET}", over)
        check(name, over.get("rondo"), TARGET)
