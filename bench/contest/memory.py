# memory.py - what many idle connections take: of the process, of the kernel.
# SPDX-License-Identifier: MIT
import pathlib
import re
import subprocess

from .echo import LIBRARIES, RAW, RONDO
from .process import Failure, first_line, pinned, running, sized
from .report import progress, row
from .servers import (address_of, built, client_command, of_each,
                      server_command)

# What the kernel keeps for a connection: for each of its ends, and for the
# server's end alone, since the client does not watch its own.
EACH_END = ["TCP", "sock_inode_cache", "filp", "dentry", "lsm_file_cache"]
SERVERS_END = ["eventpoll_epi", "ep_head"]
SERVERS = [RONDO, RAW, *LIBRARIES[:2]]


def slab_bytes():
    """Bytes of objects in use, by cache; {} where the kernel does not tell."""
    try:
        text = pathlib.Path("/proc/slabinfo").read_text()
    except OSError:
        return {}
    found = re.findall(r"^(\S+)\s+(\d+)\s+\d+\s+(\d+) ", text, re.MULTILINE)
    return {name: int(count) * int(size) for name, count, size in found}


def resident(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024


def kernel_share(before, after, connections):
    """Bytes of the server's end of a connection."""
    def grown(names):
        return sum(after.get(name, 0) - before.get(name, 0) for name in names)

    return (grown(EACH_END) / 2 + grown(SERVERS_END)) / connections


def held(server, connections):
    """Bytes a connection, of the process and of the kernel."""
    load = ["--one-by-one", "--hold", "--connections", str(connections)]
    with running(server_command(server), under=pinned()) as process:
        client = client_command(server, load, address_of(process))
        before, resident_before = slab_bytes(), resident(process)
        with running(client, under=pinned(), stdin=subprocess.PIPE) as holder:
            if first_line(holder).strip() != "resting":
                raise Failure("the client did not come to rest")
            after, resident_after = slab_bytes(), resident(process)
            holder.stdin.close()
            if holder.wait():
                raise Failure("the client failed")
    kernel = kernel_share(before, after, connections) if before else None
    return (resident_after - resident_before) / connections, kernel


def exact_memory():
    connections = sized(8_000, 2_000)
    found = of_each(f"memory: {connections:,} connections", built(SERVERS),
                    lambda server: held(server, connections))
    row("resident memory a connection, bytes", "",
        {name: own for name, (own, kernel) in found.items()})
    if any(kernel is None for own, kernel in found.values()):
        progress("memory: /proc/slabinfo is root's, the kernel's is left out")
    row("the kernel's memory for it, bytes", "",
        {name: kernel for name, (own, kernel) in found.items()})
