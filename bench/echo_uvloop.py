#!@BENCH_UVLOOP_PYTHON@
# echo_uvloop.py - the echo server over uvloop, an asyncio protocol in Python.
# SPDX-License-Identifier: MIT
import argparse
import asyncio
import os
import resource
import socket
import sys

import uvloop


class Account:
    bytes = 0
    accepted = clients = 0
    size = 64
    over = None  # a future: the last client has left


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        Account.accepted += 1
        Account.clients += 1

    def data_received(self, data):
        Account.bytes += len(data)
        self.transport.write(data)

    def connection_lost(self, error):
        Account.clients -= 1
        if Account.clients == 0 and not Account.over.done():
            Account.over.set_result(None)


def listen(on_unix):
    if not on_unix:
        return socket.create_server(("127.0.0.1", 0), backlog=4096)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(f"\0rondo-bench-{os.getpid()}")
    s.listen(4096)
    return s


def announce(s):
    name = s.getsockname()
    if isinstance(name, bytes):
        text = "@" + name[1:].decode()
    else:
        text = f"{name[0]}:{name[1]}"
    print(f"listening on {text}", flush=True)


async def serve(s):
    loop = asyncio.get_running_loop()
    Account.over = loop.create_future()
    create = loop.create_server
    if s.family == socket.AF_UNIX:
        create = loop.create_unix_server
    server = await create(Echo, sock=s, backlog=4096)
    announce(s)
    await Account.over
    server.close()


def report():
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"cpu_user_us={used.ru_utime * 1e6:.0f}"
          f" cpu_sys_us={used.ru_stime * 1e6:.0f}"
          f" requests={Account.bytes // Account.size}"
          f' library="uvloop {uvloop.__version__}, Python'
          f' {sys.version.split()[0]}"')


def positive(text):
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--size", type=positive, default=64)
    parser.add_argument("--unix", action="store_true")
    option = parser.parse_args()
    Account.size = option.size
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.install()
    asyncio.run(serve(listen(option.unix)))
    report()


main()
