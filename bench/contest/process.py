# process.py - starts programs, waits for them and ends them.
# SPDX-License-Identifier: MIT
import contextlib
import os
import select
import shutil
import signal
import subprocess
import threading

LEAST_S = 120  # that any program may take
MORE_TIMES = 20  # as long as it is expected to take, on an idle machine
END_S = 5      # until a program that does not end is killed

short = False  # --short
_thread = threading.local()


def sized(full, quick):
    """How much of something is done: less with --short."""
    return quick if short else full


class Failure(Exception):
    """Why something could not be measured, in one line."""


def have(tool):
    return shutil.which(tool) is not None


def crowd():
    """How many programs there are for a processor, 1 at least: so many times
    longer may anything take."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def patience_s(expected_s=0):
    """How long a program may take that should take so long on an idle
    machine."""
    return int((LEAST_S + MORE_TIMES * expected_s) * crowd())


def cpus():
    """Those that may be used, the last first."""
    return sorted(os.sched_getaffinity(0), reverse=True)


def use_cpu(cpu):
    """The calling thread's programs are pinned to it."""
    _thread.cpu = cpu


def pinned():
    """The command that runs another one on the last CPU, in SCHED_BATCH.

    Client and server share this CPU and give it up only when they have nothing
    to do. So each wait brings all connections, for every server, and what the
    other CPUs are busy with matters least."""
    if not have("taskset") or not have("chrt"):
        return []
    cpu = getattr(_thread, "cpu", cpus()[0])
    return ["taskset", "-c", str(cpu), "chrt", "-b", "0"]


def apart():
    """As pinned(), for a client that shall not share the server's CPU; on a
    machine that has one CPU it does."""
    if not have("taskset"):
        return []
    return ["taskset", "-c", str(cpus()[-1])]


def check_exit(name, code, errors=""):
    if code:
        last = errors.strip().split("\n")[-1]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise Failure(f"{name} ended with {how}{': ' if last else ''}{last}")


def too_slow(name, limit_s):
    return Failure(f"{name} took more than {limit_s} s")


def output(command, under=(), expected_s=0):
    """What a program prints. `under` is put before its command."""
    name = os.path.basename(command[0])
    limit_s = patience_s(expected_s)
    try:
        done = subprocess.run(
            [*under, *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            errors="replace", timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise too_slow(name, limit_s)
    check_exit(name, done.returncode, done.stderr)
    return done.stdout


@contextlib.contextmanager
def running(command, under=(), stdin=subprocess.DEVNULL):
    """A program that runs as long as the block, and no longer. It has a process
    group: strace that is ended lets go of the program that it traces."""
    process = subprocess.Popen(
        [*under, *command], stdin=stdin, stdout=subprocess.PIPE,
        encoding="utf-8", errors="replace", preexec_fn=os.setpgrp)
    process.name = os.path.basename(command[0])
    try:
        yield process
    finally:
        end(process)


def end(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def first_line(process):
    """The line that a program prints when it is ready."""
    limit_s = patience_s()
    ready, _, _ = select.select([process.stdout], [], [], limit_s)
    if not ready:
        raise too_slow(process.name, limit_s)
    return process.stdout.readline()


def last_lines(process):
    """Waits for a program whose work is done, and returns what it printed: less
    than a pipe holds."""
    limit_s = patience_s()
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        raise too_slow(process.name, limit_s)
    check_exit(process.name, code)
    return process.stdout.read()
