# web.py - files by HTTP: the example, beside nginx where that is installed.
# SPDX-License-Identifier: MIT
import os
import pathlib
import re
import socket
import time

from .process import (Failure, first_line, have, output, pinned, running,
                      sized)
from .report import attempt, progress, row
from .servers import program

START_S = 30  # until a server takes connections
PAGES = {"page": 16_384, "large": 1_048_576}  # names and sizes

NGINX_CONF = """\
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; keepalive_requests 100000000;
    client_body_temp_path {folder}/client_body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}
"""


def make_pages(folder):
    (folder / "www").mkdir(parents=True, exist_ok=True)
    for name, size in PAGES.items():
        (folder / "www" / name).write_text("x" * size)


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def wait_for(process, port):
    deadline = time.monotonic() + START_S
    while not connects(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Failure(f"{process.name} does not take connections")
        time.sleep(0.05)


def cpu_us(process):
    """The CPU time of a process so far: fields 14 and 15 of its stat."""
    stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
    after_name = stat.rpartition(")")[2].split()
    ticks = int(after_name[11]) + int(after_name[12])
    return ticks * 1e6 / os.sysconf("SC_CLK_TCK")


def load_page(process, port, page):
    """Requests a second, and the server's CPU time for each in us."""
    before, seconds = cpu_us(process), sized(3, 1)
    url = f"http://127.0.0.1:{port}/{page}"
    text = output(["wrk", "-t1", "-c64", f"-d{seconds}s", url], under=pinned())
    match = re.search(r"(\d+) requests in", text)
    if not match or re.search(r"Socket errors|Non-2xx", text):
        raise Failure(f"wrk: {' '.join(text.split())}")
    count = int(match.group(1))
    return count / seconds, (cpu_us(process) - before) / count


def load_pages(name, process, port):
    wait_for(process, port)
    found = {}
    for page in PAGES:
        progress(f"wrk: {name}, {PAGES[page]} bytes")
        found[page] = load_page(process, port, page)
    return found


def load_example(folder):
    """What was found, and the port, which is free afterwards."""
    command = [program("../examples/files"), "0", str(folder / "www")]
    with running(command, under=pinned()) as process:
        match = re.search(r":(\d+)$", first_line(process))
        if not match:
            raise Failure("the example did not start")
        port = int(match.group(1))
        return load_pages("rondo", process, port), port


def load_nginx(folder, port):
    """One worker, as the example has one loop."""
    conf = folder / "nginx.conf"
    conf.write_text(NGINX_CONF.format(folder=folder, port=port))
    command = ["nginx", "-p", str(folder), "-c", str(conf)]
    with running(command, under=pinned()) as process:
        return load_pages("nginx", process, port)


def times_wrk():
    if not have("wrk"):
        progress("wrk: left out, it is not installed")
        return
    folder = pathlib.Path(program("web"))
    make_pages(folder)
    rondo, port = load_example(folder)
    nginx = {}
    if have("nginx"):
        with attempt("wrk: nginx"):
            nginx = load_nginx(folder, port)
    for page, size in PAGES.items():
        found = {"rondo": rondo[page]}
        if page in nginx:
            found["nginx"] = nginx[page]
        row(f"HTTP, {size:,} bytes, requests/s (wrk)", "",
            {name: rate for name, (rate, cpu) in found.items()}, more=True)
        row("  server CPU, us/request", "",
            {name: cpu for name, (rate, cpu) in found.items()})
