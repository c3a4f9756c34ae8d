# process.py - starts programs, waits for them and ends them.
# SPDX-License-Identifier: MIT
import contextlib
import os
import select
import shutil
import signal
import subprocess

PATIENCE_S = 300  # for anything that a program does
END_S = 5         # until a program that does not end is killed


class Failure(Exception):
    """Why something could not be measured, in one line."""


def have(tool):
    return shutil.which(tool) is not None


def pinned():
    """The command that runs another one on the last CPU, in SCHED_BATCH.

    Client and server share this CPU and give it up only when they have nothing
    to do. So each wait brings all connections, for every server, and what the
    other CPUs are busy with matters least."""
    if not have("taskset") or not have("chrt"):
        return []
    cpu = max(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cpu), "chrt", "-b", "0"]


def check_exit(name, code, errors=""):
    if code:
        last = errors.strip().split("\n")[-1]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise Failure(f"{name} ended with {how}{': ' if last else ''}{last}")


def too_slow(name):
    return Failure(f"{name} took more than {PATIENCE_S} s")


def output(command, under=()):
    """What a program prints. `under` is put before its command."""
    name = os.path.basename(command[0])
    try:
        done = subprocess.run(
            [*under, *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            errors="replace", timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise too_slow(name)
    check_exit(name, done.returncode, done.stderr)
    return done.stdout


@contextlib.contextmanager
def running(command, under=()):
    """A program that runs as long as the block, and no longer. It has a process
    group: strace that is ended lets go of the program that it traces."""
    process = subprocess.Popen(
        [*under, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
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
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
    if not ready:
        raise too_slow(process.name)
    return process.stdout.readline()


def last_lines(process):
    """Waits for a program, and returns what it printed: less than a pipe
    holds."""
    try:
        code = process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise too_slow(process.name)
    check_exit(process.name, code)
    return process.stdout.read()
